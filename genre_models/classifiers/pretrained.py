"""The fifth model: MusiCNN, pretrained and frozen, with a small head for the ten genres."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from genre_models import musicnn
from genre_models.classifiers.base import GENRES, GenreClassifier
from genre_models.musicnn import POOLED, Heard, MusiCNN


class MusiCNNClassifier(
    GenreClassifier,
    license="isc",
    model_card_template=(Path(__file__).parent / "card_musicnn.md").read_text(encoding="utf-8"),
):
    """6 s at 16 kHz -> what MusiCNN hears in them, (batch, 1506) -> one linear layer -> 10.

    Only the linear layer was trained here; `ear` is as its makers left it.
    """

    name = "musicnn"
    title = "MusiCNN"
    hears = "waveform"

    def __init__(self, genres: Sequence[str] = GENRES) -> None:
        super().__init__(genres)
        self.ear = MusiCNN()
        self.head = nn.Linear(POOLED, len(genres))

    def card_facts(self) -> dict[str, Any]:
        """For the card: also the constants of the ear's front end."""
        return super().card_facts() | {"musicnn": musicnn}

    @property
    def n_frozen(self) -> int:
        """The ear's weights and the statistics of its batch norms."""
        return sum(part.numel() for part in self.ear.state_dict().values() if part.is_floating_point())

    def forward(self, waveforms: Tensor) -> Tensor:
        """(batch, 96000) -> logits (batch, 10)."""
        return self.name_genres(self.ear.listen(waveforms))

    def name_genres(self, heard: Heard) -> Tensor:
        """What the ear heard of n segments -> logits (n, 10)."""
        logits: Tensor = self.head(heard.pooled)
        return logits
