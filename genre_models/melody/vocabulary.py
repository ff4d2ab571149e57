"""Music as token ids and back: the vocabulary of the melody Transformer and its grammar.

A note is three tokens: its pitch (or REST), its length, and the place in the bar where it ends, so that
nobody has to count; the place 0 is the bar line. The encoder reads [key, metre, a run of notes], the decoder
START, the notes after them, and END.
"""

from collections.abc import Iterable
from fractions import Fraction
from functools import cache

import numpy as np

from genre_models.melody.notes import LENGTHS
from genre_models.melody.tune import HIGHEST, LOWEST, MODES, Key, Metre, Note

METRES = tuple(
    Metre(*metre)
    for metre in ((2, 4), (3, 4), (4, 4), (2, 2), (3, 2), (6, 4), (3, 8), (6, 8), (9, 8), (12, 8))
)
KEYS = tuple(Key(tonic, mode) for mode in MODES for tonic in range(12))
PITCHES = (None, *range(LOWEST, HIGHEST + 1))
"""A rest first."""

PLACES_PER_WHOLE = 192
"""All lengths are multiples of 1/192, so their sums are."""
N_PLACES = int(max(metre.bar for metre in METRES) * PLACES_PER_WHOLE)

PAD, START, END, ANY_KEY, BAR = range(5)
FIRST_PLACE = BAR
FIRST_KEY = FIRST_PLACE + N_PLACES
FIRST_METRE = FIRST_KEY + len(KEYS)
REST = FIRST_METRE + len(METRES)
FIRST_PITCH = REST + 1
FIRST_LENGTH = FIRST_PITCH + HIGHEST - LOWEST + 1
SIZE = FIRST_LENGTH + len(LENGTHS)
"""Number of token ids; encoder and decoder share them."""

KEY_IDS = {key: FIRST_KEY + i for i, key in enumerate(KEYS)}
METRE_IDS = {metre: FIRST_METRE + i for i, metre in enumerate(METRES)}
PITCH_IDS = {pitch: REST + i for i, pitch in enumerate(PITCHES)}
LENGTH_IDS = {length: FIRST_LENGTH + i for i, length in enumerate(LENGTHS)}


class VocabularyError(ValueError):
    """What has no token, or tokens that are no notes; the message is a sentence for a person."""


def encode(notes: Iterable[Note], metre: Metre, position: Fraction = Fraction(0)) -> list[int]:
    """Tokens of notes of which the first stands at `position` in its bar, in whole notes.

    Raises `VocabularyError` for a pitch or length without a token.
    """
    ids: list[int] = []
    for note in notes:
        try:
            ids += [PITCH_IDS[note.pitch], LENGTH_IDS[note.length]]
        except KeyError:
            raise VocabularyError(
                f"The model has no token for {note.name} of length {note.length}."
            ) from None
        position = (position + note.length) % metre.bar
        ids.append(place_id(position))
    return ids


def place_id(position: Fraction) -> int:
    """The token of a place in the bar, in whole notes after the bar line."""
    return FIRST_PLACE + int(position * PLACES_PER_WHOLE)


def encode_source(
    run: Iterable[Note], key: Key | None, metre: Metre, position: Fraction = Fraction(0)
) -> list[int]:
    """What the encoder reads; without a key it is told that it may be any.

    Raises `VocabularyError` for what has no token.
    """
    return [ANY_KEY if key is None else KEY_IDS[key], metre_id(metre), *encode(run, metre, position)]


def metre_id(metre: Metre) -> int:
    """Raises `VocabularyError` for a metre without a token."""
    if metre not in METRE_IDS:
        known = ", ".join(metre.name for metre in METRES)
        raise VocabularyError(f"The model does not know the metre {metre.name}: it knows {known}.")
    return METRE_IDS[metre]


