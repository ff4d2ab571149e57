"""Scores in every format, read back by other people's programs, and drawn."""

import re
import subprocess
import sys
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import mido
import pytest
from hypothesis import given, settings
from music21 import converter

from genre_models.melody import musicxml
from genre_models.melody.bars import bars, key_alter, spell
from genre_models.melody.engraving import svg
from genre_models.melody.notes import parse
from genre_models.melody.score import abc, midi
from genre_models.melody.tune import Key, Metre, Note, Tune
from tests.tunes import JIG, METRES, REEL, by_mido, by_music21, by_verovio, simple_tunes, sounded, tunes

ROOT = Path(__file__).resolve().parent.parent

few = settings(max_examples=12, deadline=None)
many = settings(max_examples=100, deadline=None)


@many
@given(tunes)
def test_midi_has_the_notes_to_the_tick(tune: Tune) -> None:
    assert by_mido(midi(tune)) == sounded(tune)


@few
@given(tunes)
def test_music21_reads_the_same_notes_in_musicxml(tune: Tune) -> None:
    assert by_music21(musicxml.write(tune), "musicxml") == sounded(tune)


@few
@given(tunes)
def test_verovio_reads_the_same_notes_in_musicxml(tune: Tune) -> None:
    assert by_verovio(musicxml.write(tune), "musicxml") == sounded(tune)


@few
@given(tunes)
def test_music21_reads_the_same_notes_in_abc(tune: Tune) -> None:
    assert by_music21(abc(tune), "abc") == sounded(tune)


@many
@given(simple_tunes)
def test_verovio_reads_the_same_notes_in_abc(tune: Tune) -> None:
    assert by_verovio(abc(tune), "abc") == sounded(tune)


@pytest.mark.parametrize("reach", ["note", "octave", "bar"])
@many
@given(tune=tunes)
def test_accidentals_in_abc_mean_the_same_however_far_they_reach(reach: str, tune: Tune) -> None:
    music = "".join(line for line in abc(tune).splitlines() if not re.match("[A-Z]:", line))
    for written, bar in zip(music.split("|"), bars(tune), strict=False):
        said: dict[str, int] = {}
        spellings = [symbol.spelling for symbol in bar.symbols if symbol.spelling]
        for (sign, letter), spelling in zip(
            re.findall(r"([_=^]?)([A-Ga-g][,']*)", written), spellings, strict=True
        ):
            line = letter if reach == "octave" else letter[0].upper()
            usual = key_alter(letter[0].upper(), tune.key)
            alter = {"_": -1, "=": 0, "^": 1}[sign] if sign else said.get(line, usual)
            assert (letter[0].upper(), alter) == (spelling.letter, spelling.alter)
            if sign and reach != "note":
                said[line] = alter


@pytest.mark.parametrize("tune", [REEL, JIG], ids=lambda tune: tune.title)
def test_all_formats_say_the_same(tune: Tune) -> None:
    assert by_music21(abc(tune), "abc") == by_music21(musicxml.write(tune), "musicxml") == sounded(tune)
    assert by_verovio(abc(tune), "abc") == by_verovio(musicxml.write(tune), "musicxml") == sounded(tune)
    assert by_music21(midi(tune), "midi") == by_mido(midi(tune)) == sounded(tune)


@many
@given(tunes)
def test_bars_are_full_but_for_the_first_and_the_last(tune: Tune) -> None:
    printed = bars(tune)
    assert all(bar.is_whole for bar in printed[1:-1])
    ends = [bar.symbols[-1].start + bar.symbols[-1].length for bar in printed]
    assert all(end == tune.metre.bar for end in ends[:-1])
    assert printed[0].symbols[0].start == -tune.pickup % tune.metre.bar
    assert [bar.number for bar in printed] == list(range(printed[0].number, printed[0].number + len(printed)))


@many
@given(tunes)
def test_symbols_of_one_note_are_tied_and_of_a_rest_are_not(tune: Tune) -> None:
    symbols = [symbol for bar in bars(tune) for symbol in bar.symbols]
    for place, note in enumerate(tune.notes):
        parts = [symbol for symbol in symbols if symbol.note == place]
        assert sum(part.length for part in parts) == note.length
        ties = [(part.tied_from, part.tied_to) for part in parts]
        sounds = note.pitch is not None
        assert ties == [(sounds and i > 0, sounds and i + 1 < len(parts)) for i in range(len(parts))]


