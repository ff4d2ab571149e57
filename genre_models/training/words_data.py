"""Words as training examples: whole source and whole target sentence; or a run of text and the run after it.

This and `melody_data` are all that tells the three uses of the Transformer apart.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from genre_models.training.batching import Batch, Example, in_order, shuffled
from genre_models.training.words_pairs import Pair
from genre_models.words.vocabulary import END, PAD, START, Vocabulary

SHORTEST_RUN = 2
"""Tokens that encoder and decoder get of a text, at least."""
SENTENCE_STEP = 4
"""Tokens by which the translations in a batch differ at most, as a rule."""


class Sentences:
    """Translation: the encoder gets the whole source sentence, the decoder the whole target sentence."""

    def __init__(self, pairs: Sequence[Pair], vocabulary: Vocabulary, max_tokens: int) -> None:
        encoded = zip(*(vocabulary.encode_all(side) for side in zip(*pairs, strict=True)), strict=True)
        self.examples: list[Example] = [
            (np.array(source), np.array([START, *target, END]))
            for source, target in encoded
            if max(len(source), len(target)) <= max_tokens
        ]

    def batches(self, batch_size: int, rng: np.random.Generator) -> Iterator[Batch]:
        """Every pair, in random order."""
        return shuffled(self.examples, batch_size, PAD, rng, SENTENCE_STEP)

    def held_out(self, batch_size: int) -> Iterator[Batch]:
        """Every pair."""
        return in_order(self.examples, batch_size, PAD, SENTENCE_STEP)


class Runs:
    """Text: the encoder gets a run, the decoder the run that follows it.

    In training runs of any length are drawn from all over the text, other ones in every pass. Of what is held
    out all is foretold, token by token.
    """

    def __init__(self, stretches: Sequence[str], vocabulary: Vocabulary, max_tokens: int) -> None:
        self.stretches = [np.array(ids) for ids in vocabulary.encode_all(stretches)]
        self.max_tokens = max_tokens

    def batches(self, batch_size: int, rng: np.random.Generator) -> Iterator[Batch]:
        """Short and long sources, as a person may type few words or many, and short and long targets.

        Short targets are there because it is at their beginning that a source tells most.
        """
        step = 2 * self.max_tokens
        examples = [
            self._example(ids, cut, *rng.integers(SHORTEST_RUN, self.max_tokens + 1, size=2).tolist())
            for ids in self.stretches
            for cut in range(int(rng.integers(SHORTEST_RUN, step)), len(ids), step)
        ]
        return shuffled(examples, batch_size, PAD, rng)

    def held_out(self, batch_size: int) -> Iterator[Batch]:
        """Always the same examples, with the longest sources."""
        examples = [
            self._example(ids, cut, self.max_tokens, self.max_tokens)
            for ids in self.stretches
            for cut in range(self.max_tokens, len(ids), self.max_tokens)
        ]
        return in_order(examples, batch_size, PAD)

    def _example(self, ids: np.ndarray, cut: int, given: int, told: int) -> Example:
        return ids[max(0, cut - given) : cut], np.append(START, ids[cut : cut + told])
