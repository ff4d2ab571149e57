"""The encoder-decoder Transformer with a vocabulary of word pieces: nothing of it differs from music's."""

import json
from pathlib import Path
from typing import Any, Self

from huggingface_hub import hf_hub_download

from genre_models.seq2seq import EncoderDecoder
from genre_models.weights import DOWNLOAD_OPTIONS
from genre_models.words.vocabulary import PAD, Vocabulary, VocabularyError

VOCABULARY_FILE = "tokenizer.json"
SEEN_FILE = "words.json"
"""The words of the training texts, in small letters."""
LANGUAGES = {"de": "German", "en": "English", "es": "Spanish", "fr": "French"}


class WordsTransformer(EncoderDecoder, library_name="genre-models", license="mit", tags=["seq2seq"]):
    """Source and target share the ids of a `vocabulary`, which lies beside the weights.

    `language` is the code of the one it writes, such as "fr", None where nobody said; `seen` are
    the words of the training texts, in small letters. `from_pretrained` and `save_pretrained` keep all of
    them with the weights.
    """

    vocabulary: Vocabulary
    seen: frozenset[str]

    def __init__(
        self,
        vocabulary_size: int,
        language: str | None = None,
        d_model: int = 128,
        heads: int = 4,
        encoder_layers: int = 3,
        decoder_layers: int = 3,
        d_ff: int = 512,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(
            vocabulary_size,
            vocabulary_size,
            d_model,
            heads,
            encoder_layers,
            decoder_layers,
            d_ff,
            dropout=dropout,
            pad=PAD,
        )
        self.language = language
        self.seen = frozenset()

    def with_words(self, vocabulary: Vocabulary, seen: frozenset[str]) -> Self:
        """Itself, with what it reads and writes by. Raises `VocabularyError` for one of another size."""
        known = self.source_embedding.num_embeddings
        if len(vocabulary) != known:
            raise VocabularyError(f"The vocabulary has {len(vocabulary)} entries, the model {known}.")
        self.vocabulary, self.seen = vocabulary, seen
        return self

    def card_facts(self) -> dict[str, Any]:
        """For the card: sizes."""
        return {
            "parameters": sum(weight.numel() for weight in self.parameters()),
            "vocabulary_size": self.source_embedding.num_embeddings,
            "words_seen": len(self.seen),
            "language_name": LANGUAGES.get(self.language or ""),
        }

    def _save_pretrained(self, save_directory: Path) -> None:
        super()._save_pretrained(save_directory)
        self.vocabulary.save(save_directory / VOCABULARY_FILE)
        words = json.dumps(sorted(self.seen), ensure_ascii=False, indent=0)
        (save_directory / SEEN_FILE).write_text(words + "\n", encoding="utf-8")

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> Self:
        model: Self = super()._from_pretrained(model_id=model_id, **options)
        download = {name: options[name] for name in DOWNLOAD_OPTIONS if name in options}
        vocabulary, seen = (
            file if file.is_file() else Path(hf_hub_download(model_id, file.name, **download))
            for file in (Path(model_id, name) for name in (VOCABULARY_FILE, SEEN_FILE))
        )
        words = json.loads(seen.read_text(encoding="utf-8"))
        return model.with_words(Vocabulary.load(vocabulary), frozenset(words))


class TranslationTransformer(
    WordsTransformer,
    library_name="genre-models",
    license="mit",
    tags=["translation", "seq2seq"],
    model_card_template=(Path(__file__).parent / "card_translate.md").read_text(encoding="utf-8"),
):
    """From English phrases to those of `language`."""


class TextTransformer(
    WordsTransformer,
    library_name="genre-models",
    license="mit",
    tags=["text-generation", "seq2seq"],
    model_card_template=(Path(__file__).parent / "card_text.md").read_text(encoding="utf-8"),
):
    """From a run of English prose to the run that follows it."""
