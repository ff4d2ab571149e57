"""Tunes read from ABC, MIDI and MusicXML as a musician would play them; nothing broken stops the reading."""

import json
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_models.melody import corpus, reading, sections
from genre_models.melody.corpus import CorpusError, read_books, read_folder
from genre_models.melody.notes import LENGTHS, write
from genre_models.melody.reading import read_file, read_tune, split_abc
from genre_models.melody.sections import TuneError
from genre_models.melody.tune import MODES, Key, Metre, Note, Tune

SCALE = "CDEF GABc"
SCALE_TEXT = "C4:1/8 D4:1/8 E4:1/8 F4:1/8 G4:1/8 A4:1/8 B4:1/8 C5:1/8"


def abc(body: str, key: str = "C", metre: str = "4/4", extra: str = "") -> str:
    return f"X:1\nT:A tune\n{extra}M:{metre}\nL:1/8\nK:{key}\n{body}\n"


def played(body: str, key: str = "C", metre: str = "4/4") -> str:
    """The notes of a tune after the scale with which it begins."""
    whole = write(read_tune(abc(f"{SCALE}|{body}|", key, metre)).notes)
    return whole.removeprefix(SCALE_TEXT).strip()


def test_a_tune_with_all_it_says() -> None:
    head = "X:3\nT:Maid, The\nT:Second name\nN::1st setting (slow)\nM:6/8\nL:1/8\nK:Bb\n"
    tune = read_tune(f"{head}F|B2c def|g3 z2f|edc BAG|F3 F2|]\n")
    assert (tune.title, tune.key, tune.metre) == ("Maid, The", Key(10), Metre(6, 8))
    assert tune.pickup == Fraction(1, 8)
    assert write(tune.notes).split()[:8] == [
        *("F4:1/8", "Bb4:1/4", "C5:1/8", "D5:1/8", "Eb5:1/8", "F5:1/8", "G5:3/8", "R:1/4")
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("A>B c<d e2 z2", "A4:3/16 B4:1/16 C5:1/16 D5:3/16 E5:1/4 R:1/4"),
        ("(3ABc d4 e2", "A4:1/12 B4:1/12 C5:1/12 D5:1/2 E5:1/4"),
        ("A,2 C2 c2 c'2", "A3:1/4 C4:1/4 C5:1/4 C6:1/4"),
        ("A4- A2 B2-|B4 c4", "A4:3/4 B4:3/4 C5:1/2"),
        ("A2-B2 c4", "A4:1/4 B4:1/4 C5:1/2"),
        ("[CEG]4 [Ac]4", "G4:1/2 C5:1/2"),
        ("{g}A4 H{ab}c4", "A4:1/2 C5:1/2"),
        ('"Am7"A4 !trill!~.Tc4', "A4:1/2 C5:1/2"),
        ("(A2 B2 (c2) d2) % a comment\n", "A4:1/4 B4:1/4 C5:1/4 D5:1/4"),
    ],
)
def test_notes_sound_as_they_are_written(body: str, expected: str) -> None:
    assert played(body) == expected


def test_accidentals_hold_to_the_end_of_the_bar_and_over_a_tie() -> None:
    assert played("^FGFF G4|F8") == "F#4:1/8 G4:1/8 F#4:1/8 F#4:1/8 G4:1/2 F4:1"
    assert played("c4 ^c4-|c4 c4") == "C5:1/2 C#5:1 C5:1/2"


def test_a_line_may_begin_with_a_note_and_a_repeat_sign() -> None:
    assert played("d4\nc4|\nc8\n:|\nd8|\nG4 \nG4:|") == "D5:1/2 C5:1/2 C5:1 D5:1 G4:1/2 G4:1/2"
    assert played("A8|\nB4\nc4|\nd:|") == "A4:1 B4:1/2 C5:1/2 D5:1/8"


def test_a_change_of_key_is_heard_but_the_first_is_the_tunes() -> None:
    tune = read_tune(abc(f"{SCALE}|{SCALE}|[K:D]c4 f4|\nK:C\nf4 c4|"))
    assert write(tune.notes[16:]) == "C#5:1/2 F#5:1/2 F5:1/2 C5:1/2"
    assert tune.key == Key(0)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Em", Key(4, "minor")),
        ("E minor", Key(4, "minor")),
        ("Ador", Key(9, "dorian")),
        ("A Mixolydian", Key(9, "mixolydian")),
        ("F#m", Key(6, "minor")),
        ("Flyd", Key(5, "major")),
        ("Ephr", Key(4, "minor")),
        ("Aaeo", Key(9, "minor")),
    ],
)
def test_key(written: str, key: Key) -> None:
    assert read_tune(abc("EFGA BABA|E8|", written)).key == key


@pytest.mark.parametrize(
    ("written", "metre"), [("C", Metre(4, 4)), ("C|", Metre(2, 2)), ("4/4", Metre(4, 4))]
)
def test_metre(written: str, metre: Metre) -> None:
    assert read_tune(abc(f"{SCALE}|{SCALE}|", metre=written)).metre == metre


