"""A tune as files that other programs open: MIDI and ABC (MusicXML is in `musicxml`)."""

from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO

import mido

from genre_models.melody.bars import Bar, Symbol, bars, heading, is_compound, key_alter
from genre_models.melody.tune import FLAT_NAMES, SHARP_NAMES, Key, Metre, Tune

TEMPO = 120
"""Quarter notes a minute."""
TICKS_PER_QUARTER = 480
TICKS_PER_WHOLE = 4 * TICKS_PER_QUARTER
CLOCKS_PER_WHOLE = 96
PIANO = 0
"""General MIDI programme: the one instrument that has every pitch of the note language."""
VOLUME = 127
DOWNBEAT, ON_BEAT, OFF_BEAT = 104, 92, 84
"""Velocities."""

ABC_UNIT = Fraction(1, 8)
ABC_BARS_PER_LINE = 4
ABC_MODES = {"major": "", "minor": "m", "dorian": "dor", "mixolydian": "mix"}
ABC_ACCIDENTALS = {-1: "_", 0: "=", 1: "^"}


def midi(tune: Tune, tempo: int = TEMPO, tail_s: float = 0.0) -> bytes:
    """A standard MIDI file with one track, and `tail_s` seconds of silence at its end.

    A tick is 1/1,920 of a whole note, so that every length of the note language is exact.
    """
    track = mido.MidiTrack(_midi_head(tune, tempo))
    waited = Fraction(0)
    now = -tune.pickup % tune.metre.bar
    for note in tune.notes:
        if note.pitch is None:
            waited += note.length
        else:
            velocity = _velocity(now % tune.metre.bar, tune.metre)
            track.append(mido.Message("note_on", note=note.pitch, velocity=velocity, time=_ticks(waited)))
            track.append(mido.Message("note_off", note=note.pitch, time=_ticks(note.length)))
            waited = Fraction(0)
        now += note.length
    tail = round(mido.second2tick(tail_s, TICKS_PER_QUARTER, mido.bpm2tempo(tempo)))
    track.append(mido.MetaMessage("end_of_track", time=_ticks(waited) + tail))
    file = BytesIO()
    mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_QUARTER, tracks=[track]).save(file=file)
    return file.getvalue()


def abc(tune: Tune) -> str:
    """ABC notation, version 2.1, four bars a line.

    Programs differ on whether an accidental reaches up to the bar line, and into other octaves, so each note
    that this touches carries its own; so does what is tied to it from another bar.
    """
    head = [
        "X:1",
        f"T:{heading(tune).replace('%', ' ')}",
        f"M:{tune.metre.name}",
        f"L:{ABC_UNIT}",
        f"K:{tune.key.name.split()[0]}{ABC_MODES[tune.key.mode]}",
    ]
    printed = list(_abc_bars(tune))
    starts = range(0, len(printed), ABC_BARS_PER_LINE)
    lines = [" | ".join(printed[start : start + ABC_BARS_PER_LINE]) for start in starts]
    return "\n".join([*head, " |\n".join(lines) + " |]"]) + "\n"


def _midi_head(tune: Tune, tempo: int) -> list[mido.MetaMessage | mido.Message]:
    metre, title = tune.metre, heading(tune).encode("latin-1", errors="replace").decode("latin-1")
    clocks = int(_beat(metre) * CLOCKS_PER_WHOLE)
    return [
        mido.MetaMessage("track_name", name=title),
        mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo)),
        mido.MetaMessage(
            "time_signature", numerator=metre.beats, denominator=metre.unit, clocks_per_click=clocks
        ),
        mido.MetaMessage("key_signature", key=_midi_key(tune.key)),
        mido.Message("program_change", program=PIANO),
        mido.Message("control_change", control=7, value=VOLUME),
    ]


def _midi_key(key: Key) -> str:
    """MIDI knows major and minor: the other modes get the major key with their signature."""
    minor = key.mode == "minor"
    tonic = (key.signature * 7 + (9 if minor else 0)) % 12
    return (FLAT_NAMES if key.flat else SHARP_NAMES)[tonic] + ("m" if minor else "")


def _ticks(length: Fraction) -> int:
    return int(length * TICKS_PER_WHOLE)


def _beat(metre: Metre) -> Fraction:
    return Fraction(3 if is_compound(metre) else 1, metre.unit)


def _velocity(start: Fraction, metre: Metre) -> int:
    return DOWNBEAT if start == 0 else ON_BEAT if start % _beat(metre) == 0 else OFF_BEAT


def _abc_bars(tune: Tune) -> Iterator[str]:
    altered: set[str] = set()
    for bar in bars(tune):
        first = bar.symbols[0]
        altered &= {first.spelling.letter} if first.tied_from and first.spelling else set()
        yield _abc_bar(bar, tune.key, altered)


def _abc_bar(bar: Bar, key: Key, altered: set[str]) -> str:
    """`altered` are the letters that carry accidentals, which it adds to."""
    words = []
    for run in bar.runs:
        groups = ["".join(_abc_symbol(symbol, key, altered) for symbol in beam) for beam in bar.beams(run)]
        words.append((f"(3:2:{len(run)}" if run[0].triplet else "") + " ".join(groups))
    return " ".join(words)


def _abc_symbol(symbol: Symbol, key: Key, altered: set[str]) -> str:
    """A note or rest; `altered` as in `_abc_bar`."""
    times = symbol.written / ABC_UNIT
    length = "" if times == 1 else str(times)
    if symbol.spelling is None:
        return f"z{length}"
    letter, alter, octave = symbol.spelling.letter, symbol.spelling.alter, symbol.spelling.octave
    if alter != key_alter(letter, key):
        altered.add(letter)
    name = letter.lower() + "'" * (octave - 5) if octave >= 5 else letter + "," * (4 - octave)
    accidental = ABC_ACCIDENTALS[alter] if letter in altered else ""
    return accidental + name + length + ("-" if symbol.tied_to else "")
