"""What was measured of the models of words, read from the file that `train.py translate` and `text` wrote."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Any

from genre_models.paths import METRICS

METRICS_FILE = "words.json"


@dataclass(frozen=True)
class Score:
    """A measure and its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Example:
    """A phrase that was held out, what its translators wrote, and what the model made of it."""

    source: str
    reference: str
    translation: str

    @property
    def is_exact(self) -> bool:
        """Whether the two are the same, letter by letter."""
        return self.translation == self.reference

    @property
    def likeness(self) -> float:
        """How much of the two is the same, 0 to 1 (Ratcliff and Metzener 1988)."""
        return SequenceMatcher(None, self.translation, self.reference, autojunk=False).ratio()


@dataclass(frozen=True)
class Passage:
    """The beginning of a stretch of a book that was held out, and how the book goes on, in whole words.

    `real` begins with the space or the mark that parts it from `given`.
    """

    given: str
    real: str


@dataclass(frozen=True)
class Pointer:
    """The head of the cross-attention that most often points where a word on both sides stands; from 0.

    It does so for `share` of so many `words` of the validation phrases.
    """

    layer: int
    head: int
    share: float
    words: int


@dataclass(frozen=True)
class Matched:
    """How near so many translations come to a person's; `exact` is the share that is the same."""

    phrases: int
    chrf: Score
    exact: float


@dataclass(frozen=True)
class Evenness:
    """How evenly the cross-attention looks at the `read` pieces of a beginning, 0 to 1, 1 being all alike.

    It is the entropy of the weights over the most that it could be: the `mean` over heads, and the least,
    that of the `sharpest`.
    """

    read: int
    mean: float
    sharpest: float


@dataclass(frozen=True)
class MeasuredTranslation:
    """Of translation: phrases by part and by origin, scores by system, and the first phrases held out.

    `doubts` are the test phrases by what the app says against their translations; `sure_from` is the
    probability per piece below which it calls pieces unlikely.
    """

    split: Mapping[str, int]
    origins: Mapping[str, int]
    chrf: Mapping[str, Score]
    bleu: Mapping[str, Score]
    exact: Mapping[str, float]
    examples: Sequence[Example]
    pointer: Pointer | None
    sure_from: float
    doubts: Mapping[str, Matched]

    @property
    def programs(self) -> list[str]:
        """Where the phrases come from, without versions, the most fruitful first."""
        ranked = sorted(self.origins, key=lambda origin: -self.origins[origin])
        return [origin.rsplit(" ", 1)[0] for origin in ranked]


@dataclass(frozen=True)
class MeasuredText:
    """Of prose: characters by book, how many words were foretold, perplexities by system, and examples."""

    books: Mapping[str, int]
    words: int
    order: int
    per_word: Mapping[str, Score]
    per_piece: Mapping[str, Score]
    bits: Mapping[str, float]
    """Per character."""
    examples: Sequence[Passage]
    evenness: Evenness


@dataclass(frozen=True)
class WordsMeasured:
    """All that the Words tab shows; None where it was not measured."""

    translation: MeasuredTranslation | None = None
    text: MeasuredText | None = None


@cache
def words_measured(folder: Path = METRICS) -> WordsMeasured:
    """What the metrics file in `folder` says; nothing of what is not there."""
    file = folder / METRICS_FILE
    stored = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return WordsMeasured(
        _translation(stored["translate"]) if "translate" in stored else None,
        _text(stored["text"]) if "text" in stored else None,
    )


def _translation(stored: Mapping[str, Any]) -> MeasuredTranslation:
    test, split = stored["test"], stored["split"]
    systems, against = test["systems"], stored["doubt"]["test"]["against"]
    return MeasuredTranslation(
        split={part: split[part] for part in ("train", "valid", "test")},
        origins=stored["data"]["pairs"],
        chrf={name: _score(one["chrF"], "score") for name, one in systems.items()},
        bleu={name: _score(one["BLEU"], "score") for name, one in systems.items()},
        exact={name: one["exact"] for name, one in systems.items()},
        examples=[Example(one["source"], one["reference"], one["translation"]) for one in test["examples"]],
        pointer=_pointer(stored["alignment"]),
        sure_from=stored["doubt"]["sure_from"],
        doubts={reason: _matched(one) for reason, one in against.items()},
    )


def _matched(stored: Mapping[str, Any]) -> Matched:
    return Matched(stored["phrases"], _score(stored["chrF"], "score"), stored["exact"])


def _pointer(stored: Mapping[str, Any]) -> Pointer | None:
    if not stored:
        return None
    layer, head = stored["layer"], stored["head"]
    return Pointer(layer, head, stored["shares"][layer][head], stored["words"])


def _text(stored: Mapping[str, Any]) -> MeasuredText:
    test, evenness = stored["test"], stored["evenness"]
    systems = test["systems"]
    return MeasuredText(
        books=stored["data"]["books"],
        words=systems["transformer"]["words"],
        order=stored["n_gram"]["order"],
        per_word={name: _score(one["word"], "perplexity") for name, one in systems.items()},
        per_piece={name: _score(one["piece"], "perplexity") for name, one in systems.items()},
        bits={name: one["bits_per_character"] for name, one in systems.items()},
        examples=[_passage(one["given"], one["real"]) for one in test["examples"]],
        evenness=Evenness(evenness["read"], evenness["mean"], evenness["sharpest"]["evenness"]),
    )


def _passage(given: str, real: str) -> Passage:
    """The file's texts are cut between pieces: half a word goes to the text after it, or is left out."""
    kept = _without_last_word(given) if given[-1:].isalnum() and real[:1].isalnum() else given
    rest = (given + real)[len(kept) :]
    return Passage(kept.lstrip(), _without_last_word(rest) if rest[-1:].isalnum() else rest)


def _without_last_word(text: str) -> str:
    """As it is if it has but one word."""
    return text.rstrip().rpartition(" ")[0].rstrip() or text


def _score(stored: Mapping[str, Any], name: str) -> Score:
    return Score(stored[name], *stored["interval"])
