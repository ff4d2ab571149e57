"""How the next token is chosen from a model's logits: temperature, top-k, top-p, and what is allowed."""

import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genre_models.attention import Attention

Floats = NDArray[np.float64]
COLDEST = 1e-290
"""A temperature that any logit can be divided by without overflow."""
HOTTEST = 2
"""The highest temperature that may be asked for; above it all tokens are nearly alike."""
MOST_SEED = 2**53 - 1
"""The largest whole number that JSON keeps exact in every program."""
RANDOM = -1
"""Stands for a seed that is to be drawn, where a field cannot be empty."""
RANDOM_SEEDS = 1_000_000
"""Random seeds are below, short enough to be written down."""

Allowed = Callable[[Tensor], Tensor]
"""The target so far, ids (batch, t) -> which tokens may come next, bool (batch, target_vocab)."""


def used_seed(asked: int | None) -> int:
    """What was asked for, or a random one for None and `RANDOM`. Raises ValueError with a sentence."""
    seed = secrets.randbelow(RANDOM_SEEDS) if asked is None or asked < 0 else asked
    if seed > MOST_SEED:
        raise ValueError(f"The seed is a whole number up to {MOST_SEED:,}, not {seed:,}.")
    return seed


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn: with `temperature`, from the `top_k` likeliest, of these from the nucleus.

    The nucleus is the smallest set of the likeliest tokens whose probability reaches `top_p` (Holtzman et al.
    2020). Temperature 0 takes the likeliest. Row i of a batch draws with a generator of its own, seeded with
    `seed` + i: it is what `seed` + i gives alone.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise ValueError(f"temperature is 0 or more, not {self.temperature}")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k is 1 or more, not {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is over 0 and at most 1, not {self.top_p}")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed is a whole number from 0 to 2^63 - 1, not {self.seed}")

    def generators(self, batch: int) -> list[torch.Generator]:
        """One for each row."""
        return [torch.Generator().manual_seed(self.seed + row) for row in range(batch)]

    def distribution(self, logits: Tensor) -> Tensor:
        """Logits (batch, vocab) -> the probabilities that are drawn from, 0 for what is left out."""
        exact: Floats = logits.numpy(force=True).astype(np.float64)
        return torch.from_numpy(self.shares(exact)).to(logits.dtype)

    def shares(self, logits: Floats) -> Floats:
        """The same in NumPy, which gets sooner to so few numbers."""
        if self.temperature == 0:
            likeliest = logits.argmax(axis=1)[:, None]
            return (np.arange(logits.shape[1]) == likeliest).astype(np.float64)
        masses = _masses(logits, max(self.temperature, COLDEST))
        if self.top_k is not None or self.top_p < 1:
            masses *= self._kept(masses)
        masses /= np.add.reduce(masses, axis=1, keepdims=True)
        return masses

    def _kept(self, masses: Floats) -> NDArray[np.bool_]:
        """Which of masses (batch, vocab) are among the top-k and in the nucleus; of equal ones the first."""
        ordered = np.sort(masses, axis=1)[:, ::-1][:, : self.top_k]
        sizes = np.full(len(masses), ordered.shape[1])
        if self.top_p < 1:
            reached = np.add.accumulate(ordered, axis=1)
            sizes = 1 + np.add.reduce(reached[:, :-1] < self.top_p * reached[:, -1:], axis=1)
        least = ordered[np.arange(len(masses)), sizes - 1, None]  # (batch, 1)
        kept = masses >= least
        if np.count_nonzero(kept) > np.add.reduce(sizes):
            equal = masses == least
            room = sizes - np.add.reduce(masses > least, axis=1)
            kept &= ~equal | (np.add.accumulate(equal, axis=1, dtype=np.int64) <= room[:, None])
        return kept


def _masses(logits: Floats, temperature: float) -> Floats:
    """exp(logits / temperature), (batch, vocab), but for a factor that makes the largest of a row 1."""
    masses = logits - np.maximum.reduce(logits, axis=1, keepdims=True)
    masses /= temperature
    return np.exp(masses, out=masses)


