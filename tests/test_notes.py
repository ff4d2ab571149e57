"""The note language: what may be typed, what is made of it, and what is said about the rest."""

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_models.melody.notes import LENGTHS, MOST_CHARACTERS, MOST_NOTES, NoteError, parse, write
from genre_models.melody.tune import DEFAULT_LENGTH, HIGHEST, LOWEST, Note

BLACK = {1, 3, 6, 8, 10}

lengths = st.sampled_from(LENGTHS)
pitches_and_rests = st.none() | st.integers(LOWEST, HIGHEST)
black_keys = st.sampled_from([pitch for pitch in range(LOWEST, HIGHEST) if pitch % 12 in BLACK])
notes = st.builds(Note, pitches_and_rests, lengths) | st.builds(Note, black_keys, lengths, st.just(True))
almost_notes = st.text(st.sampled_from("ABCDHRabr#b♯♭x♮0123456789:/.|,;- \n"), max_size=60)


def pitches(text: str) -> list[int | None]:
    return [note.pitch for note in parse(text)]


def complaint(text: str) -> str:
    with pytest.raises(NoteError) as error:
        parse(text)
    return str(error.value)


@given(st.lists(notes, min_size=1, max_size=MOST_NOTES))
def test_written_notes_read_back_the_same(some: list[Note]) -> None:
    assert parse(write(some)) == some


@given(st.lists(notes, min_size=1, max_size=20))
def test_written_text_is_written_again_the_same(some: list[Note]) -> None:
    text = write(some)
    assert write(parse(text)) == text


@given(st.text() | almost_notes)
def test_any_text_gives_notes_or_one_sentence(text: str) -> None:
    try:
        read = parse(text)
    except NoteError as error:
        assert re.fullmatch(r"[A-Z][^\n]*\.", str(error))
        assert ". " not in str(error)
        str(error).encode()
    else:
        assert read
        assert all(note.length in LENGTHS for note in read)
        assert all(note.pitch is None or LOWEST <= note.pitch <= HIGHEST for note in read)


def test_the_notes_of_the_course() -> None:
    assert parse("A5 E5 C#5 B3 G6") == [Note(81), Note(76), Note(73), Note(59), Note(91)]
    assert write(parse("A5 E5 C#5 B3 G6")) == "A5:1/8 E5:1/8 C#5:1/8 B3:1/8 G6:1/8"


@pytest.mark.parametrize("text", ["a4 b4 c5", "A4,b4,C5", "| A4 B4 | C5 ||", "A4\n\tB4;c5\r\n", "A♮4 B4 B♯4"])
def test_either_case_and_many_separators(text: str) -> None:
    assert pitches(text) == [69, 71, 72]


def test_lower_case_b_is_a_letter_first_and_a_flat_after_it() -> None:
    assert parse("b4 bb4 Bb4 B♭4 bbb4") == [
        Note(71),
        *[Note(70, flat=True)] * 3,
        Note(69),
    ]


def test_flats_and_sharps_stay_what_they_are() -> None:
    assert write(parse("Bb4 A#4 eb5 D♯5")) == "Bb4:1/8 A#4:1/8 Eb5:1/8 D#5:1/8"


def test_neighbours_of_white_keys_and_double_accidentals() -> None:
    assert pitches("B#3 C4 Cb4 B3 E#4 F4 Fb4 E4") == [60, 60, 59, 59, 65, 65, 64, 64]
    assert pitches("F##4 Fx4 F𝄪4 Abb4 A𝄫4") == [67] * 5
    assert write(parse("Cb4 B#3")) == "B3:1/8 C4:1/8"
    assert parse("E##4 Fbb4") == [Note(66), Note(63, flat=True)]


def test_the_ends_of_the_piano() -> None:
    assert pitches("A0 C8 Gx0 B#7 Dbb8") == [LOWEST, HIGHEST, LOWEST, HIGHEST, HIGHEST]


def test_lengths() -> None:
    read = parse("A4 A4:1/4 A4:1/4. A4:3/8 A4:1/4.. A4:1/12 R:1/2 r A4:1 a4:1.")
    expected = ["1/8", "1/4", "3/8", "3/8", "7/16", "1/12", "1/2", "1/8", "1", "3/2"]
    assert [note.length for note in read] == [Fraction(length) for length in expected]
    assert [note.pitch is None for note in read] == [place in {6, 7} for place in range(10)]


def test_the_lengths_are_ascending_and_hold_plain_dotted_and_triplet_notes() -> None:
    assert list(LENGTHS) == sorted(set(LENGTHS))
    assert DEFAULT_LENGTH in LENGTHS
    for power in range(6):
        assert Fraction(1, 2**power) in LENGTHS
    for power in range(1, 6):
        assert {Fraction(3, 2 ** (power + 1)), Fraction(1, 3 * 2 ** (power - 1))} <= set(LENGTHS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A4 B4 H4", "note 3, 'H4': a letter from A to G was expected"),
        ("A4, C", "note 2, 'C': an octave number after the letter was expected, such as C4"),
        ("Bb", "note 1, 'Bb': an octave number after the letter was expected, such as Bb4"),
        ("AB4", "note 1, 'AB4': an octave number"),
        ("A4 | C9", "note 2, 'C9': a note from A0 to C8 was expected"),
        ("G#0", "a note from A0 to C8"),
        ("Cb-1", "a note from A0 to C8"),
        ("A4:17/3", "a note cannot last 17/3 here, the nearest length is 3/2"),
        ("A4:1/5", "a note cannot last 1/5 here, the nearest length is 3/16"),
        ("A4:1000", "a note cannot last 1000 here"),
        ("R4", "note 1, 'R4': a letter from A to G was expected, or R for a rest"),
        ("4", "note 1, '4': a letter"),
        ("", "Type a few notes first, such as A5 E5 C#5 B3 G6"),
        (" |, ", "Type a few notes first"),
    ],
)
def test_a_wrong_word_is_named_with_what_was_expected(text: str, said: str) -> None:
    assert said in complaint(text)


@pytest.mark.parametrize(
    "length", ["0", "0/8", "1/0", "abc", "", "1/", "-1/8", "1/8...", "0.25", "1/8:2", "٣"]
)
def test_a_length_that_is_none_gets_all_that_are_allowed(length: str) -> None:
    said = complaint(f"A4:{length}")
    assert all(str(allowed) in said for allowed in LENGTHS)


def test_too_much_is_counted() -> None:
    assert len(parse("C4 " * MOST_NOTES)) == MOST_NOTES
    assert complaint("C4 " * (MOST_NOTES + 1)) == f"There are 301 notes: at most {MOST_NOTES} can be read."
    assert "10,001 characters" in complaint("C" * (MOST_CHARACTERS + 1))


@pytest.mark.parametrize("word", ["C" + "9" * 9000, "C" + "#" * 9000, "A4:" + "9" * 9000, "A" * 9000])
def test_an_endless_word_is_cut_short(word: str) -> None:
    assert len(complaint(word)) < 250
