"""Where the melody Transformer looked, in notes instead of tokens."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from torch import Tensor

from genre_models.attention_maps import without_future
from genre_models.melody import compose, vocabulary
from genre_models.melody.compose import NextNote, Window
from genre_models.melody.tune import Note
from genre_models.melody.vocabulary import END
from genre_models.seq2seq import EncoderDecoder

END_OF_TUNE = "end"


@dataclass(frozen=True)
class Group:
    """Tokens that are shown as one: those of a note, or one by itself. `note` counts from 0 in the tune."""

    label: str
    tokens: tuple[int, ...]
    note: int | None = None

    @property
    def name(self) -> str:
        """Different for each group: "E5 (note 2)"."""
        return self.label if self.note is None else f"{self.label} (note {self.note + 1})"


@dataclass(frozen=True)
class NoteMaps:
    """Attention between notes.

    `layers` are (heads, queries, keys) each, rows sum to 1 without the NaN at what a query could not see.
    Queries are notes; keys are notes, and before them what else there was: key and metre, or start.
    """

    layers: list[np.ndarray]
    queries: list[Group]
    keys: list[Group]

    def over_tune(self, weights: np.ndarray, note: int, n_notes: int) -> np.ndarray:
        """What note `note` (from 0) gave to each note of the tune, (n_notes,); NaN if not in sight.

        `weights` is one of the maps (queries, keys). Raises `KeyError` for a note that is no query.
        """
        rows = {group.note: row for row, group in enumerate(self.queries)}
        seen = np.full(n_notes, np.nan)
        for column, group in enumerate(self.keys):
            if group.note is not None:
                seen[group.note] = weights[rows[note], column]
        return seen


@dataclass(frozen=True)
class Looks:
    """The three attentions of a window.

    In `encoder` every note that was read looks at the others. In `decoder` and `cross` a row is the moment at
    which a note was foretold, the mean of its pitch and its length: `decoder` (masked) looks at the new notes
    before it, `cross` at those that the encoder read.
    """

    encoder: NoteMaps
    decoder: NoteMaps
    cross: NoteMaps


def looks(
    model: EncoderDecoder, notes: Sequence[Note], n_given: int, windows: Sequence[Window], place: int = -1
) -> Looks:
    """Attention in window `place` of a continuation; `notes` is the tune, of which `n_given` were given.

    Raises `ValueError` for a window without a whole new note.
    """
    place %= len(windows)
    window = windows[place]
    first_new = n_given + sum(len(_note_tokens(earlier.target)) for earlier in windows[:place])
    first_read = first_new - len(_note_tokens(window.source))
    sources = groups(window.source, notes[first_read:], first_read)
    targets = groups(window.target, notes[first_new:], first_new)
    foretold = [_foretelling(group) for group in targets if group.note is not None]
    if not foretold:
        raise ValueError("The model has not added a note yet.")
    reading = [group for group in sources if group.note is not None]
    attention = compose.attention(model, window)
    masked = _note_maps(attention.decoder, foretold, targets)
    return Looks(
        _note_maps(attention.encoder, reading, sources),
        replace(masked, layers=[without_future(maps) for maps in masked.layers]),
        _note_maps(attention.cross, foretold, sources),
    )


def groups(tokens: Sequence[int], notes: Sequence[Note], first: int = 0) -> list[Group]:
    """The tokens of a window, together as notes; key, metre and start before them.

    `notes` are its notes, the first of which is note `first` of the tune.
    """
    placed = _note_tokens(tokens)
    alone = [
        Group(vocabulary.label(token), (at,))
        for at, token in enumerate(tokens)
        if token < vocabulary.REST and token != END and not vocabulary.is_place(token)
    ]
    return alone + [
        Group(note.name, (at, at + 1, at + 2)[: len(tokens) - at], first + i)
        for i, (at, note) in enumerate(zip(placed, notes, strict=False))
    ]


def note_maps(
    maps: Sequence[np.ndarray], queries: Sequence[Group], keys: Sequence[Group]
) -> list[np.ndarray]:
    """Token maps (heads, tokens, tokens) -> note maps (heads, queries, keys).

    A row is the mean over the query's tokens, a column the sum over the key's, so that rows sum to 1 where
    all tokens with weight are in a group.
    """
    of_notes = []
    for layer in maps:
        rows = [layer[:, list(group.tokens)].mean(axis=1) for group in queries]
        means = np.stack(rows, axis=1)  # (heads, queries, tokens)
        columns = [means[:, :, list(group.tokens)].sum(axis=2) for group in keys]
        of_notes.append(np.stack(columns, axis=2))  # (heads, queries, keys)
    return of_notes


def likely(one: NextNote, flat: bool = False) -> tuple[dict[str, float], dict[str, float]]:
    """Probability of each next note (and of the end of the tune) and of each length, by name."""
    first, last = vocabulary.REST, vocabulary.FIRST_LENGTH
    pitches = {vocabulary.label(first + i, flat): float(p) for i, p in enumerate(one.pitches)}
    lengths = {vocabulary.label(last + i): float(p) for i, p in enumerate(one.lengths)}
    return pitches | {END_OF_TUNE: one.end}, lengths


def _note_tokens(tokens: Sequence[int]) -> list[int]:
    """Where the pitch of each whole note stands."""
    pairs = pairwise(tokens)
    return [
        at for at, (one, two) in enumerate(pairs) if vocabulary.is_pitch(one) and vocabulary.is_length(two)
    ]


def _foretelling(group: Group) -> Group:
    """The tokens after which a note's pitch and length were foretold: each the one before."""
    return replace(group, tokens=tuple(token - 1 for token in group.tokens[:2]))


def _note_maps(layers: Sequence[Tensor], queries: list[Group], keys: list[Group]) -> NoteMaps:
    """Of the only tune in the batch."""
    return NoteMaps(note_maps([layer[0].numpy() for layer in layers], queries, keys), queries, keys)