def test_a_note_over_a_bar_line_is_tied_and_the_pickup_is_a_short_bar() -> None:
    tune = Tune(tuple(parse("D5 E5:1/4 F#5:1/2 D5:1/4")), Key(2), Metre(2, 4), Fraction(1, 8))
    assert "K:D\nd | e2 f2- | f2 d2 |]" in abc(tune)
    assert [bar.number for bar in bars(tune)] == [0, 1, 2]


def test_a_natural_that_is_tied_over_a_bar_line_keeps_its_sign_in_abc() -> None:
    tune = Tune(tuple(parse("C#5:1/4 C5:1/2 C5:1/4")), Key(0), Metre(2, 4))
    assert "^c2 =c2- | =c2 =c2 |]" in abc(tune)
    assert by_music21(abc(tune), "abc") == sounded(tune)


def test_triplets_are_brackets_of_three() -> None:
    tune = Tune(
        tuple(parse("A4:1/12 B4:1/12 C5:1/12 D5:1/6 E5:1/12 F5:1/24 F5:1/24 F5:1/24")), Key(0), Metre(4, 4)
    )
    assert "(3:2:3ABc (3:2:2d2 e (3:2:3f1/2f1/2f1/2 |]" in abc(tune)


def test_compound_beats_can_be_seen() -> None:
    tune = Tune(tuple(parse("C5:1/4 D5:1/4 E5:1/4 C5:5/8 D5 C5:3/4")), Key(0), Metre(6, 8))
    assert "c2 d- d e2 | c3- c2 d | c6 |]" in abc(tune)


def test_beams_in_reels_and_jigs() -> None:
    assert "ABcd efga" in abc(Tune(tuple(parse("A4 B4 C5 D5 E5 F5 G5 A5")), Key(0), Metre(4, 4)))
    assert "ABc def" in abc(Tune(tuple(parse("A4 B4 C5 D5 E5 F5")), Key(0), Metre(6, 8)))
    assert "AB cd ef" in abc(Tune(tuple(parse("A4 B4 C5 D5 E5 F5")), Key(0), Metre(3, 4)))


@pytest.mark.parametrize(
    ("pitch", "flat", "key", "name"),
    [
        (66, True, Key(2), "F#"),  # in the scale of D major, whatever was typed
        (70, False, Key(5), "Bb"),
        (66, True, Key(7, "minor"), "F#"),  # the leading note of G minor
        (68, True, Key(9, "minor"), "G#"),
        (65, False, Key(6), "E#"),
        (70, True, Key(2), "Bb"),  # outside the scale as typed
        (70, False, Key(2), "A#"),
        (73, False, Key(2, "dorian"), "C#"),
    ],
)
def test_spelling(pitch: int, flat: bool, key: Key, name: str) -> None:
    spelling = spell(pitch, flat, key)
    assert spelling.letter + {-1: "b", 0: "", 1: "#"}[spelling.alter] == name


def test_accidentals_are_printed_once_a_bar_and_again_after_the_bar_line() -> None:
    tune = Tune(tuple(parse("F5:1/4 F5:1/4 F#5:1/4 F#5:1/2 F5:1/4")), Key(7), Metre(3, 4))
    flags = [symbol.accidental for bar in bars(tune) for symbol in bar.symbols]
    assert flags == [True, False, True, False, True]
    assert "=f2 =f2 ^f2 | f4 =f2 |]" in abc(tune)


def test_a_note_after_one_that_was_tied_over_says_what_it_is() -> None:
    tune = Tune(tuple(parse("C5:1/4 F#5:1/2 F#5:1/8 F5:1/8")), Key(0), Metre(2, 4))
    flags = [symbol.accidental for bar in bars(tune) for symbol in bar.symbols]
    assert flags == [False, True, False, True, True]


