"""Phrases to train on, to validate on and to test on: no source on two sides, nor one nearly the same."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from genre_models.training.files import DataError
from genre_models.training.words_pairs import Pair, core, sources

HELD_OUT = 0.05
"""Share of the phrases that validation gets, and the test again, before near variants are dropped."""
SPLIT_SEED = 0
ALIKE = 0.9
"""Held-out sources with this cosine to one on an earlier side are dropped as its near variants."""
ROWS = 512
"""Sources compared at once."""


class Split(NamedTuple):
    """Pairs; validation and test have one for each source, `dropped` counts their near variants."""

    train: list[Pair]
    valid: list[Pair]
    test: list[Pair]
    dropped: int


class Nearest:
    """Finds, for a phrase, the one among `phrases` that is spelt most like it.

    Likeness is the cosine of counts of 3 to 5 letters in a row within words, weighted by how rare they are
    (tf-idf; Salton and Buckley 1988).
    """

    def __init__(self, phrases: Sequence[str]) -> None:
        self.vectoriser = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
        self.known = self.vectoriser.fit_transform([core(phrase) for phrase in phrases])

    def find(self, phrases: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Of each phrase the nearest's number (phrases,) and the cosine to it (phrases,)."""
        asked = self.vectoriser.transform([core(phrase) for phrase in phrases])
        nearest, cosines = [], []
        for start in range(0, len(phrases), ROWS):
            likeness = (asked[start : start + ROWS] @ self.known.T).toarray()  # (rows, known)
            nearest.append(likeness.argmax(axis=1))
            cosines.append(likeness.max(axis=1))
        return np.concatenate(nearest), np.concatenate(cosines)


def split(pairs: Sequence[Pair], seed: int = SPLIT_SEED) -> Split:
    """About 90, 5 and 5% of the sources; what is the same but for case, marks and digits stays together.

    Raises `DataError` where there is too little to hold anything out.
    """
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[core(pair.source)].append(pair)
    cores = sorted(groups)
    order = np.random.default_rng(seed).permutation(len(cores))
    n_held = int(HELD_OUT * len(cores))
    test, valid = ([groups[cores[i]][0] for i in part] for part in np.split(order[: 2 * n_held], 2))
    train = [pair for i in sorted(order[2 * n_held :]) for pair in groups[cores[i]]]
    if not n_held:
        raise DataError(f"{len(cores)} different phrases are too few to train and to test with.")
    fresh_valid = _unlike(valid, train)
    fresh_test = _unlike(test, [*train, *fresh_valid])
    if not (fresh_valid and fresh_test):
        raise DataError("All phrases that were held out are nearly the same as phrases to train on.")
    return Split(train, fresh_valid, fresh_test, 2 * n_held - len(fresh_valid) - len(fresh_test))


def _unlike(held_out: Sequence[Pair], earlier: Sequence[Pair]) -> list[Pair]:
    _, cosines = Nearest(sources(earlier)).find(sources(held_out))
    return [pair for pair, cosine in zip(held_out, cosines, strict=True) if cosine < ALIKE]
