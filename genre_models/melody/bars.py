"""A tune as it is printed: bars, tied symbols, triplets, beams, spelling and accidentals."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from statistics import median

from genre_models.melody.tune import FLAT_NAMES, SHARP_NAMES, Key, Metre, Tune

GRID = Fraction(1, 64)
"""What starts between multiples of this stands within a triplet."""
PLAIN = tuple(Fraction(1, 2**power) for power in range(8))
VALUES = {
    plain * (2 - Fraction(1, 2**dots)): (plain.denominator, dots) for plain in PLAIN for dots in range(3)
}
"""Printed length in whole notes -> 4 for a quarter and so on, and dots."""
IN_TRIPLET = Fraction(3, 2)
"""Printed over sounding length: three in the time of two."""
BASS_BELOW = 57  # A3, as far below the treble staff as above the bass staff
SHARPS = "FCGDAEB"
"""Letters in the order in which key signatures sharpen them; they are flattened in the reverse order."""


@dataclass(frozen=True)
class Spelling:
    """A pitch on paper: letter, semitones that its accidental adds, and octave (C4 is middle C)."""

    letter: str
    alter: int
    octave: int


@dataclass(frozen=True)
class Symbol:
    """One printed note or rest. A note of the tune is one symbol, or several that are tied."""

    note: int  # place in the tune, from 0
    bar: int
    start: Fraction  # since the bar line
    length: Fraction  # as it sounds
    triplet: bool
    tied_from: bool
    tied_to: bool
    spelling: Spelling | None  # None for a rest
    accidental: bool = False  # whether one is printed

    @property
    def written(self) -> Fraction:
        """Length without regard to the triplet that it is in."""
        return self.length * IN_TRIPLET if self.triplet else self.length

    @property
    def value(self) -> tuple[int, int]:
        """4 for a quarter, 8 for an eighth and so on; and dots."""
        return VALUES[self.written]


@dataclass(frozen=True)
class Bar:
    """Symbols between two bar lines. The bar before the first bar line has number 0."""

    number: int
    symbols: tuple[Symbol, ...]
    metre: Metre

    @property
    def is_whole(self) -> bool:
        """Whether it is as long as its metre says: a pickup is not, and the last bar need not be."""
        return sum(symbol.length for symbol in self.symbols) == self.metre.bar

    @property
    def runs(self) -> list[list[Symbol]]:
        """The symbols parted at the ends of triplets; a run is one triplet or none."""
        runs: list[list[Symbol]] = []
        closed = True
        for symbol in self.symbols:
            if closed or symbol.triplet != runs[-1][-1].triplet:
                runs.append([])
            runs[-1].append(symbol)
            closed = symbol.triplet and _is_on_grid(symbol.start + symbol.length)
        return runs

    def beams(self, run: list[Symbol]) -> list[list[Symbol]]:
        """A run parted into what is beamed together; what has no beam stands alone."""
        window = beam_window(self.metre)
        beams: list[list[Symbol]] = []
        for symbol in run:
            last = beams[-1][-1] if beams else None
            joins = last is not None and last.start // window == symbol.start // window
            if last is not None and joins and _has_beam(last) and _has_beam(symbol):
                beams[-1].append(symbol)
            else:
                beams.append([symbol])
        return beams


def bars(tune: Tune) -> list[Bar]:
    """The tune cut at its bar lines; the last bar may be unfinished, the first is the pickup if there is one.

    Lengths are those of `notes.LENGTHS`, or sums of them.
    """
    first = 0 if tune.pickup % tune.metre.bar else 1
    return [
        Bar(first + place, tuple(_with_accidentals(symbols, tune.key)), tune.metre)
        for place, symbols in groupby(_symbols(tune), key=lambda symbol: symbol.bar)
    ]


def heading(tune: Tune) -> str:
    """The title without what cannot be printed, or "Melody"."""
    text = "".join(letter if letter.isprintable() else " " for letter in tune.title)
    return " ".join(text.split()) or "Melody"


def spell(pitch: int, flat: bool, key: Key) -> Spelling:
    """How a MIDI pitch is written in a key: as in its scale, as its leading note, or else as told."""
    in_scale, is_leading = pitch % 12 in key.scale, (pitch + 1) % 12 == key.tonic
    flat = key.flat if in_scale else flat and not is_leading
    name = (FLAT_NAMES if flat else SHARP_NAMES)[pitch % 12]
    if key.signature == 6 and name == "F":  # six sharps, the most that a `Key` has, sharpen all but B
        name = "E#"
    alter = {"": 0, "#": 1, "b": -1}[name[1:]]
    return Spelling(name[0], alter, (pitch - alter) // 12 - 1)


def key_alter(letter: str, key: Key) -> int:
    """What the key signature adds to a letter, in semitones."""
    order = SHARPS.index(letter)
    return int(order < key.signature) - int(6 - order < -key.signature)


def is_low(tune: Tune) -> bool:
    """Whether the tune is easier to read in the bass clef."""
    pitches = [note.pitch for note in tune.notes if note.pitch is not None]
    return bool(pitches) and median(pitches) < BASS_BELOW


def beam_window(metre: Metre) -> Fraction:
    """Beams reach over so many whole notes, and not beyond."""
    if is_compound(metre):
        return Fraction(3, metre.unit)
    return Fraction(1, 2) if metre.beats == 4 or metre.unit == 2 else Fraction(1, 4)


def is_compound(metre: Metre) -> bool:
    """Whether beats come in threes: 3/8, 6/8, 9/8, 12/8."""
    return metre.unit >= 8 and metre.beats % 3 == 0


def _symbols(tune: Tune) -> Iterator[Symbol]:
    now = -tune.pickup % tune.metre.bar
    for place, note in enumerate(tune.notes):
        spelling = None if note.pitch is None else spell(note.pitch, note.flat, tune.key)
        left = note.length
        while left:
            bar, start = divmod(now, tune.metre.bar)
            length, triplet = _first_part(start, left, tune.metre)
            tied_from = spelling is not None and left < note.length
            tied_to = spelling is not None and length < left
            yield Symbol(place, bar, start, length, triplet, tied_from, tied_to, spelling)
            now, left = now + length, left - length


def _first_part(start: Fraction, length: Fraction, metre: Metre) -> tuple[Fraction, bool]:
    """How much of a note can be printed as one symbol, and whether in a triplet."""
    length = _up_to_beat(start, min(length, metre.bar - start), metre)
    if not _is_on_grid(start):
        while length * IN_TRIPLET not in VALUES:
            length = _shorter(start, length, metre, IN_TRIPLET)
        return length, True
    while length not in VALUES and length * IN_TRIPLET not in PLAIN:
        length = _shorter(start, length, metre, Fraction(1))
    return length, length not in VALUES


def _up_to_beat(start: Fraction, length: Fraction, metre: Metre) -> Fraction:
    """As much as may be one symbol so that the beats can be seen."""
    beat = beam_window(metre)
    to_beat = -start % beat
    if is_compound(metre) and to_beat == 0 and length > beat:
        return max(times * beat for times in (1, 2, 4) if times * beat <= length)
    crosses = 0 < to_beat < length
    syncopated = length <= Fraction(1, 4) or start % Fraction(1, 4) == 0
    return to_beat if crosses and (is_compound(metre) or not syncopated) else length


def _shorter(start: Fraction, length: Fraction, metre: Metre, printed: Fraction) -> Fraction:
    """The part up to the next beat, or else the longest undotted one."""
    to_beat = -start % Fraction(1, metre.unit)
    if 0 < to_beat < length:
        return to_beat
    return max(plain / printed for plain in PLAIN if plain / printed < length)


def _with_accidentals(symbols: Iterable[Symbol], key: Key) -> Iterator[Symbol]:
    """Accidentals where the signature or the bar so far says otherwise, and after one that was tied over."""
    said: dict[tuple[str, int], int | None] = {}
    for symbol in symbols:
        if symbol.spelling is None:
            yield symbol
            continue
        line = (symbol.spelling.letter, symbol.spelling.octave)
        usual = key_alter(symbol.spelling.letter, key)
        if symbol.tied_from:
            if line not in said and symbol.spelling.alter != usual:
                said[line] = None
            yield symbol
        else:
            yield replace(symbol, accidental=symbol.spelling.alter != said.get(line, usual))
            said[line] = symbol.spelling.alter


def _has_beam(symbol: Symbol) -> bool:
    return symbol.spelling is not None and symbol.value[0] >= 8


def _is_on_grid(time: Fraction) -> bool:
    return time % GRID == 0