@pytest.mark.parametrize("mode", ["major", "minor", "dorian", "mixolydian"])
@pytest.mark.parametrize("tonic", range(12))
def test_keys_are_written_alike_everywhere(tonic: int, mode: str) -> None:
    key = Key(tonic, mode)
    tune = Tune((Note(60),), key, Metre(4, 4))
    file = mido.MidiFile(file=BytesIO(midi(tune)))
    written = next(message.key for message in file.tracks[0] if message.type == "key_signature")
    minor = {"minor": key.name.split()[0] + "m", "major": key.name.split()[0]}
    assert written == minor.get(mode, written)
    fifths = ElementTree.fromstring(musicxml.write(tune)).findtext(".//fifths")
    assert fifths == str(key.signature)
    read = converter.parseData(abc(tune), format="abc").flatten().getElementsByClass("KeySignature")[0]
    assert read.sharps == key.signature


@pytest.mark.parametrize("metre", METRES, ids=lambda metre: metre.name)
def test_metres_tempo_and_title_are_written(metre: Metre) -> None:
    tune = Tune((Note(60),), Key(0), metre, title="Jo's 100% <reel>\n&\x00 Löf–ñ")
    head = {message.type: message for message in mido.MidiFile(file=BytesIO(midi(tune, 90))).tracks[0]}
    assert (head["time_signature"].numerator, head["time_signature"].denominator) == (metre.beats, metre.unit)
    assert mido.tempo2bpm(head["set_tempo"].tempo) == pytest.approx(90)
    assert f"M:{metre.name}\n" in abc(tune)
    assert "T:Jo's 100  <reel> & Löf–ñ\n" in abc(tune)
    root = ElementTree.fromstring(musicxml.write(tune))
    assert (root.findtext(".//beats"), root.findtext(".//beat-type")) == (str(metre.beats), str(metre.unit))
    assert root.findtext(".//work-title") == "Jo's 100% <reel> & Löf–ñ"
    assert "music21" not in " ".join(creator.text or "" for creator in root.iter("creator")).lower()


def parts(drawing: str, kind: str) -> list[str]:
    """The classes of every group of a kind."""
    groups = ElementTree.fromstring(drawing).iter("{http://www.w3.org/2000/svg}g")
    return [classes for group in groups if kind in (classes := group.get("class", "")).split()]


@many
@given(tunes)
def test_the_drawing_has_every_note_and_rest(tune: Tune) -> None:
    drawing = svg(tune, n_seed=2)
    symbols = [symbol for bar in bars(tune) for symbol in bar.symbols]
    assert len(parts(drawing, "notehead")) == sum(symbol.spelling is not None for symbol in symbols)
    assert len(parts(drawing, "rest")) == sum(symbol.spelling is None for symbol in symbols)
    coloured = [classes for kind in ("note", "rest") for classes in parts(drawing, kind) if "seed" in classes]
    assert len(coloured) == sum(symbol.note < 2 for symbol in symbols)


def test_the_drawing_fetches_nothing_and_takes_the_colour_of_the_page() -> None:
    drawing = svg(JIG, n_seed=3)
    assert set(re.findall(r"""[\w:]*=["']\w+://[^"']+""", drawing)) == {
        'xmlns="http://www.w3.org/2000/svg',
        'xmlns:xlink="http://www.w3.org/1999/xlink',
    }
    assert "@font-face" not in drawing
    assert "url(" not in drawing
    assert 'color="black"' not in drawing
    assert 'aria-label="Sheet music, G minor, 6/8"' in drawing


def test_the_same_tune_is_the_same_drawing() -> None:
    assert svg(REEL, 3) == svg(REEL, 3)


def test_low_tunes_are_in_the_bass_clef() -> None:
    low = Tune(tuple(parse("C2 D2 E2 F2")), Key(0), Metre(4, 4))
    assert ElementTree.fromstring(musicxml.write(low)).findtext(".//sign") == "F"
    assert ElementTree.fromstring(musicxml.write(REEL)).findtext(".//sign") == "G"
    assert svg(low) != svg(Tune(low.transposed(24).notes, low.key, low.metre))


def test_music21_is_not_loaded_until_musicxml_is_written() -> None:
    code = "import sys, app; print('genre_models.melody.score' in sys.modules, 'music21' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["True", "False"]
