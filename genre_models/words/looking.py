"""Attention between words: that between pieces, put together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from genre_models.words.model import WordsTransformer
from genre_models.words.vocabulary import START, Cut, Word


@dataclass(frozen=True)
class Maps:
    """Weights of all layers, float32; each row sums to 1.

    A row of `decoder` and `cross` is what the model looked at when it foretold that entry of the target; the
    first column of `decoder` is the start token.
    """

    encoder: np.ndarray  # (layers, heads, source, source)
    decoder: np.ndarray  # (layers, heads, target, 1 + target)
    cross: np.ndarray  # (layers, heads, target, source)


@dataclass(frozen=True)
class Looks:
    """Attention from piece to piece, and from word to word.

    The attention to a word is the sum of that to its pieces; the attention of a word is the mean of that of
    its pieces.
    """

    pieces: Maps
    words: Maps


@torch.inference_mode()
def look(model: WordsTransformer, source: Cut, target: Cut) -> Looks:
    """What the model looks at when it is given a source and foretells a target, piece after piece.

    Source and target have at least one piece.
    """
    _, attention = model(
        torch.tensor([source.ids]), torch.tensor([[START, *target.ids[:-1]]]), return_attention=True
    )
    decoder = _stacked(attention.decoder)  # (layers, heads, target, target), keys from START on
    unseen = np.zeros_like(decoder[..., :1])  # the last piece, which nothing after it looks at
    pieces = Maps(
        _stacked(attention.encoder), np.concatenate([decoder, unseen], axis=-1), _stacked(attention.cross)
    )
    start = [Word("", 0, 1)]
    shifted = [*start, *(Word(word.text, word.first + 1, word.last + 1) for word in target.words)]
    words = Maps(
        merge(pieces.encoder, source.words, source.words),
        merge(pieces.decoder, target.words, shifted),
        merge(pieces.cross, target.words, source.words),
    )
    return Looks(pieces, words)


def _stacked(layers: Sequence[Tensor]) -> np.ndarray:
    return torch.stack([layer[0] for layer in layers]).numpy()


def merge(weights: np.ndarray, queries: Sequence[Word], keys: Sequence[Word]) -> np.ndarray:
    """Weights (..., query pieces, key pieces) -> (..., query words, key words).

    Sums over the pieces of a key, means over those of a query: rows that sum to 1 still do.
    """
    summed = np.add.reduceat(weights, [word.first for word in keys], axis=-1)
    total = np.add.reduceat(summed, [word.first for word in queries], axis=-2)
    return total / np.array([word.last - word.first for word in queries])[:, None]
