"""A phrase to its translation: the likeliest few, and what the model looked at for the best of them."""

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import torch

from genre_models.beam import Beams, Hypothesis, beam_search
from genre_models.words.asking import MOST_PIECES, WordsError, read, unseen, warnings
from genre_models.words.looking import Looks, look
from genre_models.words.model import TranslationTransformer
from genre_models.words.vocabulary import END, START, Cut, plain_words

DEFAULT_BEAMS = Beams(width=4, max_tokens=MOST_PIECES, alpha=1.8)
"""The length penalty had the best chrF on validation phrases (`train.py translate`)."""
SURE_FROM = 0.6
"""Probability per piece from which a translation is called sure, with the weights that come with the app.

It was set on their validation phrases. How well translations turn out on either side of it, on those and on
the test phrases, `train.py translate` measures: "doubt" in `assets/metrics/words.json`.
"""


class Doubt(StrEnum):
    """What speaks against a translation."""

    UNSEEN = "unseen words"
    """Half of the words or more were in no training text."""
    UNLIKELY = "unlikely pieces"
    """The probability per piece is below `SURE_FROM`."""


@dataclass(frozen=True)
class Candidate:
    """A translation; `probability` is the model's own of these very pieces, and by `score` they are sorted.

    `ended` is false where the model had not come to an end after the most pieces.
    """

    cut: Cut
    probability: float
    score: float
    ended: bool

    @property
    def text(self) -> str:
        """As it is read."""
        return self.cut.text.strip()

    @property
    def per_piece(self) -> float:
        """The geometric mean of the probabilities of its pieces, and of its end if it came to one."""
        return self.probability ** (1 / (len(self.cut.ids) + self.ended))


@dataclass(frozen=True)
class Translation:
    """A phrase as the model read it, and what came out, the best first, no text twice; at least one."""

    model: TranslationTransformer
    source: Cut
    candidates: tuple[Candidate, ...]
    warnings: tuple[str, ...]

    @property
    def best(self) -> Candidate:
        """The one with the highest score."""
        return self.candidates[0]

    @property
    def why_doubted(self) -> Doubt | None:
        """What speaks against the best, the graver first; None where nothing does."""
        words = dict.fromkeys(plain_words(self.source.text))
        if 2 * len(unseen(self.source, self.model.seen)) >= max(1, len(words)):
            return Doubt.UNSEEN
        return Doubt.UNLIKELY if self.best.per_piece < SURE_FROM else None

    @property
    def doubt(self) -> str | None:
        """A sentence on why the best is not to be trusted; None where nothing speaks against it."""
        match self.why_doubted:
            case Doubt.UNSEEN:
                return "Half of the words or more were in no training text."
            case Doubt.UNLIKELY:
                held = math.floor(100 * self.best.per_piece)
                return (
                    f"The model held the pieces of its best translation {held}% likely on average; "
                    f"below {SURE_FROM:.0%} a translation seldom turns out well."
                )
            case None:
                return None

    @cached_property
    def looks(self) -> Looks | None:
        """What the model looked at for the best candidate; None where that has no words."""
        return self.looks_for(self.best)

    def looks_for(self, candidate: Candidate) -> Looks | None:
        """The same for any of the candidates."""
        return look(self.model, self.source, candidate.cut) if candidate.cut.ids else None


def translate(model: TranslationTransformer, text: str, beams: Beams = DEFAULT_BEAMS) -> Translation:
    """By beam search. Raises `WordsError` for text that is empty or longer than the model reads."""
    ids = read(model.vocabulary, text)
    if len(ids) > MOST_PIECES:
        raise WordsError(
            f"This phrase has {len(ids)} pieces, and the model reads at most {MOST_PIECES}: "
            "shorten it, or translate it sentence by sentence."
        )
    source = model.vocabulary.cut(ids)
    found = translate_ids(model, [source.ids], beams)[0]
    candidates = _different([_candidate(model, one) for one in found])
    cut_off = [] if candidates[0].ended else ["The model came to no end: the translation is cut off."]
    return Translation(model, source, candidates, (*warnings(source, model.seen), *cut_off))


def translate_ids(
    model: TranslationTransformer, sources: list[tuple[int, ...]], beams: Beams = DEFAULT_BEAMS
) -> list[list[Hypothesis]]:
    """A batch of sources as ids, none of them empty."""
    longest = max(map(len, sources))
    padded = torch.tensor([[*ids, *[model.pad] * (longest - len(ids))] for ids in sources])
    return beam_search(model, padded, START, END, beams)


def _different(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    """The first of those that read the same: one text can be written in several ways of pieces."""
    by_text: dict[str, Candidate] = {}
    for one in candidates:
        by_text.setdefault(one.text, one)
    return tuple(by_text.values())


def _candidate(model: TranslationTransformer, found: Hypothesis) -> Candidate:
    written = model.vocabulary.cut([token for token in found.tokens if token != START])
    return Candidate(written, math.exp(found.log_probability), found.score, found.ended)
