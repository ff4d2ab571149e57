"""Of the melody models: perplexity on held-out tunes, and what the Transformer's own tunes are like."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from genre_models.melody.compose import DEFAULT_SAMPLING, Continuation, Request, continue_all
from genre_models.melody.model import MelodyTransformer
from genre_models.melody.tune import Key, Note, Tune
from genre_models.melody.variants import Split
from genre_models.melody.vocabulary import END, FIRST_KEY, FIRST_LENGTH, FIRST_PLACE, REST
from genre_models.sampling import Sampling
from genre_models.training.melody_data import Examples
from genre_models.training.teacher_forcing import Foreteller, answers

TARGET_TOKENS = 288
"""About 95 notes that the decoder learns to carry on."""
TEST_BATCH = 32

RUNS = 100
GIVEN = 5
"""Notes of a held-out tune that a run carries on."""
RUN_NOTES = Request.length
"""Added in a run that is not to end earlier, as many as the app adds; the tune itself has as many more."""
MOST_NOTES = 256
"""After which a run is cut off that may end."""
LONG_COPY = 12
"""Notes in a row that tunes of one kind have in common anyway."""
SAMPLINGS = tuple(
    Sampling(temperature, top_p=top_p)
    for temperature, top_p in ((1.0, 1.0), (1.0, 0.95), (1.0, 0.9), (0.9, 1.0), (0.9, 0.95), (0.8, 0.95))
)
"""Compared on the validation tunes; the default is one of them."""


def perplexity(model: Foreteller, tunes: Sequence[Tune]) -> dict[str, float]:
    """How well held-out tunes are foretold from their first notes, per note of the continuation.

    "pitch" and "length" are perplexities of a note's pitch and of its length given the pitch; "note" is that
    of both together with places and the end of the tune, which a network has to foretell as well.
    """
    nats, notes = np.zeros(4), 0
    held_out = Examples(tunes, TARGET_TOKENS).held_out(TEST_BATCH)
    for losses, target in answers(model, held_out, torch.device("cpu")):
        foretold = target[:, 1:]
        kinds = (
            (foretold >= REST) & (foretold < FIRST_LENGTH),
            foretold >= FIRST_LENGTH,
            (foretold >= FIRST_PLACE) & (foretold < FIRST_KEY),
            foretold == END,
        )
        nats += [float(losses[kind].double().sum()) for kind in kinds]
        notes += int(kinds[1].sum())
    pitch, length, place, end = nats / notes
    return {
        "note": float(np.exp(pitch + length + place + end)),
        "pitch": float(np.exp(pitch)),
        "length": float(np.exp(length)),
        "place_and_end": float(np.exp(place + end)),
        "notes": notes,
    }


@dataclass(frozen=True)
class Run:
    """The first notes of a tune carried on by the model; `ended` says whether the model ended it."""

    tune: Tune
    notes: list[Note]
    ended: bool

    @property
    def real(self) -> list[Note]:
        """How the tune itself goes on, for as many notes."""
        return list(self.tune.notes[GIVEN : GIVEN + len(self.notes)])


def make_runs(
    model: MelodyTransformer, tunes: Sequence[Tune], sampling: Sampling, length: int, stop: bool
) -> list[Run]:
    """Runs with seeds 0 to RUNS - 1 from the first tunes that are long enough, or from all if none are."""
    long = [tune for tune in tunes if len(tune.notes) >= GIVEN + RUN_NOTES] or tunes
    chosen = [long[i % len(long)] for i in range(RUNS)]
    continuations = [Continuation() for _ in chosen]
    requests = [
        Request(
            tune.notes[:GIVEN],
            length,
            tune.key,
            tune.metre,
            position=-tune.pickup % tune.metre.bar,
            sampling=replace(sampling, seed=0),  # row i of a batch draws with seed + i
            stop=stop,
        )
        for tune in chosen
    ]
    for _ in continue_all(model, requests, continuations):
        pass
    return [
        Run(tune, [one.note for one in made.notes], made.ended)
        for tune, made in zip(chosen, continuations, strict=True)
    ]


def longest_copies(runs: Sequence[Sequence[Note]], tunes: Sequence[Tune]) -> list[int]:
    """Of each run, how many notes in a row some tune has as well: the same intervals and lengths in any key.

    Windows of n notes get the same name where they are alike; a name and the note after it name the windows
    of n + 1 notes (Karp, Miller and Rosenberg 1972).
    """
    pieces = [*runs, *(tune.notes for tune in tunes)]
    symbols = _numbered([symbol for piece in pieces for symbol in _symbols(piece)])
    names = _numbered([(note.pitch is None, note.length) for piece in pieces for note in piece])
    owners = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
    ends = np.cumsum([len(piece) for piece in pieces])[owners]
    starts, longest = np.arange(len(owners)), np.zeros(len(runs), dtype=int)
    for n in count(1):
        in_run = owners[starts] < len(runs)
        shared = np.intersect1d(names[in_run], names[~in_run])
        kept = np.isin(names, shared)
        if not kept.any():
            break
        longest[owners[starts[kept & in_run]]] = n
        kept &= starts + n < ends[starts]
        starts, names = starts[kept], names[kept]
        pairs = names * len(owners) + symbols[starts + n]
        names = np.unique(pairs, return_inverse=True)[1]
    return longest.tolist()


def _symbols(notes: Sequence[Note]) -> list[tuple[int | None, Fraction]]:
    """Of each note the interval from the one that sounded before it, None for a rest, and the length."""
    symbols, before = [], 0
    for note in notes:
        symbols.append((None if note.pitch is None else note.pitch - before, note.length))
        before = before if note.pitch is None else note.pitch
    return symbols


def _numbered(values: Sequence[Hashable]) -> np.ndarray:
    """The same number for the same value, (values,)."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)


