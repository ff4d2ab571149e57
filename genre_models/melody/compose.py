"""The melody Transformer as a musician meets it: notes in, notes out, one at a time.

The model was trained on runs: the encoder reads one, the decoder carries it on. A longer tune is made of
several: after WINDOW_NOTES notes the encoder reads the last of them and the decoder starts afresh, so that a
note costs the same however long the tune is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from genre_models.attention import Attention
from genre_models.melody import vocabulary
from genre_models.melody.tune import Key, Metre, Note
from genre_models.melody.vocabulary import END, PAD, START, Grammar
from genre_models.sampling import Sampling, Step
from genre_models.seq2seq import EncoderDecoder

COMMON_TIME = Metre(4, 4)
WINDOW_NOTES = 64
"""Most notes that the encoder reads, and that the decoder adds before the encoder reads again."""
MOST_NEW_NOTES = 512
DEFAULT_SAMPLING = Sampling(temperature=1.0, top_p=0.95)
"""Chosen on validation tunes: `train.py melody` compares it with others."""
SEED_STEP = 1_000_003
"""Each window draws with a seed of its own."""
TOKENS_PER_NOTE = 4
"""Pitch, length and place, and one more for the end."""


@dataclass(frozen=True)
class Request:
    """What a person asks for: `notes` to carry on by at most `length` more.

    Without a key the model takes it from the notes. The first note stands at `position` in its bar. With
    `stop` the model may end the tune earlier; without, it goes on.
    """

    notes: Sequence[Note]
    length: int = 64
    key: Key | None = None
    metre: Metre = COMMON_TIME
    position: Fraction = Fraction(0)
    sampling: Sampling = DEFAULT_SAMPLING
    stop: bool = True

    def __post_init__(self) -> None:
        if not self.notes:
            raise ValueError("There are no notes to carry on: give at least one.")
        if self.length % 1 or not 1 <= self.length <= MOST_NEW_NOTES:
            raise ValueError(f"The length is a whole number, 1 to {MOST_NEW_NOTES} notes, not {self.length}.")

    @property
    def flat(self) -> bool:
        """Whether new black keys are written as flats: as the key has it, or the notes that were given."""
        return any(note.flat for note in self.notes) if self.key is None else self.key.flat


@dataclass(frozen=True)
class NextNote:
    """A note, and the model's own logits of all tokens before its pitch and after it."""

    note: Note
    before: np.ndarray  # (vocabulary.SIZE,)
    after: np.ndarray  # (vocabulary.SIZE,)

    @property
    def pitches(self) -> np.ndarray:
        """How likely the model held each of `vocabulary.PITCHES`, a rest first, (89,); 1 with the end."""
        return self._pitches_and_end[:-1]

    @property
    def end(self) -> float:
        """How likely it held the end of the tune."""
        return float(self._pitches_and_end[-1])

    @property
    def lengths(self) -> np.ndarray:
        """How likely it held each of `notes.LENGTHS`, given the pitch, (24,)."""
        return _softmax(self.after[vocabulary.FIRST_LENGTH :])

    @property
    def _pitches_and_end(self) -> np.ndarray:
        return _softmax(np.append(self.before[vocabulary.REST : vocabulary.FIRST_LENGTH], self.before[END]))


@dataclass(frozen=True)
class Window:
    """What the encoder read and the decoder wrote, as token ids: enough to see where the model looked."""

    source: list[int]
    target: list[int]


@dataclass
class Continuation:
    """A tune on its way: what is known of one row of a batch."""

    notes: list[NextNote] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    ended: bool = False
    """Whether the model ended it."""


def continue_tune(model: EncoderDecoder, request: Request) -> Iterator[Note]:
    """The notes that follow, one at a time."""
    return (step[0].note for step in continue_tunes(model, request, [Continuation()]) if step[0] is not None)


def continue_tunes(
    model: EncoderDecoder, request: Request, into: Sequence[Continuation]
) -> Iterator[list[NextNote | None]]:
    """Several continuations of the same notes at once; tune i is what the seed + i gives alone.

    Yields whenever a tune has a new note: a list with that note, and None for the others. `into`, one
    `Continuation` for each tune, is kept up to date.
    """
    return continue_all(model, [request] * len(into), into)


def continue_all(
    model: EncoderDecoder, requests: Sequence[Request], into: Sequence[Continuation]
) -> Iterator[list[NextNote | None]]:
    """Like `continue_tunes`, each tune with notes, key and metre of its own; all have one `Sampling`.

    Raises ValueError for several.
    """
    if len({request.sampling for request in requests}) > 1:
        raise ValueError("tunes that are made together have one sampling")
    return _Composer(model, requests, into).windows()


