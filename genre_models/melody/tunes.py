"""A tune from what a person asked for to what there is to show of it; page and API share it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from genre_models.melody import notes as language
from genre_models.melody import vocabulary
from genre_models.melody.compose import DEFAULT_SAMPLING, Continuation, NextNote, Request, continue_tunes
from genre_models.melody.keys import likely_key
from genre_models.melody.tune import Note, Tune
from genre_models.sampling import HOTTEST, Sampling, used_seed
from genre_models.seq2seq import EncoderDecoder
from genre_models.worker import in_the_back

BATCH_S = 1 / 8
"""So often what is written is handed over."""
KEYS_BY_NAME = {key.name: key for key in vocabulary.KEYS}
METRES_BY_NAME = {metre.name: metre for metre in vocabulary.METRES}
METRICS_FILE = "metrics.json"

Named = TypeVar("Named")


@dataclass(frozen=True)
class Wish:
    """What a person asks for, in words and numbers.

    Of `length` and `top_k` the whole part counts, as sliders know no other numbers than floats; `top_k` 0
    leaves every token in; without a seed a random one is drawn; key "" leaves the key to the notes.
    """

    notes: str
    length: float = 64
    temperature: float = DEFAULT_SAMPLING.temperature
    top_k: float = DEFAULT_SAMPLING.top_k or 0
    top_p: float = DEFAULT_SAMPLING.top_p
    seed: int | None = None
    key: str = ""
    metre: str = "4/4"
    stop: bool = False

    def request(self) -> Request:
        """For the model. Raises `NoteError` for notes that cannot be read, `ValueError` for the rest."""
        if not 0 <= self.temperature <= HOTTEST:
            raise ValueError(f"The temperature is 0 to {HOTTEST}, not {self.temperature:g}.")
        return Request(
            language.parse(self.notes),
            int(self.length),
            _named(self.key, KEYS_BY_NAME, "key") if self.key else None,
            _named(self.metre, METRES_BY_NAME, "metre"),
            sampling=Sampling(self.temperature, int(self.top_k) or None, self.top_p, used_seed(self.seed)),
            stop=self.stop,
        )


def _named(name: str, known: Mapping[str, Named], kind: str) -> Named:
    if name not in known:
        raise ValueError(f"There is no {kind} {name!r}: it is one of {', '.join(known)}.")
    return known[name]


@dataclass(frozen=True)
class Repertoire:
    """What the model was trained on, as `metrics.json` beside its weights has it; None where it does not say.

    `lowest` and `highest` are MIDI pitches.
    """

    lowest: int | None = None
    highest: int | None = None
    tunes: int | None = None

    def warnings(self, notes: list[Note]) -> list[str]:
        """A sentence on notes that the model never heard in training."""
        if self.lowest is None or self.highest is None:
            return []
        names = {
            note.pitch: note.name
            for note in notes
            if note.pitch is not None and not self.lowest <= note.pitch <= self.highest
        }
        if not names:
            return []
        outside = ", ".join(names[pitch] for pitch in sorted(names))
        heard = f"{Note(self.lowest).name} to {Note(self.highest).name}"
        which = "is outside what" if len(names) == 1 else "are outside what"
        return [f"{outside} {which} the model heard in training ({heard}): it may not know how to go on."]


def load_repertoire(folder: Path) -> Repertoire:
    """From the metrics in the model's folder; all None where there are none."""
    file = folder / METRICS_FILE
    if not file.is_file():
        return Repertoire()
    metrics: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    lowest, highest = metrics.get("heard", (None, None))
    return Repertoire(lowest, highest, metrics.get("tunes"))


@dataclass
class Composition:
    """A tune on its way: what was asked for, and what the model has written so far.

    Setting `is_stopped` ends it after the batch at hand, `is_superseded` says that nobody waits
    for it any more; `seconds` is what the writing took.
    """

    request: Request
    row: Continuation = field(default_factory=Continuation)
    seconds: float = 0.0
    is_stopped: bool = False
    is_superseded: bool = False

    def batches(self, model: EncoderDecoder) -> Iterator[None]:
        """Write on; yields every `BATCH_S` seconds and at the end."""
        steps = continue_tunes(model, self.request, into=[self.row])
        while not self.is_written:
            in_the_back(lambda: self._advance(steps))
            yield

    def _advance(self, steps: Iterator[Any]) -> None:
        """Write for `BATCH_S` seconds."""
        began = perf_counter()
        for _ in steps:
            if perf_counter() - began >= BATCH_S:
                break
        self.seconds += perf_counter() - began

    @property
    def is_written(self) -> bool:
        """Whether nothing more will come."""
        return self.is_stopped or self.row.ended or len(self.row.notes) >= self.request.length

    @property
    def seed(self) -> int:
        """Of the random numbers."""
        return self.request.sampling.seed

    @property
    def n_seed(self) -> int:
        """How many of the notes were given."""
        return len(self.request.notes)

    @property
    def notes(self) -> list[Note]:
        """Those that were given, then the model's."""
        return [*self.request.notes, *(one.note for one in self.row.notes)]

    @property
    def tune(self) -> Tune:
        """In the key that was asked for, else in the likeliest."""
        notes, request = self.notes, self.request
        return Tune(tuple(notes), request.key or likely_key(notes), request.metre, title=f"Tune {self.seed}")

    @property
    def tokens_per_second(self) -> float:
        """Pitches, lengths, places in the bar and ends; 0 before the first."""
        tokens = sum(len(window.target) - 1 for window in self.row.windows)
        return tokens / self.seconds if self.seconds else 0.0

    def answer(self, repertoire: Repertoire) -> dict[str, Any]:
        """What the HTTP API's /generate and the command line say of it, as plain JSON values."""
        return {
            "notes": language.write(self.notes),
            "seed": self.seed,
            "tokens_per_second": round(self.tokens_per_second, 1),
            "warnings": repertoire.warnings(list(self.request.notes)),
        }

    def up_to(self, n: int) -> tuple[str, int]:
        """The first `n` notes as text to carry on, and how many were left out at the front.

        As many bars are left out as it takes to be read again.
        """
        notes = self.notes[:n]
        starts = list(accumulate((note.length for note in notes), initial=self.request.position))
        enough = range(max(0, len(notes) - language.MOST_NOTES), len(notes))
        first = next((i for i in enough if i == 0 or starts[i] % self.request.metre.bar == 0), enough.start)
        return language.write(notes[first:]), first


def what_follows(model: EncoderDecoder, composition: Composition) -> NextNote:
    """What the model expects after the last note."""
    request = Request(composition.notes, 1, composition.request.key, composition.request.metre, stop=False)
    row = Continuation()
    in_the_back(lambda: list(continue_tunes(model, request, into=[row])))
    return row.notes[0]
