"""Tokens and notes per second beside `transformers`' `generate()` with an encoder-decoder of the same sizes.

`python -m tests.benchmarks.notes` lets the plain `EncoderDecoder`, untrained, and a Marian of the same width,
depth, heads and vocabulary carry the same source on, turn by turn on one thread, both with kept keys and
values, top-k and top-p. (On two threads the peer is slower.) Then `continue_tune` of the bundled model makes
as many tokens, with the grammar of music on each: that is what a visitor waits for. It is held against
`generate()` with the same grammar, by its `prefix_allowed_tokens_fn`, and against `generate()` without any,
which makes no bars that add up. The figures go to `assets/metrics/notes.json`.
"""

import statistics

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor
from transformers import MarianConfig, MarianMTModel

from genre_models.hub import load_melody
from genre_models.melody import Request, continue_tune, notes
from genre_models.melody.compose import COMMON_TIME
from genre_models.melody.vocabulary import END, SIZE, Grammar
from genre_models.sampling import Sampling
from genre_models.seq2seq import EncoderDecoder
from tests.benchmarks.beside import Row, compared, keep, machine, turns

ROUNDS = 9
SOURCE_LENGTH = 128
TOKENS = 255
TOKENS_PER_NOTE = 3  # pitch, length and place
PEER = "transformers' generate()"
GOAL = 5.0
D_MODEL, HEADS, LAYERS, D_FF = 128, 4, 3, 512
TOP_K, TOP_P = 20, 0.95


def marian() -> MarianMTModel:
    """Sinusoidal positions, ReLU and norms behind the layers, like ours; it never ends."""
    config = MarianConfig(
        vocab_size=SIZE,
        d_model=D_MODEL,
        encoder_layers=LAYERS,
        decoder_layers=LAYERS,
        encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS,
        encoder_ffn_dim=D_FF,
        decoder_ffn_dim=D_FF,
        activation_function="relu",
        max_position_embeddings=2 * TOKENS,
        pad_token_id=0,
        decoder_start_token_id=1,
        bos_token_id=1,
        eos_token_id=None,
        forced_eos_token_id=None,
    )
    return MarianMTModel(config).eval()


def our_tokens(model: EncoderDecoder, source: Tensor) -> None:
    """Drawn one after another."""
    prefix = torch.ones(1, 1, dtype=torch.long)
    steps = list(model.generate(source, prefix, TOKENS, Sampling(top_k=TOP_K, top_p=TOP_P)))
    assert len(steps) == TOKENS


class Bars:
    """The grammar of music for `generate()`, which asks with all tokens so far before each new one."""

    def __init__(self) -> None:
        self._grammar = Grammar(COMMON_TIME)
        self._length = 1  # the start token

    def __call__(self, _: int, tokens: Tensor) -> list[int]:
        """Which tokens may come next."""
        if len(tokens) > self._length:
            self._grammar.push(int(tokens[-1]))
        self._length = len(tokens)
        allowed: list[int] = np.flatnonzero(self._grammar.allowed()).tolist()
        return [token for token in allowed if token != END]


def their_tokens(model: MarianMTModel, source: Tensor, bars: Bars | None = None) -> None:
    """As many, drawn in the same way."""
    drawn = model.generate(
        source,
        attention_mask=torch.ones_like(source),
        max_new_tokens=TOKENS,
        min_new_tokens=TOKENS,
        do_sample=True,
        top_k=TOP_K,
        top_p=TOP_P,
        use_cache=True,
        prefix_allowed_tokens_fn=bars,
    )
    assert drawn.shape[1] == 1 + TOKENS


def measure() -> list[Row]:
    """All comparisons."""
    torch.manual_seed(0)
    plain = EncoderDecoder(SIZE, SIZE, D_MODEL, HEADS, LAYERS, LAYERS, D_FF).eval()
    peer, melody = marian(), load_melody()
    if melody is None:
        raise SystemExit("There are no weights in assets/weights/melody: train some with train.py melody.")
    source = torch.randint(3, SIZE, (1, SOURCE_LENGTH))
    request = Request(notes.parse(notes.EXAMPLE), TOKENS // TOKENS_PER_NOTE, stop=False)

    def theirs() -> None:
        their_tokens(peer, source)

    def theirs_in_bars() -> None:
        their_tokens(peer, source, Bars())

    def tune() -> None:
        list(continue_tune(melody, request))

    alike = turns(tune, theirs_in_bars, ROUNDS)
    return [
        compared(
            "a token of a plain encoder-decoder",
            PEER,
            turns(lambda: our_tokens(plain, source), theirs, ROUNDS),
            GOAL,
            TOKENS,
        ),
        compared("a token of a tune, with its grammar", f"{PEER} with it too", alike, GOAL, TOKENS),
        compared(
            "a token of a tune, with its grammar",
            f"{PEER} without",
            turns(tune, theirs, ROUNDS),
            GOAL,
            TOKENS,
        ),
        Row("notes per second of a tune", "", round(_notes_per_second(alike))),
    ]


def _notes_per_second(pairs: list[tuple[float, float]]) -> float:
    return TOKENS / TOKENS_PER_NOTE / statistics.median(ours for ours, _ in pairs)


def main() -> None:
    """Measure, print and keep."""
    ran_on = machine(threads=1, rounds=ROUNDS)
    torch.set_num_threads(1)
    with threadpool_limits(1):
        keep("notes", ran_on, measure(), tokens=TOKENS)


if __name__ == "__main__":
    main()
