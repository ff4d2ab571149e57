"""Music as token ids: exact round trips, and a grammar under which bars add up."""

from fractions import Fraction
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_models.melody.notes import LENGTHS
from genre_models.melody.tune import HIGHEST, LOWEST, Key, Metre, Note
from genre_models.melody.vocabulary import (
    ANY_KEY,
    BAR,
    END,
    KEYS,
    METRES,
    PAD,
    SIZE,
    START,
    Grammar,
    VocabularyError,
    decode,
    encode,
    encode_source,
    is_place,
    label,
    place_id,
)

notes = st.lists(
    st.builds(Note, st.none() | st.integers(LOWEST, HIGHEST), st.sampled_from(LENGTHS)), max_size=40
)
metres = st.sampled_from(METRES)
WALTZ, JIG = Metre(3, 4), Metre(6, 8)


def quarters(*pitches: int | None) -> list[Note]:
    return [Note(pitch, Fraction(1, 4)) for pitch in pitches]


def id_of(name: str) -> int:
    return next(token for token in range(SIZE) if label(token) == name)


@given(notes, metres, st.sampled_from(KEYS) | st.none())
def test_notes_come_back_from_their_tokens(run: list[Note], metre: Metre, key: Key | None) -> None:
    assert decode(encode(run, metre)) == run
    assert decode(encode_source(run, key, metre)) == run
    assert decode([START, *encode(run, metre), END, PAD, PAD]) == run


@given(notes, metres)
def test_tokens_are_in_the_vocabulary_and_places_follow_from_the_lengths(
    run: list[Note], metre: Metre
) -> None:
    ids = encode(run, metre)
    assert all(0 < token < SIZE for token in ids)
    ends = accumulate(note.length for note in run)
    assert ids[2::3] == [place_id(end % metre.bar) for end in ends]
    assert all(is_place(token) for token in ids[2::3])


def test_a_run_goes_on_where_the_one_before_it_stopped() -> None:
    tune = quarters(60, 62, 64, 65, 67, 69, 71)
    whole = encode(tune, WALTZ, Fraction(1, 4))
    parts = encode(tune[:4], WALTZ, Fraction(1, 4)) + encode(tune[4:], WALTZ, Fraction(1, 2))
    assert parts == whole


def test_every_note_says_where_in_the_bar_it_ends() -> None:
    c, quarter, half = id_of("C4"), id_of("1/4"), id_of("1/2")
    on_two = id_of("| + 1/4")
    long = Note(60, Fraction(1, 2))
    assert encode(quarters(60, 60), WALTZ, Fraction(1, 2)) == [c, quarter, BAR, c, quarter, on_two]
    assert encode([long], WALTZ, Fraction(1, 2)) == [c, half, on_two]
    assert encode([Note(60, Fraction(1))], Metre(3, 8)) == [c, id_of("1"), on_two]


def test_every_token_has_a_name_of_its_own() -> None:
    names = [label(token) for token in range(SIZE)]
    assert len(set(names)) == SIZE
    assert {"A4", "R", "1/8", "|", "D major", "Bb major", "6/8 time", "any key", "start", "end"} <= set(names)
    assert label(id_of("A#4"), flat=True) == "Bb4"


def test_flats_are_written_as_asked() -> None:
    ids = encode(quarters(70, None), WALTZ)
    assert [note.name for note in decode(ids)] == ["A#4", "R"]
    assert decode(ids, flat=True) == [Note(70, Fraction(1, 4), flat=True), Note(None, Fraction(1, 4))]


def test_source_starts_with_key_and_metre() -> None:
    assert [label(token) for token in encode_source(quarters(69), Key(2, "dorian"), JIG)] == [
        *("D dorian", "6/8 time", "A4", "1/4", "| + 1/4")
    ]
    assert encode_source([], None, JIG)[0] == ANY_KEY


@pytest.mark.parametrize(
    "wrong",
    [Note(LOWEST - 1), Note(HIGHEST + 1), Note(60, Fraction(1, 7)), Note(60, Fraction(0))],
)
def test_what_has_no_token_is_refused(wrong: Note) -> None:
    with pytest.raises(VocabularyError, match=f"no token for {wrong.name} of length {wrong.length}"):
        encode([Note(60), wrong], WALTZ)


def test_unknown_metre_is_refused() -> None:
    with pytest.raises(VocabularyError, match=r"metre 7/8: it knows 2/4, 3/4"):
        encode_source([], None, Metre(7, 8))


