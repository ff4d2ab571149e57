"""An n-gram over the pieces of prose, what the Transformer that writes it is compared with."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from genre_models.training.ngram import BackOff
from genre_models.words.vocabulary import PAD, START

NOTHING = -1
"""In place of the pieces before the first."""


class PieceNGram:
    """Interpolated Kneser-Ney over `order` pieces in a row; source and target are one text to it."""

    def __init__(
        self, stretches: Sequence[np.ndarray], n_pieces: int, order: int, discount: float = 0.8
    ) -> None:
        self.order = order
        texts = [stretch.tolist() for stretch in stretches]
        seen = ((_context(ids, at, order), ids[at]) for ids in texts for at in range(len(ids)))
        self.counted = BackOff(seen, n_pieces, discount)

    @property
    def discount(self) -> float:
        """What is taken off every count; it may be changed without counting again."""
        return self.counted.discount

    @discount.setter
    def discount(self, value: float) -> None:
        self.counted.discount = value

    def token_losses(self, source: Tensor, target: Tensor) -> Tensor:
        """Nats of each target token after those before it, (batch, t - 1), like the network's; 0 for PAD."""
        losses = torch.zeros(target.shape[0], target.shape[1] - 1)
        for row, (given, tokens) in enumerate(zip(source.tolist(), target.tolist(), strict=True)):
            before = [token for token in given if token != PAD]
            text = [*before, *(token for token in tokens if token not in {PAD, START})]
            for i, at in enumerate(range(len(before), len(text))):
                probability = self.counted.probability(_context(text, at, self.order), text[at])
                losses[row, i] = -float(np.log(probability))
        return losses


def _context(ids: Sequence[int], at: int, order: int) -> tuple[int, ...]:
    """The pieces before place `at`, the last of them first, as the farthest is given up first."""
    return tuple(ids[i] if i >= 0 else NOTHING for i in range(at - 1, at - order, -1))
