"""A phrase to its translation: the likeliest few, and what the model looked at for the best of them."""

import math
from dataclasses import dataclass
from functools import cached_property

import torch

from genre_models.beam import Beams, Hypothesis, beam_search
from genre_models.words.asking import MOST_PIECES, WordsError, read, warnings
from genre_models.words.looking import Looks, look
from genre_models.words.model import TranslationTransformer
from genre_models.words.vocabulary import END, START, Cut

DEFAULT_BEAMS = Beams(width=4, max_tokens=MOST_PIECES, alpha=1.8)
"""The length penalty had the best chrF on validation phrases (`train.py translate`)."""


@dataclass(frozen=True)
class Candidate:
    """A translation; `probability` is the model's own of this very text, and by `score` they are sorted.

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


@dataclass(frozen=True)
class Translation:
    """A phrase as the model read it, and what came out, the best first; at least one."""

    model: TranslationTransformer
    source: Cut
    candidates: tuple[Candidate, ...]
    warnings: tuple[str, ...]

    @property
    def best(self) -> Candidate:
        """The one with the highest score."""
        return self.candidates[0]

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
    candidates = tuple(_candidate(model, one) for one in found)
    cut_off = [] if candidates[0].ended else ["The model came to no end: the translation is cut off."]
    return Translation(model, source, candidates, (*warnings(source, model.seen), *cut_off))


def translate_ids(
    model: TranslationTransformer, sources: list[tuple[int, ...]], beams: Beams = DEFAULT_BEAMS
) -> list[list[Hypothesis]]:
    """A batch of sources as ids, none of them empty."""
    longest = max(map(len, sources))
    padded = torch.tensor([[*ids, *[model.pad] * (longest - len(ids))] for ids in sources])
    return beam_search(model, padded, START, END, beams)


def _candidate(model: TranslationTransformer, found: Hypothesis) -> Candidate:
    written = model.vocabulary.cut([token for token in found.tokens if token != START])
    return Candidate(written, math.exp(found.log_probability), found.score, found.ended)
