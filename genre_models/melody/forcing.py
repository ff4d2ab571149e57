"""Teacher forcing on a few notes: what the decoder is fed, what it must say, and what it may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch

from genre_models.attention import look_ahead_mask, padding_mask
from genre_models.melody import vocabulary
from genre_models.melody.compose import WINDOW_NOTES, Window
from genre_models.melody.tune import Key, Metre, Note
from genre_models.melody.vocabulary import PAD, START
from genre_models.seq2seq import EncoderDecoder

MOST_FORETOLD = 5
"""Notes: more are hard to take in at a glance."""
FEWEST_NOTES = 2
READ_SHARE = 3
"""The encoder gets at least one note in so many."""


@dataclass(frozen=True)
class Step:
    """One position of the decoder: the token it is fed, and the token that is `right` next.

    `share` is the probability that the model gave the right one, `likeliest` the token it would have said.
    """

    fed: str
    right: str
    share: float
    likeliest: str

    @property
    def is_right(self) -> bool:
        """Whether the model would have said the right one."""
        return self.likeliest == self.right


@dataclass(frozen=True)
class Lesson:
    """A tune cut in two: `read` by the encoder, `foretold` by the decoder in `steps`, one a token."""

    read: list[Note]
    foretold: list[Note]
    steps: list[Step]

    def visible(self, padding: int) -> np.ndarray:
        """What each position may look at, (positions, positions) booleans, rows look at columns.

        The tune stands in a batch beside one that is `padding` tokens longer, and is filled up with PAD.
        """
        length = len(self.steps) + padding
        is_padding = torch.arange(length) >= len(self.steps)
        mask = look_ahead_mask(length, length) & padding_mask(is_padding[None])  # (1, 1, length, length)
        return mask[0, 0].numpy()


def cut(notes: Sequence[Note], metre: Metre, key: Key | None = None) -> tuple[int, Window]:
    """How many of the notes the encoder reads, and both parts as tokens; the first note begins a bar.

    Raises `ValueError` for fewer than FEWEST_NOTES and `VocabularyError` for what has no token.
    """
    if len(notes) < FEWEST_NOTES:
        raise ValueError(f"A tune of {len(notes)} notes cannot be cut in two.")
    n_read = max(-(-len(notes) // READ_SHARE), len(notes) - MOST_FORETOLD)
    first = max(0, n_read - WINDOW_NOTES)
    starts = list(accumulate((note.length for note in notes), initial=0 * metre.bar))
    source = vocabulary.encode_source(notes[first:n_read], key, metre, starts[first] % metre.bar)
    target = vocabulary.encode(notes[n_read:], metre, starts[n_read] % metre.bar)
    return n_read, Window(source, [START, *target])


@torch.inference_mode()
def lesson(model: EncoderDecoder, notes: Sequence[Note], metre: Metre, key: Key | None = None) -> Lesson:
    """Feed the second part of the notes to the decoder, whatever it says. Raises as `cut` does."""
    n_read, window = cut(notes, metre, key)
    target = torch.tensor([window.target])
    logits = model.eval()(torch.tensor([window.source]), target[:, :-1])[0]  # (tokens - 1, vocabulary)
    logits[:, PAD] = -torch.inf
    shares = logits.softmax(dim=-1)
    flat = any(note.flat for note in notes) if key is None else key.flat
    labels = [vocabulary.label(token, flat) for token in window.target]
    likeliest = [vocabulary.label(token, flat) for token in shares.argmax(dim=-1).tolist()]
    given = shares.gather(-1, target[0, 1:, None])[:, 0].tolist()
    steps = [Step(*step) for step in zip(labels, labels[1:], given, likeliest, strict=False)]
    return Lesson(list(notes[:n_read]), list(notes[n_read:]), steps)
