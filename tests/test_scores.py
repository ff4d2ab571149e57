"""Balanced accuracy against scikit-learn; intervals that behave as intervals should."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, confusion_matrix

from genre_models.training.scores import balanced_accuracy, confusion, interval, paired_difference

answers = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=60)


@given(answers)
def test_balanced_accuracy_and_confusion_are_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    truth, named = (np.array(column) for column in zip(*pairs, strict=True))
    recalled = [np.mean(named[truth == genre] == genre) for genre in np.unique(truth)]
    assert np.isclose(balanced_accuracy(truth, named), np.mean(recalled))
    if set(named) <= set(truth):
        assert np.isclose(balanced_accuracy(truth, named), balanced_accuracy_score(truth, named))
    np.testing.assert_array_equal(confusion(truth, named), confusion_matrix(truth, named, labels=range(10)))


def simulated(
    rng: np.random.Generator, n_artists: int, tracks: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    artists = np.repeat(np.arange(n_artists), tracks)
    truth = artists % 10
    luck = rng.random(n_artists)[artists]
    return truth, artists, (rng.random(len(artists)) < luck).astype(float)


def test_interval_holds_the_value_and_widens_when_artists_are_few() -> None:
    rng = np.random.default_rng(0)
    widths = {}
    for n_artists, tracks in ((200, 2), (40, 10)):
        truth, artists, right = simulated(rng, n_artists, tracks)
        low, high = interval(truth, artists, right)
        assert low <= np.mean([right[truth == genre].mean() for genre in range(10)]) <= high
        widths[n_artists] = high - low
    assert widths[40] > 1.3 * widths[200]


def test_paired_interval_is_zero_for_equal_systems_and_excludes_zero_for_a_clear_gain() -> None:
    rng = np.random.default_rng(0)
    truth, artists, right = simulated(rng, 200, 2)
    same = paired_difference(truth, artists, right, right)
    assert same == {"difference": 0.0, "interval": [0.0, 0.0]}
    better = np.maximum(right, rng.random(len(right)) < 0.4)
    gain = paired_difference(truth, artists, better, right)
    assert 0 < gain["interval"][0] < gain["difference"] < gain["interval"][1]
