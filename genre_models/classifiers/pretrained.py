"""The fifth model: MusiCNN, pretrained and frozen, with small heads for the ten genres."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genre_models import musicnn
from genre_models.classifiers.base import GENRES, GenreClassifier
from genre_models.denoiser import MENDED, Denoiser
from genre_models.musicnn import N_MELS, POOLED, MusiCNN


class MusiCNNClassifier(
    GenreClassifier,
    license="isc",
    model_card_template=(Path(__file__).parent / "card_musicnn.md").read_text(encoding="utf-8"),
):
    """6 s at 16 kHz, denoised -> what MusiCNN hears in them, (batch, 1506) -> one of two linear layers -> 10.

    The denoiser's change tells which: `distant_head` names what it changes by more than `MENDED` on average,
    `head` the rest. Both were trained here, and before them the denoiser, which knows nothing of genres; of
    `ear` the rest is as its makers left it.
    """

    name = "musicnn"
    title = "MusiCNN"
    hears = "waveform"

    def __init__(self, genres: Sequence[str] = GENRES) -> None:
        super().__init__(genres)
        self.ear = MusiCNN(Denoiser(N_MELS))
        self.head = nn.Linear(POOLED, len(genres))
        self.distant_head = nn.Linear(POOLED, len(genres))

    def card_facts(self) -> dict[str, Any]:
        """For the card: also the constants of the ear's front end."""
        return super().card_facts() | {"musicnn": musicnn, "denoising": self.n_denoising, "mended": MENDED}

    @property
    def n_denoising(self) -> int:
        """The denoiser's weights, which were learned here."""
        return sum(part.numel() for part in self.ear.denoiser.parameters()) if self.ear.denoiser else 0

    @property
    def n_trained(self) -> int:
        """The heads' weights and the denoiser's."""
        return super().n_trained + self.n_denoising

    @property
    def n_frozen(self) -> int:
        """The published ear's weights and the statistics of its batch norms."""
        held = sum(part.numel() for part in self.ear.state_dict().values() if part.is_floating_point())
        return held - self.n_denoising

    def forward(self, waveforms: Tensor) -> Tensor:
        """(batch, 96000) -> logits (batch, 10)."""
        heard = self.ear.listen(waveforms)
        return self.name_genres(heard.pooled, heard.mended)

    def name_genres(self, pooled: Tensor, mended: Tensor) -> Tensor:
        """What the ear heard of n segments (n, 1506), and the denoiser's change (n,) -> logits (n, 10)."""
        distant = (mended > MENDED)[:, None]
        return torch.where(distant, self.distant_head(pooled), self.head(pooled))

    def know_nothing(self) -> None:
        """Heads for which all genres are equally likely, until they are trained."""
        for head in (self.head, self.distant_head):
            for weights in head.parameters():
                nn.init.zeros_(weights)
