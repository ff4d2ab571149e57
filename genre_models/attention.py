"""Positional encoding, multi-head attention, encoder and decoder layers (Vaswani et al. 2017).

A mask is True where a query may look at a key, and broadcasts to (batch, heads, queries, keys).
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def positional_encoding(length: int, d_model: int) -> Tensor:
    """Sinusoidal positions, (length, d_model).

    P[t, 2i] = sin(t / 10000^(2i / d_model)), P[t, 2i + 1] = cos of the same angle
    ("Attention is all you need", section 3.5).
    """
    position = torch.arange(length, dtype=torch.float32).unsqueeze(1)  # (length, 1)
    even = torch.arange(0, d_model, 2, dtype=torch.float32)
    angle = position / 10_000 ** (even / d_model)  # (length, ceil(d_model / 2))
    encoding = torch.empty(length, d_model)
    encoding[:, 0::2] = angle.sin()
    encoding[:, 1::2] = angle.cos()[:, : d_model // 2]
    return encoding


class SinusoidalPositions(nn.Module):
    """`positional_encoding` of any positions; its table grows with the longest sequence seen."""

    table: Tensor

    def __init__(self, d_model: int, length: int = 512) -> None:
        super().__init__()
        self.register_buffer("table", positional_encoding(length, d_model), persistent=False)

    def forward(self, positions: Tensor, length: int) -> Tensor:
        """Positions (...) below `length` -> (..., d_model)."""
        table = self.table  # another thread may replace it meanwhile
        if length > len(table):
            table = positional_encoding(max(length, 2 * len(table)), table.shape[1]).to(table)
            self.table = table
        return F.embedding(positions, table)


def look_ahead_mask(queries: int, keys: int, device: torch.device | None = None) -> Tensor:
    """The past only, (queries, keys): the queries are the last of the keys, and see none after themselves."""
    return torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries)


def padding_mask(key_padding_mask: Tensor) -> Tensor:
    """PAD, True in `key_padding_mask` (batch, keys), is not looked at: a mask (batch, 1, 1, keys)."""
    return ~key_padding_mask[:, None, None, :]


def attention_weights(q: Tensor, k: Tensor, mask: Tensor | None = None) -> Tensor:
    """softmax(Q K^T / sqrt(d_k)), (..., queries, keys), exactly 0 where masked.

    Each row sums to 1, but where all of it is masked to 0.
    """
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if mask is None:
        return scores.softmax(dim=-1)
    lowest = torch.finfo(scores.dtype).min  # minus infinity would make a row of NaN where all is masked
    return scores.masked_fill(~mask, lowest).softmax(dim=-1).masked_fill(~mask, 0.0)


class KeyValueCache:
    """Keys (batch, heads, length, d_k) and values (batch, heads, length, d_v) that need not be made again.

    The room doubles when it is full, so that appending costs the same at any length on average.
    """

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self._keys, self._values = keys, values
        self.length = keys.shape[2]

    @property
    def keys(self) -> Tensor:
        """(batch, heads, length, d_k)."""
        return self._keys[:, :, : self.length]

    @property
    def values(self) -> Tensor:
        """(batch, heads, length, d_v)."""
        return self._values[:, :, : self.length]

    def append(self, keys: Tensor, values: Tensor) -> None:
        """Those of the next positions, (batch, heads, more, d). Not for training: it writes in place."""
        end = self.length + keys.shape[2]
        if end > self._keys.shape[2]:
            self._keys, self._values = self._doubled(self.keys, end), self._doubled(self.values, end)
        self._keys[:, :, self.length : end] = keys
        self._values[:, :, self.length : end] = values
        self.length = end

    def select(self, rows: Tensor) -> "KeyValueCache":
        """Those of the batch's `rows`, ids (n,); any may come several times."""
        return KeyValueCache(self.keys[rows], self.values[rows])

    @staticmethod
    def _doubled(held: Tensor, length: int) -> Tensor:
        room = held.new_empty(*held.shape[:2], 2 * length, held.shape[3])
        room[:, :, : held.shape[2]] = held
        return room