@dataclass(frozen=True)
class Step:
    """One token more in each row of a batch; PAD where the row had ended before, with no meaning in the rest.

    `attention`, if asked for, is that of the positions just read: of the whole prefix at the first step, then
    of the token before this one; its last query is what foretold this token. All are inference tensors: clone
    one to change it.
    """

    tokens: Tensor  # (batch,)
    logits: Tensor  # (batch, target_vocab), the model's own, minus infinity for PAD
    sampled_from: Tensor  # (batch, target_vocab), of what is allowed after temperature, top-k and top-p
    finished: Tensor  # (batch,), True from the row's stop token on
    attention: Attention | None

    @cached_property
    def probabilities(self) -> Tensor:
        """The model's own, of every token but PAD, (batch, target_vocab)."""
        return self.logits.softmax(dim=-1)


class Rows:
    """The targets of a batch, growing by a token a step."""

    def __init__(
        self, prefix: Tensor, pad: int, sampling: Sampling, stop: int | None, allowed: Allowed | None
    ) -> None:
        self.pad, self.sampling, self.stop, self.allowed = pad, sampling, stop, allowed
        self.generators = sampling.generators(len(prefix))
        self.finished = np.zeros(len(prefix), dtype=bool)
        self._tokens = prefix.numpy(force=True).copy()  # (batch, room)
        self._length = prefix.shape[1]
        self._clocks = torch.empty(0, dtype=torch.float64)
        self._asked: tuple[NDArray[np.bool_], NDArray[np.int64]] | None = None

    def only_one(self) -> int | None:
        """The next token of the first row, if no other is allowed."""
        if self.allowed is None:
            return None
        permitted, choices = self._next_permitted(self.allowed)
        return int(permitted[0].argmax()) if choices[0] == 1 else None

    def extend(self, logits: Tensor, attention: Attention | None) -> Step:
        """Choose by the logits (batch, target_vocab) of what comes next."""
        scores: Floats = logits.numpy(force=True).astype(np.float64)
        scores[:, self.pad] = -np.inf
        shares = (
            self.sampling.shares(scores)
            if self.allowed is None
            else self._allowed_shares(scores, self.allowed)
        )
        tokens = self._draw(shares)
        self._append(tokens)
        if self.stop is not None:
            self.finished = self.finished | (tokens == self.stop)
        return Step(
            tokens=torch.from_numpy(tokens),
            logits=torch.from_numpy(scores),
            sampled_from=torch.from_numpy(shares),
            finished=torch.from_numpy(self.finished),
            attention=attention,
        )

    def _draw(self, shares: Floats) -> NDArray[np.int64]:
        """A token for each row, (batch,): of exponential clocks, each as fast as it is likely, the first.

        The draws are those of `torch.multinomial` with the same generators.
        """
        tokens = np.full(len(shares), self.pad)
        for row, generator in enumerate(self.generators):
            if not self.finished[row]:
                self._clocks.resize_(shares.shape[1]).exponential_(generator=generator)
                tokens[row] = (shares[row] / self._clocks.numpy()).argmax()
        return tokens

    def _append(self, tokens: NDArray[np.int64]) -> None:
        if self._length == self._tokens.shape[1]:  # twice the room: appending costs the same at any length
            self._tokens = np.concatenate([self._tokens, self._tokens], axis=1)
        self._tokens[:, self._length] = tokens
        self._length += 1
        self._asked = None

    def _allowed_shares(self, scores: Floats, allowed: Allowed) -> Floats:
        permitted, choices = self._next_permitted(allowed)
        if choices.max() == 1:  # as grammar often has it
            return permitted.astype(np.float64)
        return self.sampling.shares(np.where(permitted, scores, -np.inf))

    def _next_permitted(self, allowed: Allowed) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which tokens may come next, (batch, vocab), and how many; `allowed` is asked once for each."""
        if self._asked is None:
            so_far = torch.from_numpy(self._tokens[:, : self._length])
            permitted = allowed(so_far).numpy(force=True) | self.finished[:, None]
            permitted[:, self.pad] = False
            choices = np.add.reduce(permitted, axis=1, dtype=np.int64)
            if not choices.all():
                raise ValueError(f"no token is allowed next in row {int(choices.argmin())}")
            self._asked = permitted, choices
        return self._asked
