"""A tune as MusicXML, written by music21, which takes seconds and 100 MB to load: import this late."""

from collections.abc import Iterator

from music21 import clef, duration, key, metadata, meter, note, pitch, stream, tie
from music21.musicxml.m21ToXml import GeneralObjectExporter

from genre_models.melody.bars import Bar, Symbol, bars, heading, is_low
from genre_models.melody.tune import Tune


def write(tune: Tune) -> str:
    """MusicXML 4.0, written by music21."""
    part = stream.Part(id="melody")
    for bar in bars(tune):
        part.append(_measure(bar))
    signature = key.KeySignature(tune.key.signature).asKey(tune.key.mode)
    first = part.getElementsByClass(stream.Measure)[0]
    sign = clef.BassClef() if is_low(tune) else clef.TrebleClef()
    for element in (sign, signature, meter.TimeSignature(tune.metre.name)):
        first.insert(0, element)
    score = stream.Score([part])
    score.metadata = metadata.Metadata(title=heading(tune), composer="")
    exporter = GeneralObjectExporter(score)
    exporter.makeNotation = False
    return exporter.parse().decode()


def _measure(bar: Bar) -> stream.Measure:
    """A bar as it is printed; an incomplete first one has no number."""
    measure = stream.Measure(number=bar.number)
    if bar.number == 0:
        measure.showNumber = stream.enums.ShowNumber.NEVER
        measure.paddingLeft = float(4 * bar.symbols[0].start)
    for run in bar.runs:
        beams = [kinds for group in bar.beams(run) for kinds in _beam_kinds(group)]
        printed = [_printed(symbol, kinds) for symbol, kinds in zip(run, beams, strict=True)]
        if run[0].triplet:
            printed[-1].duration.tuplets[0].type = "stop"
            printed[0].duration.tuplets[0].type = "start" if len(printed) > 1 else "startStop"
        for element in printed:
            measure.append(element)
    return measure


def _beam_kinds(group: list[Symbol]) -> Iterator[list[tuple[str, str | None]]]:
    """Of each symbol in what is beamed together, what its first, second and further beams do."""
    counts = [symbol.value[0].bit_length() - 3 for symbol in group]  # an eighth has one
    for place, count in enumerate(counts):
        before = counts[place - 1] if place else 0
        after = counts[place + 1] if place + 1 < len(counts) else 0
        yield [
            _beam_kind(before >= beam, after >= beam, place == 0)
            for beam in range(1, count + 1)
            if before or after
        ]


def _beam_kind(goes_back: bool, goes_on: bool, is_first: bool) -> tuple[str, str | None]:
    if goes_back or goes_on:
        return "continue" if goes_back and goes_on else "start" if goes_on else "stop", None
    return "partial", "right" if is_first else "left"


def _printed(symbol: Symbol, beams: list[tuple[str, str | None]]) -> note.Note | note.Rest:
    """A symbol as it is printed; `beams` are the kind and direction of each of its beams."""
    value, dots = symbol.value
    length = duration.Duration(type=duration.typeFromNumDict[value], dots=dots)
    if symbol.triplet:
        length.appendTuplet(duration.Tuplet(3, 2))
    if symbol.spelling is None:
        return note.Rest(duration=length)
    printed = note.Note(duration=length)
    printed.pitch = pitch.Pitch(f"{symbol.spelling.letter}{symbol.spelling.octave}")
    printed.pitch.accidental = pitch.Accidental(symbol.spelling.alter)
    printed.pitch.accidental.displayStatus = symbol.accidental
    for kind, direction in beams:
        printed.beams.append(kind, direction)
    if symbol.tied_from or symbol.tied_to:
        kind = "continue" if symbol.tied_from and symbol.tied_to else "stop" if symbol.tied_from else "start"
        printed.tie = tie.Tie(kind)
    return printed
