"""The encoder-decoder Transformer with the vocabulary of music."""

from pathlib import Path
from typing import Any

from genre_models.melody import vocabulary
from genre_models.melody.vocabulary import PAD, SIZE
from genre_models.seq2seq import EncoderDecoder


class MelodyTransformer(
    EncoderDecoder,
    library_name="genre-models",
    license="mit",
    tags=["music", "seq2seq"],
    model_card_template=(Path(__file__).parent / "card.md").read_text(encoding="utf-8"),
):
    """Source and target share `vocabulary.SIZE` token ids."""

    def __init__(
        self,
        d_model: int = 128,
        heads: int = 4,
        encoder_layers: int = 3,
        decoder_layers: int = 3,
        d_ff: int = 512,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(
            SIZE, SIZE, d_model, heads, encoder_layers, decoder_layers, d_ff, dropout=dropout, pad=PAD
        )

    def card_facts(self) -> dict[str, Any]:
        """For the card: the size, and the constants of the vocabulary."""
        return {"parameters": sum(weight.numel() for weight in self.parameters()), "vocabulary": vocabulary}
