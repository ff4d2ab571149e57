"""Examples of source and target ids -> padded batches of like length; what the ids stand for is no matter."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

LENGTH_STEP = 32
"""Tokens by which the targets in a batch differ at most, as a rule."""

Example = tuple[np.ndarray, np.ndarray]
"""Token ids of source (s,) and target (t,)."""
Batch = tuple[Tensor, Tensor]
"""Source (batch, s) and target (batch, t), int64, padded at the end."""


def in_order(
    examples: Sequence[Example], batch_size: int, pad: int, step: int = LENGTH_STEP
) -> Iterator[Batch]:
    """The shortest first."""
    return (_padded(batch, pad) for batch in _grouped(examples, batch_size, step))


def shuffled(
    examples: Sequence[Example],
    batch_size: int,
    pad: int,
    rng: np.random.Generator,
    step: int = LENGTH_STEP,
) -> Iterator[Batch]:
    """Examples of like length share a batch; which ones, and the order of the batches, is chance."""
    mixed = [examples[i] for i in rng.permutation(len(examples))]
    batches = _grouped(mixed, batch_size, step)
    return (_padded(batches[i], pad) for i in rng.permutation(len(batches)))


def _grouped(examples: Sequence[Example], batch_size: int, step: int) -> list[list[Example]]:
    alike = sorted(examples, key=lambda example: (len(example[1]) // step, len(example[0])))
    return [alike[i : i + batch_size] for i in range(0, len(alike), batch_size)]


def _padded(examples: Sequence[Example], pad: int) -> Batch:
    sources, targets = (
        pad_sequence([torch.from_numpy(ids) for ids in side], batch_first=True, padding_value=pad)
        for side in zip(*examples, strict=True)
    )
    return sources, targets
