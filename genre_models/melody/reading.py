"""Files of ABC, MIDI and MusicXML, read with music21, as tunes of one voice."""

import re
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from genre_models.melody.sections import TuneError, WrittenBar, WrittenNote, to_tune
from genre_models.melody.tune import MODES, Key, Metre, Tune
from genre_models.melody.vocabulary import METRES

if TYPE_CHECKING:
    from music21.stream.base import Measure, Part, Score

ABC_SUFFIXES = {".abc"}
SUFFIXES = ABC_SUFFIXES | {".mid", ".midi", ".xml", ".musicxml", ".mxl"}
LARGEST_FILE = 5_000_000  # bytes

UNREADABLE = "it cannot be read"
TOO_LARGE = f"its file has more than {LARGEST_FILE // 1_000_000} MB"
NO_NOTES = "it has no notes"
NO_BARS = "it has fewer than two plain bar lines"
NO_METRE = "it has no metre"
UNUSUAL_METRE = "its metre is unusual"

NEAREST_MODE = {
    "ionian": "major",
    "lydian": "major",
    "aeolian": "minor",
    "phrygian": "minor",
    "locrian": "minor",
}
"""The mode of `MODES` with the same third and the most notes in common."""
ABC_VERSION = "%abc-2.1\n"
"""Without it music21 lets an accidental hold for its own note instead of for the bar."""

FIELD = re.compile(r"(?![A-Ga-gz]:[|:])[A-Za-z+]:|%%")
INLINE_FIELD = re.compile(r"\[([KLMV]:[^\]]*)\]")
"""A change of key, note length, metre or voice, which music21 reads only on a line of its own."""
SILENT_SIGNS = re.compile(r'\[[A-Za-z]:[^\]]*\]|"[^"]*"|\{[^}]*\}|![^!]*!|%.*|\((?!\d)|[)`.~H-Wh-wyY]')
"""What stands among ABC notes without being one: chord names, grace notes, bowings, slurs, comments."""


@dataclass
class Reading:
    """The tunes found in some files, and how many were skipped for which reason."""

    tunes: list[Tune] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def read_file(path: Path) -> Reading:
    """The tunes of a file with one of `SUFFIXES`; what cannot be used is skipped and counted."""
    reading = Reading()
    if path.stat().st_size > LARGEST_FILE:
        reading.skipped[TOO_LARGE] += 1
        return reading
    is_abc = path.suffix.lower() in ABC_SUFFIXES
    for piece in split_abc(path.read_text(encoding="utf-8", errors="replace")) if is_abc else [path]:
        try:
            reading.tunes.append(read_tune(piece))
        except TuneError as error:
            reading.skipped[str(error)] += 1
    return reading


def split_abc(text: str) -> list[str]:
    """The tunes of an ABC file, each from its X: field to the first empty line, with the file's L: and M:."""
    head, *tunes = re.split(r"(?m)^(?=X:)", text.replace("\r\n", "\n").replace("\r", "\n"))
    return [_with_defaults(re.split(r"\n[ \t]*\n", tune, maxsplit=1)[0], head) for tune in tunes]


def _with_defaults(tune: str, head: str) -> str:
    missing = [line for line in re.findall(r"(?m)^[LM]:.*$", head) if f"\n{line[:2]}" not in tune]
    number, _, rest = tune.partition("\n")
    return "\n".join([number, *missing, rest])


