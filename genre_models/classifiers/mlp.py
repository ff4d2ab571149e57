"""The multi-layer perceptron of the notes."""

from collections.abc import Sequence

from torch import Tensor, nn

from genre_models.classifiers.base import GENRES, MFCCClassifier
from genre_models.features import N_FRAMES, N_MFCC


class MLP(MFCCClassifier):
    """Flatten 130 x 13 = 1,690 -> 512 -> 256 -> 64 -> 10, ReLU between."""

    name = "mlp"
    title = "MLP"

    def __init__(self, genres: Sequence[str] = GENRES) -> None:
        super().__init__(genres)
        self.layers = nn.Sequential(
            nn.Flatten(),  # (batch, 1690)
            nn.Linear(N_FRAMES * N_MFCC, 512),
            nn.ReLU(),
            nn.Linear(512, 256),
            nn.ReLU(),
            nn.Linear(256, 64),
            nn.ReLU(),
            nn.Linear(64, len(genres)),
        )

    def answer(self, standardised: Tensor) -> Tensor:
        """Standardised MFCCs (batch, 130, 13) -> logits (batch, 10)."""
        return self.layers(standardised)
