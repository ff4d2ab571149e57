"""Positional encoding, multi-head attention and the encoder layer (Vaswani et al. 2017)."""

import math

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

    def forward(
        self, x: Tensor, memory: Tensor, return_attention: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Queries from `x` (batch, queries, d_model), keys and values from `memory` (batch, keys, d_model).

        Returns the output (batch, queries, d_model) and, on request, the weights
        (batch, heads, queries, keys); each row of them sums to 1.
        """
        q, k, v = self._split(self.w_q(x)), self._split(self.w_k(memory)), self._split(self.w_v(memory))
        weights = None
        if return_attention:
            weights = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(self.d_k), dim=-1)
            z = weights @ v  # (batch, heads, queries, d_v)
        else:
            z = F.scaled_dot_product_attention(q, k, v)
        return self.w_o(z.transpose(1, 2).flatten(2)), weights  # (batch, queries, d_model)


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

    def forward(self, x: Tensor, return_attention: bool = False) -> tuple[Tensor, Tensor | None]:
        """(batch, length, d_model) -> the same shape, and the attention weights on request."""
        attended, weights = self.attention(x, x, return_attention)
        x = self.norm_attention(x + self.dropout(attended))
        return self.norm_feed_forward(x + self.dropout(self.feed_forward(x))), weights
