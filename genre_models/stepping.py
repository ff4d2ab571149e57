"""The next token of one target when a single one is new: what generation spends its time on.

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
    """Foretells one token after another, from the end of a prefix on.

    `caches` hold what the layers keep of the prefix, `length` tokens, and of the source: one row without PAD.
    """

    def __init__(self, parts: Parts, caches: Sequence[DecoderCache], length: int) -> None:
        self._embedding = _array(parts.embedding.weight)
        self._scale = np.float32(parts.scale)
        self._positions = parts.positions
        self._table = np.empty((0, self._embedding.shape[1]), np.float32)
        pairs = zip(parts.layers, caches, strict=True)
        self._layers = [_Layer(layer, cache) for layer, cache in pairs if isinstance(layer, DecoderLayer)]
        self._head = _Linear(parts.head)
        self._length = length

    def __call__(self, tokens: Tensor) -> Tensor:
        """The next token (1,) -> logits (1, vocab) of the one after it."""
        if self._length >= len(self._table):
            room = 2 * self._length
            self._table = self._positions(torch.arange(room), room).numpy()
        x = self._embedding[int(tokens)] * self._scale
        x += self._table[self._length]  # (d_model,)
        self._length += 1
        for layer in self._layers:
            x = layer(x)
        return torch.from_numpy(self._head(x)[None])


class _Layer:
    def __init__(self, layer: DecoderLayer, cache: DecoderCache) -> None:
        if cache.past is None or cache.memory_keys_values is None:
            raise ValueError("there is no prefix to carry on")
        attention, cross = layer.attention, layer.cross_attention
        self._past = _Seen(attention, cache.past.keys, cache.past.values)
        self._memory = _Seen(cross, *cache.memory_keys_values)
        self._q_k_v = _Linear(attention.w_q, attention.w_k, attention.w_v)
        self._parts = attention.w_q.out_features, attention.w_q.out_features + attention.w_k.out_features
        self._cross_q = _Linear(cross.w_q)
        self._norm_attention = _Norm(layer.norm_attention)
        self._norm_cross_attention = _Norm(layer.norm_cross_attention)
        self._norm_feed_forward = _Norm(layer.norm_feed_forward)
        self._widen, self._narrow = (
            _Linear(part) for part in layer.feed_forward if isinstance(part, nn.Linear)
        )

    def __call__(self, x: Array) -> Array:
        q_k_v = self._q_k_v(x)
        to_k, to_v = self._parts
        self._past.append(q_k_v[to_k:to_v], q_k_v[to_v:])
        x = self._norm_attention(x + self._past.attend(q_k_v[:to_k]))
        x = self._norm_cross_attention(x + self._memory.attend(self._cross_q(x)))
        hidden = self._widen(x)
        return self._norm_feed_forward(x + self._narrow(np.maximum(hidden, 0, out=hidden)))


class _Linear:
    """Linear layers side by side, with a copy of their weights in the order of reading."""

    def __init__(self, *layers: nn.Linear) -> None:
        self._weight = _array(torch.cat([layer.weight for layer in layers]).T.contiguous())  # (in, out)
        self._bias = _array(torch.cat([layer.bias for layer in layers]))

    def __call__(self, x: Array) -> Array:
        y: Array = x.dot(self._weight)
        y += self._bias
        return y


class _Norm:
    """`nn.LayerNorm`."""

    def __init__(self, layer: nn.LayerNorm) -> None:
        self._weight, self._bias = _array(layer.weight), _array(layer.bias)
        self._mean = np.full(len(self._weight), 1 / len(self._weight), np.float32)
        self._epsilon = layer.eps

    def __call__(self, x: Array) -> Array:
        x = x - x.dot(self._mean)
        variance = float(x.dot(x)) / len(x)
        x *= np.float32(1 / math.sqrt(variance + self._epsilon))
        x *= self._weight
        x += self._bias
        return x


class _Seen:
    """Keys and values that one position after another looks at, and the way back to d_model."""

    def __init__(self, attention: MultiHeadAttention, keys: Tensor, values: Tensor) -> None:
        self._heads, self._scale = attention.heads, np.float32(attention.d_k**-0.5)
        self._o = _Linear(attention.w_o)
        self._length = keys.shape[2]
        scaled = self._scale * keys[0].numpy()
        self._keys = np.ascontiguousarray(scaled.swapaxes(1, 2))  # (heads, d_k, room)
        ones = np.ones((*values.shape[1:3], 1), np.float32)  # their sum is that of the weights
        self._values = np.concatenate([values[0].numpy(), ones], axis=2)  # (heads, room, d_v + 1)

    def append(self, keys: Array, values: Array) -> None:
        """Those of one position, (heads * d_k,) and (heads * d_v,)."""
        if self._length == self._keys.shape[2]:  # twice the room: appending costs the same at any length
            self._keys = np.concatenate([self._keys, self._keys], axis=2)
            self._values = np.concatenate([self._values, self._values], axis=1)
        self._keys[:, :, self._length] = self._scale * keys.reshape(self._heads, -1)
        self._values[:, self._length, :-1] = values.reshape(self._heads, -1)
        self._length += 1

    def attend(self, q: Array) -> Array:
        """Queries (heads * d_k,) -> (d_model,)."""
        scores = q.reshape(self._heads, 1, -1) @ self._keys[:, :, : self._length]  # (heads, 1, keys)
        scores -= np.maximum.reduce(scores, axis=2, keepdims=True)
        z = np.exp(scores, out=scores) @ self._values[:, : self._length]  # (heads, 1, d_v + 1)
        return self._o((z[:, 0, :-1] / z[:, 0, -1:]).reshape(-1))


def _array(parameter: Tensor) -> Array:
    array: Array = parameter.detach().numpy()
    return array
