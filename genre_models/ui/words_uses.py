"""The lesson of the Words tab: three uses of one network, which differ in how their data are laid out."""

from collections.abc import Sequence

from genre_models.melody import vocabulary
from genre_models.melody.forcing import cut
from genre_models.melody.notes import EXAMPLE, parse
from genre_models.melody.tunes import METRES_BY_NAME
from genre_models.ui.html import render
from genre_models.words import Continuation, Translation, Vocabulary
from genre_models.words_measured import Passage

START, END = "start", "end"
SPACE = "·"
TEXT = "Text", "a run of prose, and the run after it"


def translation_use(made: Translation, shown: int, language: str) -> str:
    """The whole phrase, and the whole translation."""
    pieces = _labels(made.candidates[shown].cut.pieces)
    return _use(
        "Translation",
        f"the whole English phrase, the whole {language} one",
        _labels(made.source.pieces),
        pieces,
        ends=True,
    )


def melody_use() -> str:
    """The beginning of the notes' own five notes, and those that follow it."""
    notes = parse(EXAMPLE)
    _, window = cut(notes, METRES_BY_NAME["4/4"])
    read, written = ([vocabulary.label(token) for token in ids] for ids in (window.source, window.target))
    return _use("Music", "a run of a tune, and the run after it", read, written[1:])


def text_use(made: Continuation) -> str:
    """The text that was typed, and what was written after it."""
    read, written = _labels(made.source.pieces), _labels(made.target.pieces)
    return _use(*TEXT, read, written)


def passage_use(vocabulary: Vocabulary, passage: Passage) -> str:
    """A passage of a book, and how the book goes on: as in training, before anything was written."""
    read, written = (
        _labels(vocabulary.cut(vocabulary.encode(text)).pieces) for text in (passage.given, passage.real)
    )
    return _use(*TEXT, read, written)


def _use(title: str, layout: str, read: Sequence[str], written: Sequence[str], ends: bool = False) -> str:
    foretold = [*written, END] if ends else list(written)
    fed = [START, *foretold[:-1]]
    return render("words_use", title=title, layout=layout, read=read, fed=fed, foretold=foretold)


def _labels(pieces: Sequence[str]) -> list[str]:
    """As they are shown: what is no whole letter yet is left out, a space is a dot."""
    return [piece.replace(" ", SPACE) for piece in pieces if piece]
