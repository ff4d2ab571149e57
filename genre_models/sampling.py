"""How the next token is chosen from a model's logits: temperature, top-k, top-p, and what is allowed."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from genre_models.attention import Attention

Allowed = Callable[[Tensor], Tensor]
"""The target so far, ids (batch, t) -> which tokens may come next, bool (batch, target_vocab)."""


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
        if self.temperature == 0:
            return F.one_hot(logits.argmax(dim=-1), logits.shape[-1]).to(logits)
        highest = logits.amax(dim=-1, keepdim=True)  # that no temperature is too small to divide by
        probabilities = ((logits - highest) / self.temperature).softmax(dim=-1)
        if self.top_k is None and self.top_p == 1:
            return probabilities
        ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)
        if self.top_k is not None:
            ordered[:, self.top_k :] = 0
        if self.top_p < 1:
            likelier = F.pad(ordered.cumsum(dim=-1)[:, :-1], (1, 0))  # (batch, vocab), the mass of all before
            enough = self.top_p * ordered.sum(dim=-1, keepdim=True)
            ordered = ordered.masked_fill(likelier >= enough, 0)
        ordered = ordered / ordered.sum(dim=-1, keepdim=True)
        return torch.zeros_like(ordered).scatter(-1, order, ordered)


@dataclass(frozen=True)
class Step:
    """One token more in each row of a batch; PAD where the row had ended before, with no meaning in the rest.

    `attention`, if asked for, is that of the positions just read: of the whole prefix at the first step, then
    of the token before this one; its last query is what foretold this token. All are inference tensors: clone
    one to change it.
    """

    tokens: Tensor  # (batch,)
    probabilities: Tensor  # (batch, target_vocab), the model's own, of every token but PAD
    sampled_from: Tensor  # (batch, target_vocab), of what is allowed after temperature, top-k and top-p
    finished: Tensor  # (batch,), True from the row's stop token on
    attention: Attention | None


class Rows:
    """The targets of a batch, growing by a token a step."""

    def __init__(
        self, prefix: Tensor, pad: int, sampling: Sampling, stop: int | None, allowed: Allowed | None
    ) -> None:
        self.tokens = prefix.cpu()  # (batch, t)
        self.pad, self.sampling, self.stop, self.allowed = pad, sampling, stop, allowed
        self.generators = sampling.generators(len(prefix))
        self.finished = torch.zeros(len(prefix), dtype=torch.bool)

    def extend(self, logits: Tensor, attention: Attention | None) -> Step:
        """Choose by the logits (batch, target_vocab) of what comes next."""
        logits = logits.cpu().double()
        logits[:, self.pad] = -math.inf
        distribution = self.sampling.distribution(self._permitted(logits))
        draws = zip(distribution, self.generators, self.finished.tolist(), strict=True)
        tokens = torch.tensor(
            [
                self.pad if finished else int(torch.multinomial(row, 1, generator=generator))
                for row, generator, finished in draws
            ]
        )
        if self.stop is not None:
            self.finished = self.finished | (tokens == self.stop)
        if self.allowed is not None:
            self.tokens = torch.cat([self.tokens, tokens[:, None]], dim=1)
        return Step(tokens, logits.softmax(dim=-1), distribution, self.finished, attention)

    def _permitted(self, logits: Tensor) -> Tensor:
        if self.allowed is None:
            return logits
        permitted = self.allowed(self.tokens).cpu() | self.finished[:, None]  # (batch, target_vocab)
        logits = logits.masked_fill(~permitted, -math.inf)
        stuck = logits.isneginf().all(dim=-1)
        if stuck.any():
            raise ValueError(f"no token is allowed next in row {int(stuck.nonzero()[0])}")
        return logits