def test_repeats_are_read_once_with_their_last_ending() -> None:
    assert played("|:A8|B8:|\n|:c8:|") == "A4:1 B4:1 C5:1"
    assert played("|:A8|1 B8|c8:|2 d8|]\n|e8") == "A4:1 D5:1 E5:1"


def test_a_section_waits_for_the_next_and_makes_room_for_its_pickup() -> None:
    """Such as the pickup at the start, which the first section's last bar lacks."""
    longer = read_tune(abc("G|cdef gagf|e4 c3:|\n|:cBAG c4:|"))
    assert write(longer.notes[9:12]) == "E5:1/2 C5:1/2 C5:1/8"
    shorter = read_tune(abc("cdef gagf|e4 c4:|\n|:G|cBAG c4|c6 c:|"))
    assert write(shorter.notes[8:11]) == "E5:1/2 C5:3/8 G4:1/8"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (abc(f"{SCALE}|ABc|{SCALE}|"), sections.UNEVEN),
        (abc(f"{SCALE}|ABcd efgab|{SCALE}|"), sections.UNEVEN),
        (abc(f"{SCALE}|c6 d2/5d2/5d2/5d2/5d2/5|"), sections.UNUSUAL_LENGTH),
        (abc("C8|D8|"), sections.TOO_SHORT),
        (abc("z8|z8|"), reading.NO_NOTES),
        (abc("g''4g'''4|cdef gabc|"), sections.OUT_OF_RANGE),
        (abc(f"{SCALE}|{SCALE}|", metre="none"), reading.NO_METRE),
        (abc("CDE FGAB|cde fgab|", metre="7/8"), reading.UNUSUAL_METRE),
        ("X:1", reading.NO_NOTES),
        (abc(SCALE), reading.NO_BARS),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(TuneError) as refused:
        read_tune(text)
    assert str(refused.value) == reason


@settings(max_examples=40, deadline=None)
@given(st.text("ABcdefg[](){}|:12345/<>-^_=z'\",!~%\n KMLT") | st.text())
def test_any_text_is_a_tune_or_refused(text: str) -> None:
    for piece in (text, abc(f"{SCALE}|{text}|{SCALE}|")):
        try:
            tune = read_tune(piece)
        except TuneError:
            continue
        assert {note.length for note in tune.notes} <= set(LENGTHS)


def test_a_file_of_tunes_in_which_one_is_broken(tmp_path: Path) -> None:
    good = abc(f"{SCALE}|{SCALE}|").replace("L:1/8\n", "").replace("M:4/4\n", "")
    head = "My collection\nL:1/4\nM:2/2\n\n"
    file = tmp_path / "two.abc"
    text = (
        f"{head}{good}\nA remark between tunes: aggregate.\n\n{abc('ABc|d|e|')}\n{abc(f'{SCALE}|{SCALE}|')}"
    )
    file.write_bytes(text.replace("\n", "\r\n").encode("latin-1"))
    result = read_file(file)
    assert [tune.metre.name for tune in result.tunes] == ["2/2", "4/4"]
    assert {note.length for note in result.tunes[0].notes} == {Fraction(1, 4)}
    assert result.skipped == {sections.UNEVEN: 1} or result.skipped == {sections.TOO_SHORT: 1}
    assert len(split_abc(text)) == 3


def test_midi(tmp_path: Path) -> None:
    song = mido.MidiFile(ticks_per_beat=480)
    conductor, flute = song.add_track("conductor"), song.add_track("flute")
    conductor += [mido.MetaMessage("time_signature", numerator=3, denominator=4)]
    conductor += [mido.MetaMessage("key_signature", key="D")]
    for pitch, ticks in [(62, 480), (66, 160), (67, 160), (69, 160), (74, 480)] * 3:
        flute += [mido.Message("note_on", note=pitch, velocity=80)]
        flute += [mido.Message("note_off", note=pitch, time=ticks)]
    song.save(tmp_path / "waltz.mid")
    (tune,) = read_file(tmp_path / "waltz.mid").tunes
    assert (tune.metre, tune.key, tune.title) == (Metre(3, 4), Key(2), "waltz")
    assert write(tune.notes) == " ".join(["D4:1/4 F#4:1/12 G4:1/12 A4:1/12 D5:1/4"] * 3)