class MultiHeadAttention(nn.Module):
    """Z = softmax(Q K^T / sqrt(d_k)) V per head; the heads side by side, times W_o.

    Queries and keys have width `d_k` per head, values `d_v`; both default to d_model / heads.
    """

    def __init__(self, d_model: int, heads: int, d_k: int | None = None, d_v: int | None = None) -> None:
        super().__init__()
        if (d_k is None or d_v is None) and d_model % heads:
            raise ValueError(f"{heads} heads do not divide d_model = {d_model}: give d_k and d_v")
        self.heads = heads
        self.d_k = d_model // heads if d_k is None else d_k
        self.d_v = d_model // heads if d_v is None else d_v
        self.w_q = nn.Linear(d_model, heads * self.d_k)
        self.w_k = nn.Linear(d_model, heads * self.d_k)
        self.w_v = nn.Linear(d_model, heads * self.d_v)
        self.w_o = nn.Linear(heads * self.d_v, d_model)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (batch, heads, length, d)

    def keys_values(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Of `memory` (batch, keys, d_model): (batch, heads, keys, d_k) and (batch, heads, keys, d_v)."""
        return self._split(self.w_k(memory)), self._split(self.w_v(memory))

    def value_norms(self, memory: Tensor) -> Tensor:
        """Length of what each key would bring to the output, (batch, keys, d_model) -> (batch, heads, keys).

        The norm of f(x) = (x W_v + b_v) W_o, W_o being the head's own share of it. Times the weights it says
        how much of the output each key makes (Kobayashi, Kuribayashi, Yokoi and Inui, "Attention is not only
        a weight: analyzing transformers with vector norms", EMNLP 2020).
        """
        values = self._split(self.w_v(memory))  # (batch, heads, keys, d_v)
        of_head = self.w_o.weight.unflatten(1, (self.heads, self.d_v))  # (d_model, heads, d_v)
        return torch.einsum("bhkv,dhv->bhkd", values, of_head).norm(dim=-1)

    def attend(
        self,
        x: Tensor,
        keys: Tensor,
        values: Tensor,
        return_attention: bool = False,
        mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """As `forward`, with keys and values made before."""
        q = self._split(self.w_q(x))
        weights = None
        if return_attention:
            weights = attention_weights(q, keys, mask)
            z = weights @ values  # (batch, heads, queries, d_v)
        else:
            z = F.scaled_dot_product_attention(q, keys, values, mask)
        return self.w_o(z.transpose(1, 2).flatten(2)), weights  # (batch, queries, d_model)

    def forward(
        self, x: Tensor, memory: Tensor, return_attention: bool = False, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Queries from `x` (batch, queries, d_model), keys and values from `memory` (batch, keys, d_model).

        Returns the output (batch, queries, d_model) and, on request, the weights
        (batch, heads, queries, keys); each row of them sums to 1 and is 0 where masked. A query that may
        look nowhere gets nothing: zeros.
        """
        return self.attend(x, *self.keys_values(memory), return_attention, mask)


class EncoderLayer(nn.Module):
    """Self-attention, add & norm, feed-forward, add & norm."""

    def __init__(
        self,
        d_model: int,
        heads: int,
        d_ff: int,
        d_k: int | None = None,
        d_v: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(d_model, heads, d_k, d_v)
        self.norm_attention = nn.LayerNorm(d_model)
        self.feed_forward = nn.Sequential(nn.Linear(d_model, d_ff), nn.ReLU(), nn.Linear(d_ff, d_model))
        self.norm_feed_forward = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, return_attention: bool = False, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """(batch, length, d_model) -> the same shape, and the attention weights on request."""
        attended, weights = self.attention(x, x, return_attention, mask)
        x = self.norm_attention(x + self.dropout(attended))
        return self.norm_feed_forward(x + self.dropout(self.feed_forward(x))), weights


@dataclass
class DecoderCache:
    """What one decoder layer looks at; its keys and values are made once.

    `memory` is the encoder's output (batch, s, d_model), `past` the target as far as it is known.
    """

    memory: Tensor
    memory_keys_values: tuple[Tensor, Tensor] | None = None
    past: KeyValueCache | None = None

    @property
    def length(self) -> int:
        """Positions of the target so far."""
        return 0 if self.past is None else self.past.length

    def extend(self, keys: Tensor, values: Tensor) -> KeyValueCache:
        """The past with the next positions in it."""
        if self.past is None:
            self.past = KeyValueCache(keys, values)
        else:
            self.past.append(keys, values)
        return self.past

    def select(self, rows: Tensor) -> "DecoderCache":
        """That of the batch's `rows`, ids (n,); any may come several times."""
        made, past = self.memory_keys_values, self.past
        return DecoderCache(
            self.memory[rows], made and (made[0][rows], made[1][rows]), past and past.select(rows)
        )


class DecoderLayer(nn.Module):
    """Masked self-attention, add & norm, cross-attention, add & norm, feed-forward, add & norm."""

    def __init__(
        self,
        d_model: int,
        heads: int,
        d_ff: int,
        d_k: int | None = None,
        d_v: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(d_model, heads, d_k, d_v)
        self.norm_attention = nn.LayerNorm(d_model)
        self.cross_attention = MultiHeadAttention(d_model, heads, d_k, d_v)
        self.norm_cross_attention = nn.LayerNorm(d_model)
        self.feed_forward = nn.Sequential(nn.Linear(d_model, d_ff), nn.ReLU(), nn.Linear(d_ff, d_model))
        self.norm_feed_forward = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        cache: DecoderCache,
        mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        return_attention: bool = False,
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """The next n positions (batch, n, d_model) -> the same shape; the cache grows by them.

        On request also the weights of self-attention (batch, heads, n, positions so far) and of
        cross-attention (batch, heads, n, s). `mask` and `memory_mask` broadcast to them.
        """
        past = cache.extend(*self.attention.keys_values(x))
        attended, weights = self.attention.attend(x, past.keys, past.values, return_attention, mask)
        x = self.norm_attention(x + self.dropout(attended))
        if cache.memory_keys_values is None:
            cache.memory_keys_values = self.cross_attention.keys_values(cache.memory)
        attended, cross = self.cross_attention.attend(
            x, *cache.memory_keys_values, return_attention, memory_mask
        )
        x = self.norm_cross_attention(x + self.dropout(attended))
        return self.norm_feed_forward(x + self.dropout(self.feed_forward(x))), weights, cross


@dataclass
class Attention:
    """Weights of each layer, (batch, heads, queries, keys).

    `encoder` is (batch, heads, s, s), the masked self-attention `decoder` (batch, heads, t, t) and `cross`
    (batch, heads, t, s), each with one entry a layer.
    """

    encoder: list[Tensor] = field(default_factory=list)
    decoder: list[Tensor] = field(default_factory=list)
    cross: list[Tensor] = field(default_factory=list)