@pytest.mark.parametrize("names", [["C4", "D4"], ["1/8"], ["C4", "|"], ["C4", "end"], ["C4"]])
def test_tokens_that_are_no_notes_are_refused(names: list[str]) -> None:
    with pytest.raises(VocabularyError, match=r"^(D4|1/8|\||end) was not expected|no length"):
        decode([id_of(name) for name in names])


def walk(grammar: Grammar, rng: np.random.Generator, n_tokens: int) -> list[int]:
    ids: list[int] = []
    for _ in range(n_tokens):
        possible = np.flatnonzero(grammar.allowed())
        if not len(possible):
            break
        ids.append(int(rng.choice(possible)))
        grammar.push(ids[-1])
    return ids


def whole_notes(ids: list[int]) -> list[int]:
    return ids if ids[-1] == END else ids[: len(ids) // 3 * 3]


@given(metres, st.integers(0, 95), st.integers(0, 2**32))
def test_whatever_the_grammar_allows_has_full_bars(metre: Metre, place: int, seed: int) -> None:
    start = Fraction(place, 32) % metre.bar
    ids = whole_notes(walk(Grammar(metre, start), np.random.default_rng(seed), 300))
    played = decode(ids)
    again = encode(played, metre, start)
    assert again == [token for token in ids if token != END]
    lines = [i for i, token in enumerate(again, start=1) if token == BAR]
    bars = [decode(again[before:after]) for before, after in pairwise([0, *lines])]
    lengths = [sum((note.length for note in bar), Fraction(0)) for bar in bars]
    places = accumulate((note.length for note in played), initial=start)
    crossing = any(
        place % metre.bar + note.length > metre.bar for place, note in zip(places, played, strict=False)
    )
    assert crossing or lengths == [metre.bar - start, *[metre.bar] * len(lengths)][: len(lengths)]


def allowed_names(grammar: Grammar) -> set[str]:
    return {label(int(token)) for token in np.flatnonzero(grammar.allowed())}


def push(grammar: Grammar, *names: str) -> Grammar:
    for name in names:
        grammar.push(id_of(name))
    return grammar


def test_grammar_of_one_bar() -> None:
    grammar = Grammar(Metre(2, 4))
    assert len(allowed_names(grammar)) == HIGHEST - LOWEST + 2
    assert {"C4", "R"} < allowed_names(grammar)
    push(grammar, "C4")
    assert {"1/4", "1/2", "1/12", "3/8"} <= allowed_names(grammar)
    assert not {"3/4", "C4", "|", "end"} & allowed_names(grammar)
    push(grammar, "1/4")
    assert allowed_names(grammar) == {"| + 1/4"}
    push(grammar, "| + 1/4")
    assert {"C4", "R", "end"} <= allowed_names(grammar)
    assert allowed_names(push(grammar, "R", "1/4")) == {"|"}
    push(grammar, "|")
    assert "end" in allowed_names(grammar)
    assert grammar.position == 0
    assert not allowed_names(push(grammar, "end"))


def test_no_length_leaves_a_rest_of_the_bar_that_cannot_be_filled() -> None:
    grammar = push(Grammar(Metre(2, 4), Fraction(3, 8)), "C4", "1/12", "| + 11/24", "C4")
    assert allowed_names(grammar) == {"1/24", "1/48"}


def test_where_nothing_fits_a_note_crosses_the_bar_line() -> None:
    grammar = push(Grammar(WALTZ, Fraction(3, 4) - Fraction(1, 96)), "C4")
    assert len(allowed_names(grammar)) > 0
    push(grammar, min(allowed_names(grammar)))
    assert grammar.position < Fraction(3, 4) - Fraction(1, 96)


def test_a_note_that_crosses_bar_lines_is_taken() -> None:
    grammar = push(Grammar(Metre(2, 4), Fraction(1, 4)), "C4", "1")
    assert allowed_names(grammar) == {"| + 1/4"}
    assert {"C4", "end"} <= allowed_names(push(grammar, "| + 1/4"))
    assert grammar.position == Fraction(1, 4)


@pytest.mark.parametrize("names", [["1/4"], ["|"], ["end"], ["C4", "C4"], ["D major"]])
def test_grammar_refuses_what_cannot_stand_there(names: list[str]) -> None:
    with pytest.raises(VocabularyError, match="cannot stand here"):
        push(Grammar(WALTZ), *names)
