"""Notes as a person types them, `A5 E5 C#5:1/4 Bb3:1/12 R`, and back."""

import re
from collections.abc import Iterable
from fractions import Fraction

from genre_models.melody.tune import DEFAULT_LENGTH, HIGHEST, LETTERS, LOWEST, Note

LENGTHS = tuple(
    Fraction(length)
    for length in (
        *("1/48", "1/32", "1/24", "3/64", "1/16", "1/12", "3/32", "1/8", "1/6", "3/16", "7/32", "1/4"),
        *("5/16", "1/3", "3/8", "7/16", "1/2", "5/8", "3/4", "7/8", "1", "9/8", "5/4", "3/2"),
    )
)
"""What a note or a rest may last, in whole notes, ascending: plain, dotted, triplets and common ties."""
MOST_NOTES = 300
MOST_CHARACTERS = 10_000
LONGEST_SHOWN = 20  # characters of a wrong word

EXAMPLE = "A5 E5 C#5 B3 G6"
ACCIDENTALS = {"": 0, "♮": 0, "#": 1, "##": 2, "x": 2, "𝄪": 2, "b": -1, "bb": -2, "𝄫": -2}
SEPARATORS = re.compile(r"[\s,;|]+")
NAME = re.compile(r"([A-G])((?:[#♯]{1,2}|[b♭]{1,2}|[xX𝄪𝄫♮])?)(.*)", re.DOTALL)
OCTAVE = re.compile(r"-?[0-9]+")
LENGTH = re.compile(r"([0-9]{1,4})(?:/([0-9]{1,4}))?(\.{0,2})")


class NoteError(ValueError):
    """What cannot be read as notes; the message is a sentence for a person."""


def parse(text: str) -> list[Note]:
    """The notes that a text names, one to MOST_NOTES of them.

    A word is a letter in either case, up to two sharps or flats and an octave (middle C is C4), or R for a
    rest; then, if it is not an eighth, a colon and one of `LENGTHS`, dots allowed: `A4:1/4.` is `A4:3/8`.
    Blanks, commas, semicolons and bar lines separate the words. White keys have one spelling: Cb4 is read as
    B3. Raises `NoteError`, which names the first wrong word and what was expected there.
    """
    if len(text) > MOST_CHARACTERS:
        raise NoteError(f"The text has {len(text):,} characters: at most {MOST_CHARACTERS:,} can be read.")
    words = [word for word in SEPARATORS.split(text) if word]
    if not words:
        raise NoteError(f"Type a few notes first, such as {EXAMPLE}.")
    if len(words) > MOST_NOTES:
        raise NoteError(f"There are {len(words):,} notes: at most {MOST_NOTES} can be read.")
    return [_note(word, place) for place, word in enumerate(words, start=1)]


def write(notes: Iterable[Note]) -> str:
    """The notes as text that `parse` reads back, every length stated: `Bb4:1/8 R:1/4`."""
    return " ".join(f"{note.name}:{note.length}" for note in notes)


def _note(word: str, place: int) -> Note:
    name, colon, length = word.partition(":")
    try:
        pitch, flat = (None, False) if name in {"R", "r"} else _pitch(name)
        return Note(pitch, _length(length) if colon else DEFAULT_LENGTH, flat)
    except NoteError as wrong:
        shown = word if len(word) <= LONGEST_SHOWN else word[:LONGEST_SHOWN] + "…"
        raise NoteError(f"Please check note {place}, {shown!r}: {wrong}.") from None


def _pitch(name: str) -> tuple[int, bool]:
    """MIDI pitch, and whether it is a black key written as a flat."""
    parts = NAME.fullmatch(name[:1].upper() + name[1:])
    if parts is None:
        raise NoteError("a letter from A to G was expected, or R for a rest")
    letter, accidental, octave = parts.groups()
    if not OCTAVE.fullmatch(octave):
        example = letter + accidental + "4"
        raise NoteError(f"an octave number after the letter was expected, such as {example}")
    shift = ACCIDENTALS[accidental.replace("♯", "#").replace("♭", "b").replace("X", "x")]
    pitch = 12 * (int(octave[:3]) + 1) + LETTERS[letter] + shift
    if not LOWEST <= pitch <= HIGHEST:
        raise NoteError(f"a note from {Note(LOWEST).name} to {Note(HIGHEST).name} was expected")
    return pitch, shift < 0 and Note(pitch).name[1] == "#"


def _length(text: str) -> Fraction:
    parts = LENGTH.fullmatch(text)
    if parts is None or int(parts[2] or 1) == 0 or int(parts[1]) == 0:
        raise NoteError(f"a length was expected after the colon, one of {', '.join(map(str, LENGTHS))}")
    undotted = Fraction(int(parts[1]), int(parts[2] or 1))
    length = undotted * (2 - Fraction(1, 2 ** len(parts[3])))
    if length not in LENGTHS:
        nearest = min(LENGTHS, key=lambda allowed: abs(allowed - length))
        raise NoteError(f"a note cannot last {length} here, the nearest length is {nearest}")
    return length
