"""Which tunes are variants of one another, and a split that keeps them on one side.

The four rules were chosen on the three public-domain books by looking at the pairs that each adds. Exact runs
much shorter than these, or common ones, tie tunes together that share only the phrases of their kind: with
runs of 12 intervals half of the books are one family.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from genre_models.melody.tune import Tune

SAME_INTERVALS = 16
"""Variants share a run of so many intervals, whatever the rhythm: 17 notes in any key."""
SAME_STEPS = 14
"""Or a run of so many intervals and ratios of length: 15 notes in any key and speed."""
SHORT_RUN = 6
SHORT_RUNS_SHARED = 0.2
"""Or this share of the runs of `SHORT_RUN` intervals of one of them, its rests and rhythm apart ..."""
RARE = 40
"""... where only runs that no more tunes than these have count as shared."""
TITLE_EXTRAS = re.compile(r"\(.*?\)|\s--.*|['’.]")
TITLE_FILLERS = {"the", "a", "an", "reel", "jig", "hornpipe", "strathspey"}

HELD_OUT = 0.1
"""Share of the tunes that validation gets, and the test again."""

Edges = Iterable[tuple[int, int]]


class Split(NamedTuple):
    """Tunes to train on, to validate on and to test on."""

    train: list[Tune]
    valid: list[Tune]
    test: list[Tune]


def families(tunes: Sequence[Tune]) -> list[int]:
    """A number for each tune; tunes with the same number are variants, or linked by variants."""
    edges = np.array(list(_edges(tunes)), dtype=int).reshape(-1, 2)
    links = coo_array((np.ones(len(edges)), edges.T), shape=(len(tunes), len(tunes)))
    return connected_components(links, directed=False)[1].tolist()


def split(tunes: Sequence[Tune], families: Sequence[int], seed: int) -> Split:
    """About 80, 10 and 10% of the tunes; a family stays together."""
    members = defaultdict(list)
    for tune, family in zip(tunes, families, strict=True):
        members[family].append(tune)
    parts = Split([], [], [])
    room = HELD_OUT * len(tunes)
    for family in np.random.default_rng(seed).permutation(sorted(members)).tolist():
        group = members[family]
        fitting = (part for part in (parts.test, parts.valid) if len(part) + len(group) <= room)
        next(fitting, parts.train).extend(group)
    return parts


def title_words(title: str) -> str:
    """A title without what differs between books: "Piper's Fancy, The -- Reel" is "pipers fancy"."""
    plain = unicodedata.normalize("NFKD", TITLE_EXTRAS.sub("", title)).encode("ascii", "ignore").decode()
    return " ".join(word for word in re.findall(r"\w+", plain.lower()) if word not in TITLE_FILLERS)


def _edges(tunes: Sequence[Tune]) -> Iterator[tuple[int, int]]:
    intervals = [_intervals(tune) for tune in tunes]
    yield from _linked([_runs(one, SAME_INTERVALS) for one in intervals])
    yield from _linked([_runs(_steps(tune), SAME_STEPS) for tune in tunes])
    yield from _alike([_runs(one, SHORT_RUN) for one in intervals])
    yield from _linked([{title_words(tune.title)} - {""} for tune in tunes])


def _intervals(tune: Tune) -> list[int]:
    """Semitones from each note to the next, rests left out."""
    pitches = [note.pitch for note in tune.notes if note.pitch is not None]
    return [after - before for before, after in pairwise(pitches)]


def _steps(tune: Tune) -> list[tuple[int, float]]:
    """Intervals, each with the ratio of the lengths of its notes."""
    lengths = [float(note.length) for note in tune.notes if note.pitch is not None]
    ratios = [round(after / before, 6) for before, after in pairwise(lengths)]
    return list(zip(_intervals(tune), ratios, strict=True))


def _runs(values: Sequence[Hashable], n: int) -> set[tuple[Hashable, ...]]:
    return {tuple(values[i : i + n]) for i in range(len(values) - n + 1)}


def _owners(traits: Sequence[Iterable[Hashable]]) -> Iterable[list[int]]:
    """Of each trait, the tunes that have it."""
    owners = defaultdict(list)
    for i, own in enumerate(traits):
        for trait in own:
            owners[trait].append(i)
    return owners.values()


def _linked(traits: Sequence[Iterable[Hashable]]) -> Edges:
    return (pair for owners in _owners(traits) for pair in pairwise(owners))


def _alike(runs: Sequence[set[tuple[Hashable, ...]]]) -> Edges:
    """Pairs of which one has enough of its runs in common with the other."""
    shared = Counter(
        pair for owners in _owners(runs) if len(owners) <= RARE for pair in combinations(owners, 2)
    )
    for (i, j), count in shared.items():
        if count >= SHORT_RUNS_SHARED * min(len(runs[i]), len(runs[j])):
            yield i, j
