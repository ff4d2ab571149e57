"""The bars of a tune as they are written, laid end to end so that every bar is full."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from genre_models.melody.notes import LENGTHS
from genre_models.melody.tune import HIGHEST, LOWEST, Key, Metre, Note, Tune

FEWEST_NOTES = 8
"""Sounding notes: fewer are no tune to learn from."""

UNEVEN = "its bars do not fill its metre"
TOO_SHORT = f"it has fewer than {FEWEST_NOTES} notes"
UNUSUAL_LENGTH = "it has a note of an unusual length"
OUT_OF_RANGE = "it has a note that no piano has"


class TuneError(ValueError):
    """Why a tune cannot be used, as the end of "it was skipped because ..."."""


@dataclass(frozen=True)
class WrittenNote:
    """A note or rest on paper; `tied` to the one before it, it only makes that one longer."""

    pitch: int | None
    length: Fraction
    tied: bool = False


@dataclass(frozen=True)
class WrittenBar:
    """What stands between two bar lines, of which the first may be a double one or a repeat's."""

    notes: tuple[WrittenNote, ...]
    starts_section: bool = False

    @property
    def length(self) -> Fraction:
        """In whole notes."""
        return sum((note.length for note in self.notes), Fraction(0))

    @property
    def n_pitches(self) -> int:
        """Notes, but no rests."""
        return sum(note.pitch is not None for note in self.notes)


def to_tune(bars: Sequence[WrittenBar], key: Key, metre: Metre, title: str) -> Tune:
    """The tune that is written in these bars; bars of rests before and after it are left out.

    A short first bar is a pickup. Raises `TuneError`.
    """
    sounding = [i for i, bar in enumerate(bars) if bar.n_pitches]
    kept = bars[sounding[0] : sounding[-1] + 1] if sounding else []
    if sum(bar.n_pitches for bar in kept) < FEWEST_NOTES:
        raise TuneError(TOO_SHORT)
    written = _join(kept, metre.bar)
    if any(note.length not in LENGTHS for note in written):
        raise TuneError(UNUSUAL_LENGTH)
    if any(note.pitch is not None and not LOWEST <= note.pitch <= HIGHEST for note in written):
        raise TuneError(OUT_OF_RANGE)
    notes = tuple(Note(note.pitch, note.length, note.pitch is not None and key.flat) for note in written)
    return Tune(notes, key, metre, kept[0].length % metre.bar, title)


def _join(bars: Sequence[WrittenBar], full: Fraction) -> list[WrittenNote]:
    """All notes, ties joined.

    The last bar of a section lacks the pickup that it is repeated with, or the next section's pickup takes
    its time. As a player does, its last note is held until the next section comes in.
    """
    notes: list[WrittenNote] = []
    position = (full - bars[0].length) % full
    for i, bar in enumerate(bars):
        if i and bar.starts_section:
            start = _section_start(bars[i : i + 2], position, full)
            notes[-1] = _held(notes[-1], (start or full) - (position or full))
            position = start
        if position + bar.length > full:
            raise TuneError(UNEVEN)
        position = (position + bar.length) % full
        for note in bar.notes:
            if note.tied and notes and notes[-1].pitch == note.pitch:
                notes[-1] = _held(notes[-1], note.length)
            else:
                notes.append(note)
    return notes


def _section_start(bars: Sequence[WrittenBar], position: Fraction, full: Fraction) -> Fraction:
    """Where in a bar a section with these first bars begins after one that ends at `position`."""
    length = bars[0].length
    if position + length == full:
        return position
    is_pickup = length < full and len(bars) > 1 and bars[1].length == full
    return full - length if is_pickup else Fraction(0)


def _held(note: WrittenNote, longer: Fraction) -> WrittenNote:
    if note.length + longer <= 0:
        raise TuneError(UNEVEN)
    return replace(note, length=note.length + longer)
