"""Balanced accuracy, its interval over artists, and paired differences."""

from typing import Any

import numpy as np

from genre_models.classifiers import GENRES

N_RESAMPLES = 2000


def recalls(truth: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Share of each genre's tracks that were named rightly, (genres,); NaN for a genre without tracks."""
    total = np.bincount(truth, minlength=len(GENRES))
    right = np.bincount(truth[truth == answers], minlength=len(GENRES))
    return np.divide(right, total, out=np.full(len(GENRES), np.nan), where=total > 0)


def balanced_accuracy(truth: np.ndarray, answers: np.ndarray) -> float:
    """Recall averaged over the genres that occur."""
    return float(np.nanmean(recalls(truth, answers)))


def confusion(truth: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Counts, (true genre, named genre)."""
    matrix = np.zeros((len(GENRES), len(GENRES)), dtype=int)
    np.add.at(matrix, (truth, answers), 1)
    return matrix


def _resampled(truth: np.ndarray, groups: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Balanced accuracies under resampling of groups with replacement.

    `right` is (systems, tracks), the share of answers that were right; result (systems, resamples).
    """
    _, owner = np.unique(groups, return_inverse=True)
    rng = np.random.default_rng(0)
    n = owner.max() + 1
    drawn = np.stack([np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(N_RESAMPLES)])
    weights = drawn[:, owner].astype(float)  # (resamples, tracks)
    by_genre = np.eye(len(GENRES))[truth]  # (tracks, genres)
    total = weights @ by_genre  # (resamples, genres)
    results = []
    for row in right:
        recall = np.divide(
            weights @ (by_genre * row[:, None]), total, out=np.full_like(total, np.nan), where=total > 0
        )
        results.append(np.nanmean(recall, axis=1))
    return np.stack(results)


def interval(truth: np.ndarray, groups: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """95% percentile interval of balanced accuracy by resampling artists (`groups`, one a track).

    `right` (tracks,) is the share of a track's answers, over shuffles, that were right.
    """
    low, high = np.percentile(_resampled(truth, groups, right[None])[0], [2.5, 97.5])
    return float(low), float(high)


def mean_recall(truth: np.ndarray, right: np.ndarray) -> float:
    """Mean over the genres of the mean of `right` (tracks,) in each."""
    return float(np.mean([right[truth == genre].mean() for genre in np.unique(truth)]))


def paired_difference(
    truth: np.ndarray, groups: np.ndarray, right: np.ndarray, other: np.ndarray
) -> dict[str, Any]:
    """Difference in balanced accuracy of two systems on the same tracks and folds, with its 95% interval.

    `right` and `other` (tracks,) are the shares of each one's answers that were right.
    """
    first, second = _resampled(truth, groups, np.stack([right, other]))
    return {
        "difference": mean_recall(truth, right) - mean_recall(truth, other),
        "interval": [float(bound) for bound in np.percentile(first - second, [2.5, 97.5])],
    }
