"""Tunes as training examples: a run of a tune for the encoder, the run after it for the decoder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from genre_models.melody.tune import HIGHEST, LOWEST, Key, Tune
from genre_models.melody.vocabulary import (
    ANY_KEY,
    END,
    FIRST_KEY,
    FIRST_LENGTH,
    FIRST_PITCH,
    KEY_IDS,
    PAD,
    REST,
    START,
    encode,
    metre_id,
)
from genre_models.training.batching import Batch, Example, in_order, shuffled

SHORTEST_RUN, LONGEST_RUN = 4, 64
"""Notes that the encoder reads."""
LONGEST_SHORT_RUN = 8
SHORT_RUN_SHARE = 1 / 3
"""A person types a few notes: so many examples have runs of at most `LONGEST_SHORT_RUN`."""
TUNE_START_SHARE = 1 / 3
"""Runs that begin with the tune; the others begin at any bar line."""
UNKNOWN_KEY_SHARE = 0.15
"""Examples that do not tell their key. The metre is always told: without it there are no bar lines."""
SEMITONES = range(-6, 6)
OCTAVES = (-2, -1, 0, 1, 2)
OCTAVE_SHARES = (0.05, 0.15, 0.6, 0.15, 0.05)
HELD_OUT_RUNS = (5, 16, 48)
"""Notes at the start of a held-out tune that are given, each in an example of its own."""


@dataclass(frozen=True)
class EncodedTune:
    """A tune as token ids (tokens,).

    `note_starts` (notes + 1,) are the places in them where its notes begin and the last one ends;
    `bar_starts` (bars,) numbers the notes that a run may begin with: the first, and those on a bar line.
    """

    key: Key
    metre_id: int
    ids: np.ndarray
    note_starts: np.ndarray
    bar_starts: np.ndarray
    lowest: int
    highest: int

    @property
    def n_notes(self) -> int:
        """Notes and rests."""
        return len(self.note_starts) - 1

    def example(self, start: int, n_notes: int, target_tokens: int) -> Example:
        """Source and target: so many notes from the one at `start`, and at most so many tokens after them."""
        begin, cut = self.note_starts[start], self.note_starts[start + n_notes]
        source = np.concatenate([[KEY_IDS[self.key], self.metre_id], self.ids[begin:cut]])
        rest = np.append(self.ids[cut : cut + target_tokens], END)[:target_tokens]
        return source, np.append(START, rest)

    def fits(self, semitones: int) -> bool:
        """Whether all notes stay on the piano when moved."""
        return self.lowest + semitones >= LOWEST and self.highest + semitones <= HIGHEST


def encode_tune(tune: Tune) -> EncodedTune:
    """Raises `VocabularyError` for a tune that has no tokens."""
    position = -tune.pickup % tune.metre.bar
    ids = np.array(encode(tune.notes, tune.metre, position))
    starts = np.flatnonzero((ids >= REST) & (ids < FIRST_LENGTH))
    lengths = [position, *(note.length for note in tune.notes[:-1])]
    on_line = [at % tune.metre.bar == 0 for at in accumulate(lengths)]
    pitches = [note.pitch for note in tune.notes if note.pitch is not None]
    return EncodedTune(
        key=tune.key,
        metre_id=metre_id(tune.metre),
        ids=ids,
        note_starts=np.append(starts, len(ids)),
        bar_starts=np.flatnonzero([True, *on_line[1:]]),
        lowest=min(pitches),
        highest=max(pitches),
    )


def transposed(example: Example, semitones: int) -> Example:
    """Pitches and key moved; rests and unknown keys stay."""
    source, target = (np.where(_is_note(ids), ids + semitones, ids) for ids in example)
    key = source[0] - FIRST_KEY
    if source[0] != ANY_KEY:
        source[0] = FIRST_KEY + key // 12 * 12 + (key + semitones) % 12
    return source, target


def _is_note(ids: np.ndarray) -> np.ndarray:
    return (ids >= FIRST_PITCH) & (ids < FIRST_LENGTH)


def draw(tune: EncodedTune, target_tokens: int, rng: np.random.Generator) -> Example:
    """A random cut of a tune, in a random key and octave."""
    longest = LONGEST_SHORT_RUN if rng.random() < SHORT_RUN_SHARE else LONGEST_RUN
    n_notes = min(int(rng.integers(SHORTEST_RUN, longest + 1)), tune.n_notes - 1)
    starts = tune.bar_starts[tune.bar_starts + n_notes < tune.n_notes]
    start = 0 if rng.random() < TUNE_START_SHARE else int(rng.choice(starts))
    source, target = tune.example(start, n_notes, target_tokens)
    semitones, octaves = int(rng.choice(SEMITONES)), int(rng.choice(OCTAVES, p=OCTAVE_SHARES))
    moves = (semitones + 12 * octaves, semitones, 0)
    source, target = transposed((source, target), next(move for move in moves if tune.fits(move)))
    if rng.random() < UNKNOWN_KEY_SHARE:
        source[0] = ANY_KEY
    return source, target


class Examples:
    """Tunes to train on or to test with, in batches; targets have at most `target_tokens` after START."""

    def __init__(self, tunes: Sequence[Tune], target_tokens: int) -> None:
        self.tunes = [encode_tune(tune) for tune in tunes]
        self.target_tokens = target_tokens

    def batches(self, batch_size: int, rng: np.random.Generator) -> Iterator[Batch]:
        """A random example of every tune, in random order; examples of like length share a batch."""
        examples = [draw(tune, self.target_tokens, rng) for tune in self.tunes]
        return shuffled(examples, batch_size, PAD, rng)

    def held_out(self, batch_size: int) -> Iterator[Batch]:
        """Always the same examples: the first `HELD_OUT_RUNS` notes of each longer tune, as it is written."""
        examples = [
            tune.example(0, n_notes, self.target_tokens)
            for tune in self.tunes
            for n_notes in HELD_OUT_RUNS
            if n_notes < tune.n_notes
        ]
        return in_order(examples, batch_size, PAD)
