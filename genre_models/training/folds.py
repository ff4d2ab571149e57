"""Who is trained on and who is tested: folds by artist, by track, by segment, and the published split."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from genre_models.training.dataset import Dataset
from genre_models.training.files import DataError
from genre_models.training.gtzan import PUBLISHED, is_full_set

N_FOLDS = 3
N_INNER_FOLDS = 3
Split = Literal["artist", "track", "segment"]
SPLITS: tuple[Split, ...] = get_args(Split)
"""Only "artist" is honest: "track" leaves an artist's other tracks in training, "segment" (leaky) even
other segments of the same track."""

SHUFFLES: dict[Split, tuple[int, ...]] = {"artist": (0, 1, 2), "track": (0,), "segment": (0,)}
"""Random states of the folds; what is shown only for comparison is measured once."""


@dataclass(frozen=True)
class Fold:
    """Segments to train on and segments to test on."""

    train: np.ndarray
    test: np.ndarray


def _grouped(
    dataset: Dataset, recordings: np.ndarray, groups: Sequence[str], n: int, seed: int
) -> list[Fold]:
    genres = dataset.genre[recordings]
    if len(set(groups)) < n or max(np.bincount(genres)) < n:
        raise DataError(f"This needs recordings of at least {n} artists or tracks, {n} of them of one genre.")
    folds = StratifiedGroupKFold(n, shuffle=True, random_state=seed).split(genres, genres, groups)
    return [
        Fold(dataset.segments_of(recordings[train]), dataset.segments_of(recordings[test]))
        for train, test in folds
    ]


def outer_folds(dataset: Dataset, split: Split, shuffle: int) -> list[Fold]:
    """The three folds that are reported; together their test sides are every segment once."""
    if split == "segment":
        labels = dataset.labels
        folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=shuffle).split(labels, labels)
        return [Fold(train, test) for train, test in folds]
    artist = split == "artist"
    groups = [recording.group if artist else recording.track for recording in dataset.recordings]
    return _grouped(dataset, np.arange(len(groups)), groups, N_FOLDS, shuffle)


def inner_folds(dataset: Dataset, segments: np.ndarray) -> list[Fold]:
    """Folds of other artists inside the training side of a fold, on which every choice is made."""
    recordings = np.unique(dataset.recording[segments])
    groups = [dataset.recordings[i].group for i in recordings]
    folds = _grouped(dataset, recordings, groups, N_INNER_FOLDS, seed=0)
    return [Fold(np.intersect1d(fold.train, segments), np.intersect1d(fold.test, segments)) for fold in folds]


def scored_recordings(dataset: Dataset, segments: np.ndarray) -> np.ndarray:
    """Recordings that are scored (one a track) among those that these segments belong to."""
    return np.intersect1d(dataset.tested, np.unique(dataset.recording[segments]))


def published_split(dataset: Dataset) -> dict[str, np.ndarray]:
    """Recordings of the published artist-filtered lists: "train" 443, "valid" 197, "test" 290 tracks."""
    if not is_full_set(dataset.recordings):
        raise DataError("The published split needs the whole of GTZAN; this folder holds a part of it.")
    part = np.array([PUBLISHED.get(recording.track, "") for recording in dataset.recordings])
    return {name: np.flatnonzero(part == name) for name in ("train", "valid", "test")}