def decode(ids: Iterable[int], flat: bool = False) -> list[Note]:
    """The notes in tokens, up to END; key, metre and places are passed over.

    `flat` is how black keys are written. Raises `VocabularyError` where a pitch has no length after it or a
    length no pitch before it.
    """
    notes: list[Note] = []
    pitch_id: int | None = None
    for token in ids:
        if is_length(token) != (pitch_id is not None):
            raise VocabularyError(f"{label(token)} was not expected after {len(notes)} notes.")
        if token == END:
            break
        if pitch_id is not None:
            pitch = PITCHES[pitch_id - REST]
            notes.append(Note(pitch, LENGTHS[token - FIRST_LENGTH], flat and pitch is not None))
        pitch_id = token if is_pitch(token) else None
    if pitch_id is not None:
        raise VocabularyError(f"The last note, {label(pitch_id)}, has no length.")
    return notes


def is_pitch(token: int) -> bool:
    """Whether a token is a pitch or a rest."""
    return REST <= token < FIRST_LENGTH


def is_length(token: int) -> bool:
    """Whether a token is a length."""
    return FIRST_LENGTH <= token < SIZE


def is_place(token: int) -> bool:
    """Whether a token is a place in the bar."""
    return FIRST_PLACE <= token < FIRST_KEY


def label(token: int, flat: bool = False) -> str:
    """A token for a person: "A4", "1/8", "| + 3/8", "D major"; `flat` is how black keys are written."""
    if is_length(token):
        return str(LENGTHS[token - FIRST_LENGTH])
    if is_pitch(token):
        return Note(PITCHES[token - REST], flat=flat).name
    if token >= FIRST_METRE:
        return f"{METRES[token - FIRST_METRE].name} time"
    if token >= FIRST_KEY:
        return KEYS[token - FIRST_KEY].name
    if token > BAR:
        return f"| + {Fraction(token - FIRST_PLACE, PLACES_PER_WHOLE)}"
    return ("padding", "start", "end", "any key", "|")[token]


class Grammar:
    """Which tokens may follow in a tune, note by note and bar by bar.

    A length follows a pitch, a place a length. A note does not cross a bar line, nor leave a rest of the bar
    that no notes fill, unless no length avoids it. `position` is where in its bar the first note stands.
    """

    def __init__(self, metre: Metre, position: Fraction = Fraction(0)) -> None:
        self.bar = metre.bar
        self.position = position % metre.bar
        self._after_pitch = self._after_length = self._has_note = self._ended = False

    def allowed(self) -> np.ndarray:
        """Whether each token may come next, (SIZE,) booleans; none may after END."""
        allowed = np.zeros(SIZE, dtype=bool)
        if self._ended:
            return allowed
        if self._after_pitch:
            allowed[FIRST_LENGTH:] = _fitting_lengths(self.bar, self.position)
        elif self._after_length:
            allowed[place_id(self.position)] = True
        else:
            allowed[REST:FIRST_LENGTH] = True
            allowed[END] = self._has_note
        return allowed

    def push(self, token: int) -> None:
        """Go on with a token. Raises `VocabularyError` for what cannot stand there, but not for a length."""
        if not self._fits(token):
            raise VocabularyError(f"“{label(token)}” cannot stand here.")
        if is_length(token):
            self.position = (self.position + LENGTHS[token - FIRST_LENGTH]) % self.bar
            self._has_note = True
        self._after_pitch, self._after_length = is_pitch(token), is_length(token)
        self._ended = token == END

    def _fits(self, token: int) -> bool:
        if self._ended:
            return False
        if self._after_pitch:
            return is_length(token)
        if self._after_length:
            return token == place_id(self.position)
        return is_pitch(token) or (token == END and self._has_note)

    @property
    def in_note(self) -> bool:
        """Whether a note is not yet whole."""
        return self._after_pitch or self._after_length


@cache
def _fitting_lengths(bar: Fraction, position: Fraction) -> np.ndarray:
    """Which lengths a note at `position` may have, (lengths,), by the strictest rule that any obeys."""
    room = bar - position
    rules = (
        [length <= room and _can_fill(room - length) for length in LENGTHS],
        [_can_fill((room - length) % bar) for length in LENGTHS],
        [True for _ in LENGTHS],
    )
    return np.array(next(rule for rule in rules if any(rule)))


@cache
def _can_fill(room: Fraction) -> bool:
    """Whether notes of `LENGTHS` can last exactly so long together."""
    return not room or any(length <= room and _can_fill(room - length) for length in reversed(LENGTHS))