def test_musicxml_of_two_voices(tmp_path: Path) -> None:
    from music21 import converter  # noqa: PLC0415 - slow, 100 MB

    score = converter.parse(
        "X:1\nT:Duet\nM:3/4\nL:1/4\nK:Gm\nV:1\nD|[GB]AB|c2-c/d/|BAG|]\nV:2\nz|G,3|C3|G,3|]\n", format="abc"
    )
    file = Path(score.write("musicxml", tmp_path / "duet.musicxml"))
    (tune,) = read_file(file).tunes
    assert (tune.metre, tune.key, tune.pickup, tune.title) == (
        *(Metre(3, 4), Key(7, "minor")),
        1 / Fraction(4),
        "Duet",
    )
    assert write(tune.notes) == ("D4:1/4 Bb4:1/4 A4:1/4 Bb4:1/4 C5:5/8 D5:1/8 Bb4:1/4 A4:1/4 G4:1/4")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a.abc").write_text(abc(f"{SCALE}|{SCALE}|") + "\n" + abc("A|B|"))
    (tmp_path / "in" / "deep" / "b.ABC").write_text(abc(f"{SCALE}|c8|"))
    (tmp_path / "in" / "broken.mid").write_bytes(b"MThd and then nothing")
    (tmp_path / "in" / "broken.mxl").write_bytes(b"no zip file")
    (tmp_path / "in" / "readme.txt").write_text("not music")
    return tmp_path / "in"


def test_a_folder_is_read_once_and_again_when_it_changes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    first = read_folder(folder, cache)
    assert [len(tune.notes) for tune in first.tunes] == [16, 9]
    assert first.skipped == {reading.UNREADABLE: 2, sections.TOO_SHORT: 1}
    (kept,) = cache.iterdir()
    assert json.loads(kept.read_text())["tunes"]

    def nothing(*_: object) -> reading.Reading:
        return reading.Reading()

    monkeypatch.setattr(corpus, "_read_all", nothing)
    assert read_folder(folder, cache) == first
    (folder / "a.abc").write_text(abc(f"{SCALE}|c8|"))
    assert not read_folder(folder, cache).tunes
    kept.write_text("{")
    (folder / "a.abc").unlink()
    assert not read_folder(folder, cache).tunes


OTHER_JSON = (
    *("3", "[3]", "null", '{"tunes": []}'),
    *('{"skipped": {}, "tunes": [3]}', '{"skipped": {}, "tunes": [{"title": "x"}]}'),
)


@pytest.mark.parametrize("damaged", ["", "{", *OTHER_JSON])
def test_a_damaged_cache_is_read_anew(
    damaged: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one(*_: object) -> reading.Reading:
        return reading.Reading([read_tune(abc(f"{SCALE}|c8|"))])

    monkeypatch.setattr(corpus, "_read_all", one)
    read_folder(folder, tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_text(damaged)
    assert len(read_folder(folder, tmp_path / "cache").tunes) == 1


def test_a_folder_without_music(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="There is no ABC, MIDI or MusicXML file"):
        read_folder(tmp_path, tmp_path)


def test_the_books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: dict[str, int] = {}

    def count(files: list[Path], name: str, *_: object) -> reading.Reading:
        counted[name] = sum(file.read_text(errors="replace").count("\nX:") for file in files)
        return read_file(min(files, key=lambda file: (file.stat().st_size, file.name)))

    monkeypatch.setattr(corpus, "_read_all", count)
    books = read_books(tmp_path, list(corpus.PUBLIC_DOMAIN)[:2])
    assert set(books) == set(counted) == {"O'Neill's Music of Ireland", "Ryan's Mammoth Collection"}
    assert counted["O'Neill's Music of Ireland"] > 1990
    (tune,) = books["O'Neill's Music of Ireland"].tunes
    assert (tune.metre, tune.title) == (Metre(6, 8), "The Priest with the Collar")
    assert write(tune.notes[:5]) == "D4:1/8 G4:1/8 B4:1/8 G4:1/8 A4:1/8"
    assert len(tune.notes) == 129
    assert "Essen folksongs" not in corpus.PUBLIC_DOMAIN


def test_an_unknown_book(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no book called “Bible”: the books are O'Neill's"):
        read_books(tmp_path, ["Bible"])


some_notes = st.builds(Note, st.none() | st.integers(21, 108), st.sampled_from(LENGTHS), st.booleans())
some_tunes = st.builds(
    Tune,
    st.lists(some_notes).map(tuple),
    st.builds(Key, st.integers(0, 11), st.sampled_from(list(MODES))),
    st.builds(Metre, st.integers(1, 12), st.sampled_from([2, 4, 8])),
    st.sampled_from(LENGTHS),
    st.text(),
)


@given(st.lists(some_tunes, max_size=3))
def test_tunes_come_back_from_the_cache(tunes: list[Tune]) -> None:
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        folder = Path(place)
        (folder / "a.abc").touch()
        patch.setattr(corpus, "_read_all", lambda *_: reading.Reading(list(tunes)))
        read_folder(folder, folder)
        patch.setattr(corpus, "_read_all", lambda *_: pytest.fail("it is read again"))
        assert read_folder(folder, folder).tunes == tunes


def test_music21_is_loaded_only_to_read() -> None:
    code = "import sys, genre_models.melody.corpus as c; print('music21' in sys.modules, len(c.BOOKS))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "4"]
