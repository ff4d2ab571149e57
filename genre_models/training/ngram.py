"""A 3-gram over notes, what the networks are compared with: pitch, then length, from the two notes before."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from genre_models.melody.notes import LENGTHS
from genre_models.melody.tune import HIGHEST, LOWEST
from genre_models.melody.vocabulary import (
    END,
    FIRST_KEY,
    FIRST_LENGTH,
    FIRST_PITCH,
    FIRST_PLACE,
    KEY_IDS,
    KEYS,
    PAD,
    PITCHES,
    REST,
    SIZE,
    is_length,
    is_pitch,
    is_place,
)
from genre_models.training.melody_data import EncodedTune

PIANO = HIGHEST - LOWEST
"""Semitones between its outermost keys."""
REST_OUTCOME, END_OUTCOME = 2 * PIANO + 1, 2 * PIANO + 2
"""After the intervals from the last pitch, of which -PIANO is outcome 0."""
N_PITCH_OUTCOMES = 2 * PIANO + 3
NONE = -1_000
"""In place of what is not there, as before the first note."""
MIDDLE_C = 60
OCTAVE = 12

Context = tuple[int, ...]
Seen = Iterable[tuple[Context, int]]
"""Contexts and what followed in them."""


@dataclass(frozen=True)
class Recipe:
    """What is known when a pitch or a length is foretold, and the discount.

    The last in a context is given up first. They may name "mode", "metre", "place" (in the bar),
    "degree" (of the last pitch above the tonic, within the octave), "step" (interval between the two notes
    before), "length" and "earlier_length" (of these two), and before a length "pitch" (interval to it).
    """

    pitch: tuple[str, ...]
    length: tuple[str, ...]
    discount: float


class BackOff:
    """Interpolated Kneser-Ney with one discount (Chen and Goodman 1999, section 2.7)."""

    def __init__(self, seen: Seen, n_outcomes: int, discount: float) -> None:
        self.n_outcomes, self.discount = n_outcomes, discount
        self.counts: dict[Context, tuple[np.ndarray, np.ndarray]] = {}
        self._known: dict[Context, np.ndarray] = {}
        counts = Counter(seen)
        for _ in range(len(next(iter(counts))[0]) + 1):
            self._add(counts)
            counts = Counter((context[:-1], outcome) for context, outcome in counts)

    def _add(self, counts: Counter[tuple[Context, int]]) -> None:
        """Contexts of one length; of shorter ones, in how many longer ones an outcome was seen."""
        by_context = defaultdict(list)
        for (context, outcome), count in counts.items():
            by_context[context].append((outcome, count))
        for context, pairs in by_context.items():
            outcomes, numbers = np.array(pairs).T
            self.counts[context] = (outcomes, numbers.astype(float))

    def probabilities(self, context: Context) -> np.ndarray:
        """Of all outcomes, (n_outcomes,)."""
        if context not in self._known:
            self._known[context] = self._interpolated(context)
        return self._known[context]

    def probability(self, context: Context, outcome: int) -> float:
        """Of one outcome, where there are too many to ask for all."""
        shorter = self.probability(context[:-1], outcome) if context else 1 / self.n_outcomes
        if context not in self.counts:
            return shorter
        outcomes, counts = self.counts[context]
        seen = float(counts[outcomes == outcome].sum())
        return (max(seen - self.discount, 0.0) + self.discount * len(counts) * shorter) / float(counts.sum())

    def _interpolated(self, context: Context) -> np.ndarray:
        shorter = (
            self.probabilities(context[:-1]) if context else np.full(self.n_outcomes, 1 / self.n_outcomes)
        )
        if context not in self.counts:
            return shorter
        outcomes, counts = self.counts[context]
        probabilities = self.discount * len(counts) / counts.sum() * shorter
        probabilities[outcomes] += (counts - self.discount) / counts.sum()
        return probabilities


class _Reader:
    """Reads a tune token by token and knows what may be known before each."""

    def __init__(self, key_id: int, metre_id: int) -> None:
        key = KEYS[key_id - FIRST_KEY]
        self.tonic = key.tonic
        self.sounded = MIDDLE_C + key.tonic  # the last pitch; before a tune, its tonic
        self.last: int | None = None  # pitch of the last note, None for a rest
        self.pitch: int | None = None  # of the note whose length comes next
        self.after_pitch = False
        self.known = dict.fromkeys(("place", "degree", "step", "length", "earlier_length", "pitch"), NONE)
        self.known |= {"mode": (key_id - FIRST_KEY) // OCTAVE, "metre": metre_id}

    def outcome(self, token: int) -> int:
        """A pitch, rest, length or END as an outcome."""
        if is_length(token):
            return token - FIRST_LENGTH
        if token == END:
            return END_OUTCOME
        pitch = PITCHES[token - REST]
        return REST_OUTCOME if pitch is None else pitch - self.sounded + PIANO

    def push(self, token: int) -> None:
        """Go on with a token."""
        if is_place(token):
            self.known["place"] = token - FIRST_PLACE
        elif is_pitch(token):
            self.known["pitch"] = self.outcome(token)
            self.pitch, self.after_pitch = PITCHES[token - REST], True
        elif is_length(token):
            self._end_note(token - FIRST_LENGTH)

    def _end_note(self, length: int) -> None:
        resting = self.pitch is None
        known, self.after_pitch = self.known, False
        known["step"] = NONE if self.pitch is None or self.last is None else self.pitch - self.last
        self.sounded = self.sounded if self.pitch is None else self.pitch
        known["degree"] = (self.sounded - self.tonic) % OCTAVE + OCTAVE * resting
        known["earlier_length"], known["length"] = known["length"], length
        self.last = self.pitch


class NGram:
    """Fitted to whole tunes, from their start to their end; all keys and octaves are alike to it.

    It foretells notes and the tune's end; places, which follow from them, cost it nothing.
    """

    def __init__(self, tunes: Sequence[EncodedTune], recipe: Recipe) -> None:
        self.recipe = recipe
        pitches: list[tuple[Context, int]] = []
        lengths: list[tuple[Context, int]] = []
        for tune in tunes:
            reader = _Reader(KEY_IDS[tune.key], tune.metre_id)
            for token in (*tune.ids.tolist(), END):
                if not is_place(token):
                    seen = lengths if reader.after_pitch else pitches
                    seen.append((self._context(reader), reader.outcome(token)))
                reader.push(token)
        self.pitches = BackOff(pitches, N_PITCH_OUTCOMES, recipe.discount)
        self.lengths = BackOff(lengths, len(LENGTHS), recipe.discount)

    def _context(self, reader: _Reader) -> Context:
        names = self.recipe.length if reader.after_pitch else self.recipe.pitch
        return tuple(reader.known[name] for name in names)

    def _next(self, reader: _Reader) -> np.ndarray:
        """Probabilities of the next token, (SIZE,); only notes that the piano has."""
        probabilities = np.zeros(SIZE)
        if reader.after_pitch:
            probabilities[FIRST_LENGTH:] = self.lengths.probabilities(self._context(reader))
            return probabilities
        outcomes = self.pitches.probabilities(self._context(reader))
        lowest = LOWEST - reader.sounded + PIANO
        probabilities[FIRST_PITCH:FIRST_LENGTH] = outcomes[lowest : lowest + PIANO + 1]
        probabilities[[REST, END]] = outcomes[[REST_OUTCOME, END_OUTCOME]]
        return probabilities / probabilities.sum()

    def probabilities(self, source: Sequence[int], target: Sequence[int]) -> np.ndarray:
        """Of the token after these that is not a place, (SIZE,); `source` begins with key and metre."""
        return self._next(_read(source, target))

    def token_losses(self, source: Tensor, target: Tensor) -> Tensor:
        """Nats of each target token after those before it, (batch, t - 1), like the networks'.

        0 for PAD and places. The sources tell their keys.
        """
        losses = torch.zeros(target.shape[0], target.shape[1] - 1)
        for row, (given, tokens) in enumerate(zip(source.tolist(), target.tolist(), strict=True)):
            reader = _read(given, [])
            for i, token in enumerate(tokens[1:]):
                if token != PAD and not is_place(token):
                    losses[row, i] = -float(np.log(self._next(reader)[token]))
                reader.push(token)
        return losses


def _read(source: Sequence[int], target: Iterable[int]) -> _Reader:
    reader = _Reader(*source[:2])
    for token in chain(source[2:], target):
        reader.push(token)
    return reader
