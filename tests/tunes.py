"""Tunes to write and to read back, and readers of other people's make."""

from collections.abc import Sequence
from fractions import Fraction
from io import BytesIO
from xml.etree import ElementTree

import mido
import verovio
from hypothesis import strategies as st
from music21 import converter
from music21.note import Note as ReadNote

from genre_models.melody.notes import LENGTHS, parse
from genre_models.melody.tune import HIGHEST, LOWEST, MODES, Key, Metre, Note, Tune

Sounded = list[tuple[int, Fraction, Fraction]]
"""MIDI pitch, onset since the first note or rest, and length, in whole notes."""

MEI = "http://www.music-encoding.org/ns/mei"
MILLISECONDS_PER_WHOLE = 2000  # verovio plays 120 quarters a minute
FINEST = 192  # every length in the tunes is a multiple of 1/192 of a whole note

METRES = [
    Metre(*pair) for pair in ((2, 4), (3, 4), (4, 4), (6, 8), (9, 8), (12, 8), (3, 8), (2, 2), (3, 2), (6, 4))
]

REEL = Tune(
    tuple(
        parse("A4 B4 D5 E5 F#5:3/16 E5:1/16 D5 B4 A4:1/12 B4:1/12 A4:1/12 F#4:1/4 A4 B4 D5:1/2 R F5:3/8 G#5")
    ),
    Key(2),
    Metre(4, 4),
    Fraction(1, 4),
    "A reel",
)
JIG = Tune(
    tuple(parse("D4 G4 A4 Bb4 D5 C5 Bb4 A4:1/4 F#4 G4:1/4 Bb4 D5:5/8 A4 C5 Gb5:1/4 G5 G5:3/8 R:1/4 Eb5")),
    Key(7, "minor"),
    Metre(6, 8),
    Fraction(1, 8),
    "A jig",
)

PLAIN = [length for length in LENGTHS if length % Fraction(1, 64) == 0]

keys = st.builds(Key, st.integers(0, 11), st.sampled_from(sorted(MODES)))


def tunes_of(lengths: Sequence[Fraction], keys: st.SearchStrategy[Key]) -> st.SearchStrategy[Tune]:
    pitches = st.none() | st.integers(LOWEST, HIGHEST)
    notes = st.lists(
        st.builds(Note, pitches, st.sampled_from(lengths), st.booleans()), min_size=1, max_size=30
    )
    pickups = st.sampled_from([Fraction(0), *lengths])
    return st.builds(Tune, notes.map(tuple), keys, st.sampled_from(METRES), pickups, st.text(max_size=20))


tunes = tunes_of(LENGTHS, keys)
simple_tunes = tunes_of(PLAIN, keys.filter(lambda key: key.signature != 0))
"""What verovio 6.4 can read of ABC: triplets only where they are beamed, and in a key without sharps or flats
it still applies those of the tune read before."""


def sounded(tune: Tune) -> Sounded:
    now, heard = Fraction(0), []
    for note in tune.notes:
        if note.pitch is not None:
            heard.append((note.pitch, now, note.length))
        now += note.length
    return heard


def by_mido(file: bytes) -> Sounded:
    midi = mido.MidiFile(file=BytesIO(file))
    now, heard, begun = 0, [], {}
    for message in mido.merge_tracks(midi.tracks):
        now += message.time
        if message.type == "note_on" and message.velocity:
            begun[message.note] = now
        elif message.type in {"note_on", "note_off"}:
            start = begun.pop(message.note)
            whole = 4 * midi.ticks_per_beat
            heard.append((message.note, Fraction(start, whole), Fraction(now - start, whole)))
    assert not begun
    return heard


def by_music21(text: str | bytes, kind: str) -> Sounded:
    score = converter.parseData(text, format=kind)
    everything = list(score.flatten().notesAndRests)
    first = everything[0].offset
    return [
        (note.pitch.midi, _whole(note.offset - first), _whole(note.quarterLength))
        for note in score.stripTies().flatten().getElementsByClass(ReadNote)
    ]


def _whole(quarters: float | Fraction) -> Fraction:
    return (Fraction(quarters) / 4).limit_denominator(FINEST)


def by_verovio(text: str, kind: str) -> Sounded:
    """By verovio's own clock: its MIDI files are too coarse for short triplets."""
    toolkit = verovio.toolkit()
    toolkit.setOptions({"inputFrom": kind})
    assert toolkit.loadData(text)
    encoded = ElementTree.fromstring(toolkit.getMEI())
    tied_to = {tie.get("endid", "").lstrip("#") for tie in encoded.iter(f"{{{MEI}}}tie")}
    heard: Sounded = []
    for name in (name for event in toolkit.renderToTimemap() for name in event.get("on", [])):
        values = toolkit.getMIDIValuesForElement(name)
        pitch, start, length = values["pitch"], _clock(values["time"]), _clock(values["duration"])
        if name in tied_to:
            before = heard.pop()
            assert before[0] == pitch
            assert before[1] + before[2] == start
            start, length = before[1], before[2] + length
        heard.append((pitch, start, length))
    return heard


def _clock(milliseconds: int) -> Fraction:
    return Fraction(round(milliseconds * FINEST / MILLISECONDS_PER_WHOLE), FINEST)