def read_tune(piece: str | Path) -> Tune:
    """One tune, from the text of an ABC tune or a file of MIDI or MusicXML.

    Of several voices the first that has notes, of a chord the highest note; repeated sections once, with
    their last ending; the first key; without grace notes. Raises `TuneError`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _tune(piece)
    except TuneError:
        raise
    except Exception as error:  # of a broken file music21 raises whatever it stumbled over
        raise TuneError(UNREADABLE) from error


def _tune(piece: str | Path) -> Tune:
    score = _parse(piece)
    part = _first_voice(score)
    bars = list(_bars(part))
    if not bars:
        raise TuneError(NO_BARS)
    return to_tune(bars, _key(part), _metre(part), _title(score, piece))


def _parse(piece: str | Path) -> "Score":
    from music21 import converter  # noqa: PLC0415 - slow, 100 MB
    from music21.stream.base import Score  # noqa: PLC0415 - slow, 100 MB

    if isinstance(piece, str):
        score = converter.parse(ABC_VERSION + _only_notes(piece), format="abc")
    else:
        score = converter.parse(piece, forceSource=True, storePickle=False)
    if not isinstance(score, Score):
        raise TuneError(UNREADABLE)
    return score


def _only_notes(abc: str) -> str:
    """An ABC tune without what stands among its notes and is none."""
    lines = INLINE_FIELD.sub(r"\n\1\n", abc).splitlines()
    kept = (line if FIELD.match(line) else SILENT_SIGNS.sub("", line).replace("x", "z") for line in lines)
    return "\n".join(kept)


def _first_voice(score: "Score") -> "Part":
    for part in score.parts:
        if any(element.pitches for element in part.recurse().notes):
            return part
    raise TuneError(NO_NOTES)


def _bars(part: "Part") -> Iterator[WrittenBar]:
    """The bars to be played, each section once and with its last ending."""
    measures = list(part.getElementsByClass("Measure"))
    left_out = _earlier_endings(part, measures)
    held: Held | None = None
    for i, measure in enumerate(measures):
        if i in left_out:
            continue
        notes, held = _written(measure, held)
        after_double = i > 0 and (_is_double(measures[i - 1].rightBarline) or _is_double(measure.leftBarline))
        if notes:
            yield WrittenBar(tuple(notes), after_double and i - 1 not in left_out)


def _is_double(barline: object) -> bool:
    return getattr(barline, "type", "regular") in {"double", "final", "heavy", "heavy-light", "heavy-heavy"}


def _earlier_endings(part: "Part", measures: list["Measure"]) -> set[int]:
    """The places of the measures of every ending after which another ending follows."""
    from music21.spanner import RepeatBracket  # noqa: PLC0415 - slow, 100 MB

    places = {id(measure): i for i, measure in enumerate(measures)}
    spans = [
        sorted(places[id(measure)] for measure in bracket.getSpannedElements() if id(measure) in places)
        for bracket in part.recurse().getElementsByClass(RepeatBracket)
    ]
    starts = {span[0] for span in spans if span}
    return {i for span in spans if span and span[-1] + 1 in starts for i in range(span[0], span[-1] + 1)}


Held = tuple[str, int]
"""A note that a tie goes on from: its name without accidental, which the next bar may lack, and its pitch."""


def _written(measure: "Measure", held: Held | None) -> tuple[list[WrittenNote], Held | None]:
    """The notes of the first voice, gaps as rests; and the note that is held at the end, if any."""
    notes: list[WrittenNote] = []
    end = Fraction(0)
    for element in (measure.voices[0] if measure.voices else measure).notesAndRests:
        start, length = Fraction(element.offset) / 4, Fraction(element.quarterLength) / 4
        if not length or element.duration.isGrace:
            continue
        if start > end:
            notes.append(WrittenNote(None, start - end))
        top = max(element.pitches, key=lambda pitch: pitch.ps, default=None)
        tie = "" if element.tie is None else element.tie.type
        tied = held is not None and top is not None and held[0] == f"{top.step}{top.octave}"
        tied = tied and tie in {"stop", "continue"}
        pitch = held[1] if held and tied else top and top.midi
        notes.append(WrittenNote(pitch, length, tied))
        held = (f"{top.step}{top.octave}", pitch) if top and pitch and tie in {"start", "continue"} else None
        end = start + length
    return notes, held


def _key(part: "Part") -> Key:
    """The first key, or the likeliest where none is given."""
    from music21.key import Key as WrittenKey  # noqa: PLC0415 - slow, 100 MB

    written = part.recurse().getElementsByClass(WrittenKey).first() or part.analyze("key")
    mode = NEAREST_MODE.get(written.mode, written.mode)
    return Key(written.tonic.pitchClass, mode if mode in MODES else "major")


def _metre(part: "Part") -> Metre:
    signature = part.recurse().getElementsByClass("TimeSignature").first()
    if signature is None:
        raise TuneError(NO_METRE)
    metre = Metre(signature.numerator, signature.denominator)
    if metre not in METRES:
        raise TuneError(UNUSUAL_METRE)
    return metre


def _title(score: "Score", piece: str | Path) -> str:
    if isinstance(piece, Path):
        return (score.metadata and score.metadata.bestTitle) or piece.stem
    found = re.search(r"(?m)^T:[ \t]*(.+)$", piece)
    return found[1].strip() if found else ""