class _Composer:
    """Tunes on their way together."""

    def __init__(
        self, model: EncoderDecoder, requests: Sequence[Request], continuations: Sequence[Continuation]
    ) -> None:
        self.model, self.rows = model, list(zip(requests, continuations, strict=True))

    def windows(self) -> Iterator[list[NextNote | None]]:
        """All notes, until every tune has ended or is long enough."""
        number = 0
        while any(not tune.ended and len(tune.notes) < request.length for request, tune in self.rows):
            yield from self._window(number)
            number += 1

    def _window(self, number: int) -> Iterator[list[NextNote | None]]:
        """Let the encoder read the last notes of every tune, and the decoder carry them on."""
        writers = [_Writer(request, tune) for request, tune in self.rows]
        sources = _padded([writer.window.source for writer in writers])
        prefix = torch.full((len(writers), 1), START)
        sampling = self.rows[0][0].sampling
        seed = (sampling.seed + number * SEED_STEP) % 2**62
        for step in self.model.generate(
            sources,
            prefix,
            max_tokens=TOKENS_PER_NOTE * WINDOW_NOTES,
            sampling=replace(sampling, seed=seed),
            stop=END,
            allowed=lambda _: torch.from_numpy(np.array([writer.allowed() for writer in writers])),
        ):
            tokens = step.tokens.tolist()
            new = [writer.push(step, i, tokens[i]) for i, writer in enumerate(writers)]
            if any(note is not None for note in new):
                yield new


class _Writer:
    """One tune in one window; END is forced where the window or the tune is long enough."""

    def __init__(self, request: Request, row: Continuation) -> None:
        self.request, self.row = request, row
        tune = [*request.notes, *(one.note for one in row.notes)]
        positions = list(accumulate((note.length for note in tune), initial=request.position))
        first = _first_read(positions, request.metre.bar)
        source = vocabulary.encode_source(
            tune[first:], request.key, request.metre, positions[first] % request.metre.bar
        )
        self.window = Window(source, [START])
        self.grammar = Grammar(request.metre, positions[-1])
        self.room = 0 if row.ended else min(WINDOW_NOTES, request.length - len(row.notes))
        self.pitch: Step | None = None
        if self.room:
            row.windows.append(self.window)

    def allowed(self) -> np.ndarray:
        """Which tokens may come next, (vocabulary.SIZE,)."""
        if not self.room and not self.grammar.in_note:
            return _only(END)
        allowed = self.grammar.allowed()
        allowed[END] &= self.request.stop
        return allowed

    def push(self, step: Step, i: int, token: int) -> NextNote | None:
        """Go on with the step's token, that of row i; a note once it is whole."""
        if token == PAD or (token == END and not self.room):
            return None
        self.window.target.append(token)
        self.grammar.push(token)
        if token == END:
            self.row.ended, self.room = True, 0
        if vocabulary.is_pitch(token):
            self.pitch = step
        if not vocabulary.is_length(token) or self.pitch is None:
            return None
        (named,) = vocabulary.decode(self.window.target[-2:], self.request.flat)
        note = NextNote(named, self.pitch.logits[i].numpy(), step.logits[i].numpy())
        self.row.notes.append(note)
        self.room -= 1
        return note


def _first_read(positions: Sequence[Fraction], bar: Fraction) -> int:
    """Which note the encoder reads first: the first after a bar line, as in training, among the last ones."""
    last = range(max(0, len(positions) - 1 - WINDOW_NOTES), len(positions) - 1)
    return next((i for i in last if i == 0 or positions[i] % bar == 0), last.start)


def _softmax(logits: np.ndarray) -> np.ndarray:
    masses = np.exp(logits - logits.max())
    return masses / masses.sum()


def _only(token: int) -> np.ndarray:
    allowed = np.zeros(vocabulary.SIZE, dtype=bool)
    allowed[token] = True
    return allowed


def _padded(sources: Sequence[list[int]]) -> Tensor:
    """(batch, longest), padded at the end."""
    longest = max(map(len, sources))
    return torch.tensor([source + [PAD] * (longest - len(source)) for source in sources])


@torch.inference_mode()
def attention(model: EncoderDecoder, window: Window) -> Attention:
    """Where the model looked in a window: the weights of all layers and heads, batch 1.

    Query t of the decoder is the token at t in the window's target, when the next one was foretold.
    """
    _, weights = model.eval()(torch.tensor([window.source]), torch.tensor([window.target]), True)
    return weights
