"""The fifth model: MusiCNN, pretrained and frozen, with a small head for the ten genres."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from genre_models import musicnn
from genre_models.classifiers.base import GENRES, GenreClassifier
from genre_models.denoiser import Denoiser
from genre_models.musicnn import N_MELS, POOLED, Heard, MusiCNN


class MusiCNNClassifier(
    GenreClassifier,
    license="isc",
    model_card_template=(Path(__file__).parent / "card_musicnn.md").read_text(encoding="utf-8"),
):
    """6 s at 16 kHz, denoised -> what MusiCNN hears in them, (batch, 1506) -> one linear layer -> 10.

    The linear layer was trained here, and before it the denoiser, which knows nothing of genres; of `ear` the
    rest is as its makers left it.
    """

    name = "musicnn"
    title = "MusiCNN"
    hears = "waveform"

    def __init__(self, genres: Sequence[str] = GENRES) -> None:
        super().__init__(genres)
        self.ear = MusiCNN(Denoiser(N_MELS))
        self.head = nn.Linear(POOLED, len(genres))

    def card_facts(self) -> dict[str, Any]:
        """For the card: also the constants of the ear's front end."""
        return super().card_facts() | {"musicnn": musicnn, "denoising": self.n_denoising}

    @property
    def n_denoising(self) -> int:
        """The denoiser's weights, which were learned here."""
        return sum(part.numel() for part in self.ear.denoiser.parameters()) if self.ear.denoiser else 0

    @property
    def n_trained(self) -> int:
        """The head's weights and the denoiser's."""
        return super().n_trained + self.n_denoising

    @property
    def n_frozen(self) -> int:
        """The published ear's weights and the statistics of its batch norms."""
        held = sum(part.numel() for part in self.ear.state_dict().values() if part.is_floating_point())
        return held - self.n_denoising

    def forward(self, waveforms: Tensor) -> Tensor:
        """(batch, 96000) -> logits (batch, 10)."""
        return self.name_genres(self.ear.listen(waveforms))

    def name_genres(self, heard: Heard) -> Tensor:
        """What the ear heard of n segments -> logits (n, 10)."""
        logits: Tensor = self.head(heard.pooled)
        return logits
