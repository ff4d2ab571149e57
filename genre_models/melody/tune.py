"""What a tune is: notes, key and metre, as plain values that everything musical shares."""

from dataclasses import dataclass, replace
from fractions import Fraction

LOWEST, HIGHEST = 21, 108  # MIDI: the keys of a piano
DEFAULT_LENGTH = Fraction(1, 8)
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLAT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
MODES = {"major": 0, "minor": 9, "dorian": 2, "mixolydian": 7}
"""Of each mode, how many semitones its tonic lies above that of the major scale with the same notes."""


@dataclass(frozen=True)
class Note:
    """A note or a rest: MIDI pitch, None for a rest, and length in whole notes.

    `flat` says how a black key is written: Bb4 instead of A#4.
    """

    pitch: int | None
    length: Fraction = DEFAULT_LENGTH
    flat: bool = False

    @property
    def name(self) -> str:
        """As in scientific pitch notation, middle C being C4; a rest is R."""
        if self.pitch is None:
            return "R"
        return (FLAT_NAMES if self.flat else SHARP_NAMES)[self.pitch % 12] + str(self.pitch // 12 - 1)


@dataclass(frozen=True)
class Key:
    """Tonic as pitch class, C = 0, and one of `MODES`."""

    tonic: int
    mode: str = "major"

    @property
    def signature(self) -> int:
        """Sharps (positive) or flats (negative), -5 to 6."""
        fifths = (self.tonic - MODES[self.mode]) * 7 % 12
        return fifths if fifths <= 6 else fifths - 12

    @property
    def flat(self) -> bool:
        """Whether its black keys are written as flats."""
        return self.signature < 0

    @property
    def name(self) -> str:
        """Such as "Bb major"."""
        return f"{(FLAT_NAMES if self.flat else SHARP_NAMES)[self.tonic]} {self.mode}"

    @property
    def scale(self) -> frozenset[int]:
        """The seven pitch classes that belong to it."""
        major = (self.tonic - MODES[self.mode]) % 12
        return frozenset((major + step) % 12 for step in LETTERS.values())


@dataclass(frozen=True)
class Metre:
    """So many beats of one over `unit`: Metre(6, 8)."""

    beats: int
    unit: int

    @property
    def bar(self) -> Fraction:
        """Length of a bar in whole notes."""
        return Fraction(self.beats, self.unit)

    @property
    def name(self) -> str:
        """Such as "6/8"."""
        return f"{self.beats}/{self.unit}"


@dataclass(frozen=True)
class Tune:
    """One voice. Bars are counted from `pickup`, the length of what sounds before the first bar line."""

    notes: tuple[Note, ...]
    key: Key
    metre: Metre
    pickup: Fraction = Fraction(0)
    title: str = ""

    def transposed(self, semitones: int) -> "Tune":
        """Every pitch and the key moved up."""
        key = Key((self.key.tonic + semitones) % 12, self.key.mode)
        notes = tuple(
            note if note.pitch is None else Note(note.pitch + semitones, note.length, key.flat)
            for note in self.notes
        )
        return replace(self, notes=notes, key=key)
