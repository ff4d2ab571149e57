"""What the classifiers share: the genres, the input standardisation, loading and saving."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from genre_models import features
from genre_models.features import N_MFCC
from genre_models.weights import StrictWeights

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")


class Standardisation(nn.Module):
    """(x - centre * mean of x over its frames - mean) / std, per coefficient; at first the identity.

    A change of level by g dB adds sqrt(128) g to MFCC 0 of every frame and nothing to the others, so
    `centre` = 1 for coefficient 0 makes what follows deaf to the level of the recording.
    """

    mean: Tensor
    std: Tensor
    centre: Tensor

    def __init__(self, n_mfcc: int = N_MFCC) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_mfcc))
        self.register_buffer("std", torch.ones(n_mfcc))
        self.register_buffer("centre", torch.zeros(n_mfcc))

    @torch.no_grad()
    def fit(self, mfccs: Tensor) -> None:
        """Take mean and deviation from MFCCs (n, frames, n_mfcc), with the level centred out."""
        self.centre.zero_()
        self.centre[0] = 1.0
        centred = mfccs - self.centre * mfccs.mean(dim=1, keepdim=True)
        self.mean.copy_(centred.mean(dim=(0, 1)))
        self.std.copy_(centred.std(dim=(0, 1)).clamp_min(1e-6))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, frames, n_mfcc) -> the same shape."""
        return (x - self.centre * x.mean(dim=1, keepdim=True) - self.mean) / self.std


class GenreClassifier(
    nn.Module,
    StrictWeights,
    library_name="genre-models",
    license="mit",
    pipeline_tag="audio-classification",
    tags=["music", "gtzan"],
    model_card_template=(Path(__file__).parent / "card.md").read_text(encoding="utf-8"),
):
    """What a model hears of 6 s segments -> logits (batch, genres in alphabetical order).

    `hears` says what that is: "mfcc", (batch, 130, 13) from `features.mfcc`, or "waveform", (batch, 96000)
    at 16 kHz.

    `from_pretrained(folder or "user/name", revision=...)`, `save_pretrained(folder)` and
    `push_to_hub("user/name")` come from huggingface_hub; weights are safetensors beside a config.json
    that holds the constructor's arguments.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    hears: ClassVar[Literal["mfcc", "waveform"]]
    temperature: Tensor

    def __init__(self, genres: Sequence[str] = GENRES) -> None:
        super().__init__()
        self.genres = tuple(genres)
        self.register_buffer("temperature", torch.ones(()))

    def probabilities(self, logits: Tensor) -> Tensor:
        """Calibrated probabilities, (batch, 10) -> (batch, 10): softmax of logits / temperature.

        Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks" (ICML 2017).
        """
        return (logits / self.temperature).softmax(dim=-1)

    def card_facts(self) -> dict[str, Any]:
        """For the card: sizes, the calibration, and the constants of the MFCCs."""
        return {
            "name": self.name,
            "title": self.title,
            "genres": self.genres,
            "parameters": self.n_parameters,
            "trained": self.n_trained,
            "frozen": self.n_frozen,
            "temperature": float(self.temperature),
            "features": features,
        }

    @property
    def n_trained(self) -> int:
        """How many numbers were learned here."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    @property
    def n_frozen(self) -> int:
        """How many numbers came with a pretrained part and stay as its makers left them."""
        return 0

    @property
    def n_parameters(self) -> int:
        """How many numbers were learned, here or before."""
        return self.n_trained + self.n_frozen


class MFCCClassifier(GenreClassifier, ABC):
    """A network of the notes: MFCCs (batch, 130, 13) -> logits (batch, 10)."""

    hears = "mfcc"

    def __init__(self, genres: Sequence[str] = GENRES) -> None:
        super().__init__(genres)
        self.standardise = Standardisation()

    def forward(self, mfccs: Tensor) -> Tensor:
        """(batch, 130, 13) -> logits (batch, 10)."""
        return self.answer(self.standardise(mfccs))

    @abstractmethod
    def answer(self, standardised: Tensor) -> Tensor:
        """What `standardise` returned, (batch, 130, 13) -> logits (batch, 10)."""
