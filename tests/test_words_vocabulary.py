"""Text to pieces and back: nothing is unknown, nothing is lost, and words are made of whole pieces."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_models.words.vocabulary import (
    END,
    PAD,
    SMALLEST,
    START,
    Vocabulary,
    VocabularyError,
    plain,
    plain_words,
    tidy,
)

TEXTS = ["Save the file", "Delete the file", "Enregistrer le fichier", "L'été, déjà", "Save the page {1}"] * 5
VOCABULARY = Vocabulary.learn(TEXTS, 300)

any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
learned_text = st.lists(st.sampled_from([*" ".join(TEXTS).split(), "été", "\n", "  "]), max_size=12).map(
    " ".join
)


@given(any_text | learned_text)
def test_any_text_comes_back_as_it_was(text: str) -> None:
    ids = VOCABULARY.encode(text)
    assert VOCABULARY.decode(ids) == text
    assert not {PAD, START, END} & set(ids)


@given(any_text | learned_text)
def test_pieces_make_up_the_text_and_words_are_made_of_all_of_them(text: str) -> None:
    cut = VOCABULARY.cut(VOCABULARY.encode(text))
    assert "".join(cut.pieces) == cut.text == text
    assert len(cut.pieces) == len(cut.ids)
    places = [place for word in cut.words for place in range(word.first, word.last)]
    assert places == list(range(len(cut.pieces)))
    assert all(word.first < word.last for word in cut.words)


@given(learned_text)
def test_words_are_what_stands_between_spaces(text: str) -> None:
    text = tidy(text)
    assert [word.text for word in VOCABULARY.cut(VOCABULARY.encode(text)).words] == text.split()


@given(st.lists(st.integers(0, len(VOCABULARY) - 1), max_size=30))
def test_whatever_a_model_writes_can_be_cut(ids: list[int]) -> None:
    cut = VOCABULARY.cut(ids)
    assert len(cut.pieces) == len(ids)
    assert "".join(cut.pieces) == cut.text == VOCABULARY.decode(ids)


def test_special_tokens_that_somebody_types_are_only_letters() -> None:
    text = "<end> of <pad> and <start>"
    assert not {PAD, START, END} & set(VOCABULARY.encode(text))
    assert VOCABULARY.decode(VOCABULARY.encode(text)) == text


def test_a_saved_vocabulary_is_the_same(tmp_path: Path) -> None:
    VOCABULARY.save(tmp_path / "tokenizer.json")
    again = Vocabulary.load(tmp_path / "tokenizer.json")
    assert len(again) == len(VOCABULARY)
    for text in [*TEXTS, "<end> 你好"]:
        assert again.encode(text) == VOCABULARY.encode(text)


def test_frequent_words_become_single_pieces() -> None:
    cut = VOCABULARY.cut(VOCABULARY.encode("Save the file"))
    assert cut.pieces == ("Save", " the", " file")
    assert [word.text for word in cut.words] == ["Save", "the", "file"]


@pytest.mark.parametrize("content", ["", "{}", "no json", '{"model": {"type": "BPE"}}'])
def test_a_damaged_vocabulary_is_refused_in_words(tmp_path: Path, content: str) -> None:
    file = tmp_path / "tokenizer.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(VocabularyError, match=r"tokenizer\.json"):
        Vocabulary.load(file)


def test_a_vocabulary_has_room_for_all_bytes() -> None:
    with pytest.raises(VocabularyError, match=str(SMALLEST)):
        Vocabulary.learn(TEXTS, SMALLEST - 1)
    assert len(Vocabulary.learn([], SMALLEST)) == SMALLEST


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        ("  two\n words ", "two words"),
        ("L’été « chaud »…", 'L\'été "chaud"...'),
        ("“Save”\xa0?", '"Save" ?'),
        ('"Yes," she said, "and no."', '"Yes," she said, "and no."'),
    ],
)
def test_text_is_made_as_the_models_know_it(typed: str, known: str) -> None:
    assert tidy(typed) == known


@given(any_text)
def test_what_is_tidy_stays_as_it_is(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)


def test_words_are_looked_up_without_marks_and_capitals() -> None:
    assert plain("(Save!)") == plain("save") == "save"
    assert plain("don't,") == "don't"
    assert plain("...") == ""
    assert plain_words('"Save" - the FILE {1}.') == ["save", "the", "file", "{1}"]
    assert plain_words("said--and/or well-known") == ["said", "and", "or", "well-known"]
