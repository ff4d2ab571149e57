"""The positional formula as the Transformer encoder adds it to its frames."""

from dataclasses import dataclass

import numpy as np

from genre_models.audio import SAMPLE_RATE
from genre_models.classifiers import TransformerClassifier
from genre_models.features import HOP_LENGTH


@dataclass(frozen=True)
class Positions:
    """`pattern` (130, d_model) is added to the frames, which stand at `times_s` (130,) in their segment."""

    times_s: np.ndarray
    pattern: np.ndarray

    def nearest(self, time_s: float) -> int:
        """The frame that is closest to a time."""
        return int(np.abs(self.times_s - time_s).argmin())

    def likeness(self, frame: int) -> np.ndarray:
        """Dot product of each frame's position with this one's, (130,), over that with itself.

        Each pair of a sine and a cosine of the angle w t gives cos(w (t - s)): the distance alone counts, and
        the frame itself, the only one at 1, has d_model / 2 before the division.
        """
        products: np.ndarray = self.pattern @ self.pattern[frame]
        return products / products[frame]


def positions(model: TransformerClassifier) -> Positions:
    """Of the running model."""
    pattern = model.positions.numpy()
    return Positions(np.arange(len(pattern)) * HOP_LENGTH / SAMPLE_RATE, pattern)
