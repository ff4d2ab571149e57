"""Taught labels whose clips are points near the axes of what the ear hears."""

import numpy as np

from genre_models import teach
from genre_models.musicnn import EMBEDDING
from genre_models.teach import Embedding, TaughtClip, TaughtLabels


def rounded(vector: np.ndarray) -> Embedding:
    unit = vector / np.linalg.norm(vector)
    return tuple(round(float(value), teach.DECIMALS) for value in unit)


def point(axis: int, seed: int, scatter: float = 0.02) -> Embedding:
    """An embedding near an axis."""
    vector = scatter * np.random.default_rng(seed).standard_normal(EMBEDDING)
    vector[axis] += 1
    return rounded(vector)


def taught(**counts: int) -> TaughtLabels:
    """Labels far from each other, with so many clips each."""
    labels = TaughtLabels()
    for axis, (label, n) in enumerate(counts.items()):
        for i in range(n):
            labels = labels.with_clip(label, TaughtClip(f"{label} {i}.wav", point(axis, 100 * axis + i)))
    return labels
