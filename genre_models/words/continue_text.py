"""A run of English prose to the run that follows it, one piece at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from genre_models.sampling import Sampling, Step
from genre_models.words.asking import MOST_PIECES, read, warnings
from genre_models.words.looking import Looks, look
from genre_models.words.model import TextTransformer
from genre_models.words.vocabulary import END, HALF_A_LETTER, START, Cut

DEFAULT_SAMPLING = Sampling(temperature=0.8, top_p=0.9)
SHOWN = 5
"""Likeliest pieces that a step tells."""


@dataclass(frozen=True)
class NextPiece:
    """A piece that was written: its letters, which are none where a letter is not whole yet.

    `text` is all that was written so far; `probability` the model's own of this piece, before temperature,
    top-k and top-p; `likeliest` its five likeliest pieces with their probabilities.
    """

    piece: str
    text: str
    probability: float
    likeliest: tuple[tuple[str, float], ...]


class Continuation:
    """A text that is being carried on: iterate over it for its pieces, look at it at any time.

    `source` is what the encoder read: the last pieces of the text, as many as it reads.
    """

    def __init__(self, model: TextTransformer, text: str, length: int, sampling: Sampling) -> None:
        if not 1 <= length <= MOST_PIECES:
            raise ValueError(f"length is 1 to {MOST_PIECES} pieces, not {length}")
        ids = read(model.vocabulary, text)
        self.model, self.length, self.sampling = model, length, sampling
        self.source: Cut = model.vocabulary.cut(ids[-MOST_PIECES:])
        self.ids: list[int] = []
        self.warnings: tuple[str, ...] = tuple(warnings(self.source, model.seen))
        if len(ids) > MOST_PIECES:
            self.warnings += (f"The model reads the last {MOST_PIECES} of these {len(ids)} pieces only.",)

    def __iter__(self) -> Iterator[NextPiece]:
        """Write on to the end, or to where the model ends it; a second iteration writes the same again."""
        self.ids = []
        source, prefix = torch.tensor([self.source.ids]), torch.tensor([[START]])
        steps = self.model.generate(
            source, prefix, self.length, self.sampling, stop=END, allowed=self._allowed
        )
        for step in steps:
            if step.finished[0]:
                return
            yield self._written(step)

    def _allowed(self, _: Tensor) -> Tensor:
        """At the beginning, what does not make another word of the last one that was typed."""
        within = not self.ids and self.source.text[-1:].isalnum()
        first = self.model.vocabulary.between_words
        return torch.from_numpy(first if within else np.ones_like(first))[None]

    def _written(self, step: Step) -> NextPiece:
        before, token = self.text, int(step.tokens[0])
        self.ids.append(token)
        probabilities, likeliest = step.probabilities[0].topk(min(SHOWN, step.probabilities.shape[1]))
        named = [self.model.vocabulary.decode([one]) for one in likeliest.tolist()]
        return NextPiece(
            piece=self.text[len(before) :],
            text=self.text,
            probability=float(step.probabilities[0, token]),
            likeliest=tuple(zip(named, probabilities.tolist(), strict=True)),
        )

    @property
    def text(self) -> str:
        """What was written so far, in whole letters."""
        return self.model.vocabulary.decode(self.ids).rstrip(HALF_A_LETTER)

    @property
    def target(self) -> Cut:
        """What was written so far, in pieces and words."""
        return self.model.vocabulary.cut(self.ids)

    def looks(self) -> Looks | None:
        """What the model looked at for what was written so far; None before the first piece."""
        return look(self.model, self.source, self.target) if self.ids else None


def continue_text(
    model: TextTransformer, text: str, length: int = 40, sampling: Sampling = DEFAULT_SAMPLING
) -> Continuation:
    """Carry a text on by `length` pieces at most; its last word is taken for a whole one.

    Raises `WordsError` for text that is empty or endless, ValueError for a length that is not 1 to 64.
    """
    return Continuation(model, text, length, sampling)
