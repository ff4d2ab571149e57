"""The next token of one target when one or two are new: what generation spends its time on.

Such a step is some hundred operations on a few hundred numbers, and PyTorch takes longer to get to most of
them than to work them out; NumPy takes a quarter of that. The arithmetic is that of `attention.DecoderLayer`
without dropout, in float32 on a processor.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genre_models.attention import DecoderCache, DecoderLayer, MultiHeadAttention, SinusoidalPositions

Array = NDArray[np.float32]
ROOM = 64  # positions at first


@dataclass(frozen=True)
class Parts:
    """What foretells the next token of a target."""

    embedding: nn.Embedding
    scale: float  # of the embedding
    positions: SinusoidalPositions
    layers: Iterable[nn.Module]
    head: nn.Linear

    @property
    def can_step(self) -> bool:
        """Whether a `Stepper` can stand in for them."""
        layers = list(self.layers)
        weights = [weight for part in (self.embedding, self.head, *layers) for weight in part.parameters()]
        plain = all(weight.device.type == "cpu" and weight.dtype == torch.float32 for weight in weights)
        return plain and all(type(layer) is DecoderLayer for layer in layers)


class Stepper:
    """Foretells one token after another; `caches` hold what the layers keep of the source, without PAD."""

    def __init__(self, parts: Parts, caches: Sequence[DecoderCache]) -> None:
        self._embedding = _array(parts.embedding.weight)
        self._scale = np.float32(parts.scale)
        self._positions = parts.positions
        self._table = np.empty((0, self._embedding.shape[1]), np.float32)
        pairs = zip(parts.layers, caches, strict=True)
        self._layers = [_Layer(layer, cache) for layer, cache in pairs if isinstance(layer, DecoderLayer)]
        self._head = _Linear(parts.head)
        self._length = 0

    def __call__(self, tokens: Sequence[int]) -> Tensor:
        """The next tokens -> logits (tokens, vocab) of those after each; two take little more than one."""
        start, self._length = self._length, self._length + len(tokens)
        if self._length > len(self._table):
            room = 2 * self._length
            self._table = self._positions(torch.arange(room), room).numpy()
        if len(tokens) == 1:  # NumPy takes less time to get to a vector than to a matrix of one row
            x = self._embedding[tokens[0]] * self._scale  # (d_model,)
            x += self._table[start]
        else:
            x = self._embedding[tokens] * self._scale  # (tokens, d_model)
            x += self._table[start : self._length]
        for layer in self._layers:
            x = layer(x)
        return torch.from_numpy(np.atleast_2d(self._head(x)))


class _Layer:
    """A vector (d_model,) of one position, or the rows (positions, d_model) of several, to the same."""

    def __init__(self, layer: DecoderLayer, cache: DecoderCache) -> None:
        attention, cross = layer.attention, layer.cross_attention
        self._past = _Seen(attention)
        kept = cache.memory_keys_values or cross.keys_values(cache.memory)
        keys, values = (_array(part[0]) for part in kept)  # (heads, source, d_k or d_v)
        self._memory = _Seen(cross, room=keys.shape[1])
        self._memory.append(keys, values)
        self._q_k_v = _Linear(attention.w_q, attention.w_k, attention.w_v, first_times=attention.d_k**-0.5)
        self._parts = attention.w_q.out_features, attention.w_q.out_features + attention.w_k.out_features
        self._cross_q = _Linear(cross.w_q, first_times=cross.d_k**-0.5)
        self._norm_attention = _Norm(layer.norm_attention)
        self._norm_cross_attention = _Norm(layer.norm_cross_attention)
        self._norm_feed_forward = _Norm(layer.norm_feed_forward)
        self._widen, self._narrow = (
            _Linear(part) for part in layer.feed_forward if isinstance(part, nn.Linear)
        )

    def __call__(self, x: Array) -> Array:
        q_k_v = self._q_k_v(x)
        to_k, to_v = self._parts
        past = self._past
        past.append(past.by_head(q_k_v[..., to_k:to_v]), past.by_head(q_k_v[..., to_v:]))
        x = self._norm_attention(x + past.attend(q_k_v[..., :to_k], looks_back=True))
        x = self._norm_cross_attention(x + self._memory.attend(self._cross_q(x)))
        hidden = self._widen(x)
        return self._norm_feed_forward(x + self._narrow(np.maximum(hidden, 0, out=hidden)))


class _Linear:
    """Linear layers side by side, with a copy of their weights in the order of reading.

    What the first of them gives is multiplied by `first_times`.
    """

    def __init__(self, *layers: nn.Linear, first_times: float = 1.0) -> None:
        together = torch.cat([layer.weight for layer in layers]) if len(layers) > 1 else layers[0].weight
        self._weight = _array(together.T.clone(memory_format=torch.contiguous_format))  # (in, out)
        self._bias = _array(torch.cat([layer.bias for layer in layers]))
        if first_times != 1:
            self._weight[:, : layers[0].out_features] *= first_times
            self._bias[: layers[0].out_features] *= first_times

    def __call__(self, x: Array) -> Array:
        y: Array = x.dot(self._weight)
        y += self._bias
        return y


class _Norm:
    """`nn.LayerNorm`."""

    def __init__(self, layer: nn.LayerNorm) -> None:
        self._weight, self._bias = _array(layer.weight), _array(layer.bias)
        self._share = 1 / len(self._weight)
        self._mean = np.full(len(self._weight), self._share, np.float32)
        self._epsilon = layer.eps

    def __call__(self, x: Array) -> Array:
        """In place."""
        for row in (x,) if x.ndim == 1 else x:
            self._standardise(row)
        x *= self._weight
        x += self._bias
        return x

    def _standardise(self, row: Array) -> None:
        row -= row.dot(self._mean)
        row *= np.float32(1 / math.sqrt(float(row.dot(row)) * self._share + self._epsilon))


class _Seen:
    """Keys and values that one position after another looks at, and the way back to d_model."""

    def __init__(self, attention: MultiHeadAttention, room: int = ROOM) -> None:
        self._heads = attention.heads
        self._o = _Linear(attention.w_o)
        self._length = 0
        d_v = attention.w_v.out_features // attention.heads
        self._keys = np.empty((attention.heads, attention.d_k, room), np.float32)
        # The last column stays 1: what comes of it is the sum of the weights.
        self._values = np.ones((attention.heads, room, d_v + 1), np.float32)

    def append(self, keys: Array, values: Array) -> None:
        """Those of the next positions, (heads, positions, d_k) and (heads, positions, d_v)."""
        start, self._length = self._length, self._length + keys.shape[1]
        while self._length > self._keys.shape[2]:  # twice the room: appending costs the same at any length
            self._keys = np.concatenate([self._keys, self._keys], axis=2)
            self._values = np.concatenate([self._values, self._values], axis=1)
        self._keys[:, :, start : self._length] = keys.swapaxes(1, 2)
        self._values[:, start : self._length, :-1] = values

    def by_head(self, parts: Array) -> Array:
        """(positions, heads * d) -> (heads, positions, d); (heads * d,) of one position."""
        if parts.ndim == 1:
            return parts.reshape(self._heads, 1, -1)
        return parts.reshape(len(parts), self._heads, -1).swapaxes(0, 1)

    def attend(self, q: Array, looks_back: bool = False) -> Array:
        """Queries (n, heads * d_k), divided by root d_k -> (n, d_model), or one of each without n.

        Those that look back are of the last n positions.
        """
        scores = self.by_head(q) @ self._keys[:, :, : self._length]  # (heads, n, keys)
        if looks_back and q.ndim > 1:
            for row in range(len(q) - 1):
                scores[:, row, row + 1 - len(q) :] = -np.inf
        scores -= np.maximum.reduce(scores, axis=2, keepdims=True)
        z = np.exp(scores, out=scores) @ self._values[:, : self._length]  # (heads, n, d_v + 1)
        mixed = z[:, :, :-1] / z[:, :, -1:]
        return self._o(mixed.reshape(-1) if q.ndim == 1 else mixed.swapaxes(0, 1).reshape(len(q), -1))


def _array(parameter: Tensor) -> Array:
    array: Array = parameter.detach().numpy()
    return array