def in_scale(melodies: Iterable[tuple[Key, Sequence[Note]]]) -> float:
    """Share of the notes that belong to the scale of their melody's key."""
    belongs = [
        note.pitch % 12 in key.scale for key, notes in melodies for note in notes if note.pitch is not None
    ]
    return float(np.mean(belongs))


def character(
    model: MelodyTransformer, sampling: Sampling, tunes: Sequence[Tune], train: Sequence[Tune]
) -> dict[str, Any]:
    """What runs of RUN_NOTES notes are like, and beside them how their tunes really go on."""
    runs = make_runs(model, tunes, sampling, RUN_NOTES, stop=False)
    own = [(run.tune.key, run.notes) for run in runs]
    real = [(run.tune.key, run.real) for run in runs]
    copies = longest_copies([notes for _, notes in own + real], train)
    return {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "model": {"in_scale": in_scale(own), **_copied(copies[:RUNS])},
        "real": {"in_scale": in_scale(real), **_copied(copies[RUNS:])},
    }


def endings(model: MelodyTransformer, sampling: Sampling, tunes: Sequence[Tune]) -> dict[str, Any]:
    """How many runs end before they are cut off, and after how many notes; and the tunes themselves."""
    runs = make_runs(model, tunes, sampling, MOST_NOTES, stop=True)
    return {
        "ended": float(np.mean([run.ended for run in runs])),
        "notes": _spread([len(run.notes) for run in runs]),
        "real_notes": _spread([len(run.tune.notes) - GIVEN for run in runs]),
    }


def _copied(longest: Sequence[int]) -> dict[str, Any]:
    return {"copied": _spread(longest), "long_copies": sum(one > LONG_COPY for one in longest)}


def _spread(numbers: Sequence[int]) -> dict[str, float]:
    return {"least": min(numbers), "median": float(np.median(numbers)), "most": max(numbers)}


def describe_runs(model: MelodyTransformer, split: Split) -> dict[str, Any]:
    """Runs from test tunes as the app makes them; and from validation tunes, to choose how it makes them."""
    compared = [
        character(model, sampling, split.valid, split.train)
        for sampling in tqdm(SAMPLINGS, desc="sampling", unit="setting")
    ]
    return {
        **{"runs": RUNS, "given": GIVEN, "run_notes": RUN_NOTES, "most_notes": MOST_NOTES},
        "long_copy": LONG_COPY,
        "endings": endings(model, DEFAULT_SAMPLING, split.test),
        "test": character(model, DEFAULT_SAMPLING, split.test, split.train),
        "validation": compared,
    }


def heard(tunes: Sequence[Tune]) -> tuple[int, int]:
    """Lowest and highest MIDI pitch."""
    pitches = [note.pitch for tune in tunes for note in tune.notes if note.pitch is not None]
    return min(pitches), max(pitches)


def for_app(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What lies beside the weights: the part of the metrics that the app and the model card speak of."""
    models = metrics["models"]
    return {
        "tunes": metrics["corpus"]["split"]["train"],
        "heard": metrics["heard"],
        "perplexity": {name: one["test"] for name, one in models.items()},
        "parameters": {name: one["parameters"] for name, one in models.items() if "parameters" in one},
        "runs": {name: value for name, value in metrics["runs"].items() if name != "validation"},
    }


def table(metrics: Mapping[str, Any]) -> str:
    """Perplexities on the test tunes as Markdown, and a line on the runs if there are any."""
    lines = ["| perplexity per note | both | pitch | length | parameters | steps |", "|---" * 6 + "|"]
    for name, one in metrics["models"].items():
        figures = [f"{one['test'][what]:.2f}" for what in ("note", "pitch", "length")]
        sizes = [f"{one[what]:,}" if what in one else "" for what in ("parameters", "steps")]
        lines.append(f"| {name} | {' | '.join(figures + sizes)} |")
    return "\n".join([*lines, *_sentences(metrics)])


def _sentences(metrics: Mapping[str, Any]) -> list[str]:
    if "runs" not in metrics:
        return []
    runs = metrics["runs"]
    ends, model, real = runs["endings"], runs["test"]["model"], runs["test"]["real"]
    return [
        "",
        f"Of {runs['runs']} tunes that it carried on, {100 * ends['ended']:.0f}% ended within "
        f"{runs['most_notes']} notes, half of them after {ends['notes']['median']:.0f} or fewer (real tunes: "
        f"{ends['real_notes']['median']:.0f}).",
        f"{100 * model['in_scale']:.1f}% of the notes are in the key's scale "
        f"(real tunes: {100 * real['in_scale']:.1f}%).",
        f"Longest run of notes that a training tune has as well, in {runs['run_notes']} notes: median "
        f"{model['copied']['median']:.0f}, at most {model['copied']['most']}, over {runs['long_copy']} in "
        f"{model['long_copies']} (real tunes: {real['copied']['median']:.0f}, {real['copied']['most']}, "
        f"{real['long_copies']}).",
    ]
