"""The Transformer encoder of the notes, on the 130 frames."""

from collections.abc import Sequence
from typing import Literal, overload

from torch import Tensor, nn

from genre_models.attention import EncoderLayer, positional_encoding
from genre_models.classifiers.base import GENRES, MFCCClassifier
from genre_models.features import N_FRAMES, N_MFCC


class TransformerClassifier(MFCCClassifier):
    """I' = I + P, encoder layers, the mean over the frames -> 10.

    I is a learned linear embedding of each frame, P the sinusoidal positions; `d_k` and `d_v` are free
    and default to d_model / heads.
    """

    name = "transformer"
    title = "Transformer"
    positions: Tensor

    def __init__(
        self,
        genres: Sequence[str] = GENRES,
        d_model: int = 64,
        heads: int = 4,
        layers: int = 2,
        d_ff: int = 128,
        d_k: int | None = None,
        d_v: int | None = None,
        dropout: float = 0.1,
    ) -> None:
        super().__init__(genres)
        self.embedding = nn.Linear(N_MFCC, d_model)
        self.register_buffer("positions", positional_encoding(N_FRAMES, d_model), persistent=False)
        self.dropout = nn.Dropout(dropout)
        self.encoder = nn.ModuleList(
            EncoderLayer(d_model, heads, d_ff, d_k, d_v, dropout) for _ in range(layers)
        )
        self.head = nn.Linear(d_model, len(genres))

    @overload
    def forward(self, mfccs: Tensor, return_attention: Literal[False] = False) -> Tensor: ...

    @overload
    def forward(self, mfccs: Tensor, return_attention: Literal[True]) -> tuple[Tensor, list[Tensor]]: ...

    def forward(self, mfccs: Tensor, return_attention: bool = False) -> Tensor | tuple[Tensor, list[Tensor]]:
        """(batch, 130, 13) -> logits (batch, 10).

        With `return_attention` also the weights of each layer, (batch, heads, 130 queries, 130 keys).
        """
        x, attention = self._encode(self.standardise(mfccs), return_attention)
        logits = self.head(x.mean(dim=1))
        return (logits, attention) if return_attention else logits

    def answer(self, standardised: Tensor) -> Tensor:
        """Standardised MFCCs (batch, 130, 13) -> logits (batch, 10)."""
        x, _ = self._encode(standardised)
        return self.head(x.mean(dim=1))

    def embed(self, standardised: Tensor) -> Tensor:
        """I' = I + P of standardised MFCCs, (batch, 130, 13) -> (batch, 130, d_model)."""
        return self.dropout(self.embedding(standardised) + self.positions)

    def _encode(self, standardised: Tensor, return_attention: bool = False) -> tuple[Tensor, list[Tensor]]:
        x = self.embed(standardised)
        attention: list[Tensor] = []
        for layer in self.encoder:
            x, weights = layer(x, return_attention)
            if weights is not None:
                attention.append(weights)
        return x, attention  # (batch, 130, d_model), and (batch, heads, 130, 130) of each layer
