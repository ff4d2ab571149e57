"""The encoder-decoder Transformer: token ids in, token ids out (Vaswani et al. 2017)."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, cast, overload

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genre_models.attention import (
    Attention,
    DecoderCache,
    DecoderLayer,
    EncoderLayer,
    SinusoidalPositions,
    look_ahead_mask,
    padding_mask,
)
from genre_models.sampling import Allowed, Rows, Sampling, Step
from genre_models.stepping import Parts, Stepper
from genre_models.weights import StrictWeights

__all__ = ["Allowed", "Attention", "EncoderDecoder", "Read", "Sampling", "Step", "evaluating"]


@dataclass(frozen=True)
class Read:
    """A source that the encoder has read, and what the decoder keeps of it and of its target."""

    layers: list[DecoderCache]
    mask: Tensor | None  # (batch, 1, 1, s)
    attention: list[Tensor] | None

    def select(self, rows: Tensor) -> "Read":
        """That of the batch's `rows`, ids (n,), without attention; any may come several times."""
        mask = None if self.mask is None else self.mask[rows]
        return Read([layer.select(rows) for layer in self.layers], mask, None)


class EncoderDecoder(nn.Module, StrictWeights, library_name="genre-models", license="mit", tags=["seq2seq"]):
    """Source ids -> logits of the target's next ids.

    The token `pad` fills up the rows of a batch, before or after what counts, and changes nothing in it.
    `from_pretrained(folder or "user/name", revision=...)`, `save_pretrained(folder)` and
    `push_to_hub("user/name")` come from huggingface_hub; weights are safetensors beside a config.json
    that holds the constructor's arguments.
    """

    def __init__(
        self,
        source_vocab: int,
        target_vocab: int,
        d_model: int = 128,
        heads: int = 4,
        encoder_layers: int = 3,
        decoder_layers: int = 3,
        d_ff: int = 512,
        d_k: int | None = None,
        d_v: int | None = None,
        dropout: float = 0.1,
        pad: int = 0,
    ) -> None:
        super().__init__()
        self.pad = pad
        self.scale = math.sqrt(d_model)
        self.source_embedding = nn.Embedding(source_vocab, d_model, padding_idx=pad)
        self.target_embedding = nn.Embedding(target_vocab, d_model, padding_idx=pad)
        self.positions = SinusoidalPositions(d_model)
        self.dropout = nn.Dropout(dropout)
        sizes = (d_model, heads, d_ff, d_k, d_v, dropout)
        self.encoder = nn.ModuleList(EncoderLayer(*sizes) for _ in range(encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(*sizes) for _ in range(decoder_layers))
        self.head = nn.Linear(d_model, target_vocab)
        self._initialise()

    @property
    def layers_and_heads(self) -> tuple[int, int]:
        """The most layers that encoder or decoder has, and the heads of each."""
        most = max(len(self.encoder), len(self.decoder))
        return most, cast(DecoderLayer, self.decoder[0]).attention.heads

    def _initialise(self) -> None:
        """Xavier; embeddings times sqrt(d_model) have unit variance, like the positions."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=1 / self.scale)
                nn.init.zeros_(module.weight[self.pad])

    @overload
    def forward(self, source: Tensor, target: Tensor, return_attention: Literal[False] = False) -> Tensor: ...

    @overload
    def forward(
        self, source: Tensor, target: Tensor, return_attention: Literal[True]
    ) -> tuple[Tensor, Attention]: ...

    def forward(
        self, source: Tensor, target: Tensor, return_attention: bool = False
    ) -> Tensor | tuple[Tensor, Attention]:
        """Ids (batch, s) and (batch, t) -> logits (batch, t, target_vocab) of what follows each target token.

        With `return_attention` also the weights of all layers.
        """
        padding = target == self.pad
        read = self.read(source, return_attention)
        x, attention = self._decode(target, _positions(padding), _past_mask(padding), read)
        logits = self.head(x)
        return logits if attention is None else (logits, attention)

    def token_losses(self, source: Tensor, target: Tensor) -> Tensor:
        """Teacher forcing: cross-entropy in nats of each target token after those before it, (batch, t - 1).

        0 where there is PAD, and for a row's first token, which nothing foretells.
        """
        logits = self(source, target[:, :-1])  # (batch, t - 1, target_vocab)
        losses = F.cross_entropy(
            logits.transpose(1, 2), target[:, 1:], ignore_index=self.pad, reduction="none"
        )
        return losses.masked_fill(target[:, :-1] == self.pad, 0.0)

    def loss(self, source: Tensor, target: Tensor) -> Tensor:
        """The mean of `token_losses` over all but PAD, ()."""
        foretold = (target[:, 1:] != self.pad) & (target[:, :-1] != self.pad)
        return self.token_losses(source, target).sum() / foretold.sum()

    def generate(
        self,
        source: Tensor,
        prefix: Tensor,
        max_tokens: int,
        sampling: Sampling | None = None,
        stop: int | None = None,
        allowed: Allowed | None = None,
        return_attention: bool = False,
    ) -> Iterator[Step]:
        """Carry `prefix` (batch, n) on after `source` (batch, s), one token of all rows at a time.

        Keys and values are kept, so that a step costs about the same at any length. A row ends with the
        token `stop`; the steps end with the last row, or after `max_tokens`. PAD is never chosen. `allowed`
        is asked before each step with the prefix and all tokens since. Everything in a step is on the CPU
        but the attention. Raises ValueError for a prefix that is empty or padded at its end, and where
        `allowed` leaves a row nothing.
        """
        if prefix.ndim != 2 or len(prefix) != len(source) or prefix.shape[1] < 1:
            raise ValueError(f"prefix {tuple(prefix.shape)} is not a row of tokens for each source")
        if (prefix[:, -1] == self.pad).any():
            raise ValueError("prefixes of different lengths are padded before their tokens, not after")
        if max_tokens < 1:
            raise ValueError(f"max_tokens is 1 or more, not {max_tokens}")
        rows = Rows(prefix, self.pad, sampling or Sampling(), stop, allowed)
        plain = len(prefix) == 1 and not ((source == self.pad).any() or (prefix == self.pad).any())
        parts = Parts(self.target_embedding, self.scale, self.positions, self.decoder, self.head)
        if plain and not return_attention and parts.can_step:
            return self._single_steps(source, prefix, max_tokens, rows, parts)
        return self._steps(source, prefix, max_tokens, rows, return_attention)

    @torch.inference_mode()
    def _steps(
        self, source: Tensor, prefix: Tensor, max_tokens: int, rows: Rows, return_attention: bool
    ) -> Iterator[Step]:
        padding = prefix == self.pad
        is_padded = bool(padding.any())
        tokens, positions = prefix, _positions(padding)
        mask: Tensor | None = _past_mask(padding)
        read: Read | None = None
        for _ in range(max_tokens):
            with evaluating(self):
                read = read or self.read(source, return_attention)
                x, attention = self._decode(tokens, positions, mask, read)
                logits = self.head(x[:, -1])  # (batch, target_vocab)
            step = rows.extend(logits, attention)
            yield step
            if step.finished.all():
                return
            tokens, positions = step.tokens[:, None].to(prefix.device), positions[:, -1:] + 1  # (batch, 1)
            mask = None
            if is_padded:  # only the prefix: what a row adds after its end is looked at by nobody
                padding = F.pad(padding, (0, 1))
                mask = padding_mask(padding)

    @torch.inference_mode()
    def _single_steps(
        self, source: Tensor, prefix: Tensor, max_tokens: int, rows: Rows, parts: Parts
    ) -> Iterator[Step]:
        """As `_steps`, for one row without PAD: all after the encoder is the stepper's."""
        with evaluating(self):
            read = self.read(source)
        stepper = Stepper(parts, read.layers)
        logits = stepper(prefix[0].tolist())[-1:]  # (1, target_vocab)
        after_next: Tensor | None = None
        for left in reversed(range(max_tokens)):
            step = rows.extend(logits, None)
            yield step
            if not left or rows.finished.all():
                return
            if after_next is not None:
                logits, after_next = after_next, None
                continue
            next_one = rows.only_one()  # where nothing else can follow, it is read together with this one
            new = [int(step.tokens)] if next_one is None else [int(step.tokens), next_one]
            logits = stepper(new)
            if next_one is not None:
                logits, after_next = logits[:1], logits[1:]

    def read(self, source: Tensor, return_attention: bool = False) -> Read:
        """Ids (batch, s) -> what `next_logits` goes by."""
        padding = source == self.pad
        mask = padding_mask(padding) if padding.any() else None
        x = self._embed(self.source_embedding, source, _positions(padding), source.shape[1])
        attention: list[Tensor] | None = [] if return_attention else None
        for layer in self.encoder:
            x, weights = layer(x, return_attention, mask)  # (batch, s, d_model)
            if attention is not None:
                attention.append(weights)
        return Read([DecoderCache(x) for _ in self.decoder], mask, attention)

    def next_logits(self, read: Read, tokens: Tensor) -> Tensor:
        """The next target token of each row, ids (batch,) -> logits (batch, target_vocab) of the one after.

        `read` grows by them. There is no PAD among them.
        """
        positions = torch.full_like(tokens[:, None], read.layers[0].length)
        x, _ = self._decode(tokens[:, None], positions, None, read)  # (batch, 1, d_model)
        return self.head(x[:, -1])

    def _decode(
        self, tokens: Tensor, positions: Tensor, mask: Tensor | None, read: Read
    ) -> tuple[Tensor, Attention | None]:
        """The next n target tokens (batch, n) -> (batch, n, d_model); what was read grows by them."""
        attention = None if read.attention is None else Attention(read.attention)
        length = read.layers[0].length + tokens.shape[1]
        x = self._embed(self.target_embedding, tokens, positions, length)
        for layer, cache in zip(self.decoder, read.layers, strict=True):
            x, weights, cross = layer(x, cache, mask, read.mask, attention is not None)  # (batch, n, d_model)
            if attention is not None:
                attention.decoder.append(weights)
                attention.cross.append(cross)
        return x, attention

    def _embed(self, embedding: nn.Embedding, tokens: Tensor, positions: Tensor, length: int) -> Tensor:
        x: Tensor = embedding(tokens) * self.scale + self.positions(positions, length)
        return self.dropout(x)


def _positions(padding: Tensor) -> Tensor:
    """Places counted from the first token that is not PAD, (batch, length)."""
    return (~padding).cumsum(dim=1).sub(1).clamp_min(0)


def _past_mask(padding: Tensor) -> Tensor:
    """The past without PAD, (length, length) or (batch, 1, length, length)."""
    mask = look_ahead_mask(padding.shape[1], padding.shape[1], padding.device)
    return mask & padding_mask(padding) if padding.any() else mask


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Without dropout; the model goes on training afterwards if it was."""
    training = model.training
    if training:
        model.eval()
    try:
        yield
    finally:
        if training:
            model.train()
