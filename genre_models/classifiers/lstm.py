"""The recurrent network of the notes."""

from collections.abc import Sequence

from torch import Tensor, nn

from genre_models.classifiers.base import GENRES, GenreClassifier, initialise
from genre_models.features import N_MFCC


class LSTM(GenreClassifier):
    """Two LSTM layers of 64 (Hochreiter and Schmidhuber 1997), the last state -> 64 -> 10."""

    name = "lstm"
    title = "LSTM"

    def __init__(self, genres: Sequence[str] = GENRES) -> None:
        super().__init__(genres)
        self.lstm = nn.LSTM(N_MFCC, 64, num_layers=2, batch_first=True)
        self.layers = nn.Sequential(
            nn.Linear(64, 64),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(64, len(genres)),
        )
        self.apply(initialise)

    def forward(self, mfccs: Tensor) -> Tensor:
        """(batch, 130, 13) -> logits (batch, 10)."""
        states, _ = self.lstm(self.standardise(mfccs))  # (batch, 130, 64)
        return self.layers(states[:, -1])
