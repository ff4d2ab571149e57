"""How the committed models were trained and measured, read from the files that `train.py` wrote."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from genre_models.metrics import Accuracy
from genre_models.paths import METRICS

ALL = "all"
"""The side that the committed weights were trained on: everything."""
SPLITS = ("segment", "track", "artist")
"""From the leakiest to the honest one."""

Floats = tuple[float, ...]


@dataclass(frozen=True)
class Curve:
    """One training, looked at time and again: losses in nats, accuracy 0 to 1 (empty where not measured).

    `epochs` counts passes over the training set, `steps` updates of the weights, `seconds` the time on them.
    """

    epochs: Floats
    steps: Floats
    seconds: Floats
    train_loss: Floats
    validation_loss: Floats
    validation_accuracy: Floats = ()


@dataclass(frozen=True)
class Recipe:
    """How a model is trained: settings by name as in `train.py`, and how many epochs."""

    candidate: str
    settings: Mapping[str, Any]
    epochs: int


@dataclass(frozen=True)
class Descent:
    """Gradient descent with so many samples a step (None: all of them), at the best of the `rates` tried.

    `end` indexes the curve where other artists' inner folds would stop; `accuracy` is measured there.
    """

    samples: int | None
    learning_rate: float
    rates: Floats
    curve: Curve
    end: int
    accuracy: Accuracy


@dataclass(frozen=True)
class Descents:
    """The three regimes of one network, on so many training segments, validated on so many tracks."""

    model: str
    segments: int
    tracks: int
    regimes: Mapping[str, Descent]


@dataclass(frozen=True)
class Result:
    """A system under a split; `confusion[true][named]` counts tracks, averaged over shuffles."""

    accuracy: Accuracy
    shuffles: int
    confusion: tuple[Floats, ...]


@dataclass(frozen=True)
class Reference:
    """What others published: percent right, on which data and split, and where it stands."""

    system: str
    accuracy: float
    data: str
    split: str
    source: str
    link: str


@dataclass(frozen=True)
class Melody:
    """The melody models: tunes by part, learning curves, perplexities by model and kind."""

    tunes: Mapping[str, int]
    curves: Mapping[str, Curve]
    perplexities: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class History:
    """All that the Training tab shows; what was not measured is empty or None."""

    data: Mapping[str, int] = field(default_factory=dict)
    unlabelled_segments: int = 0
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    learning: Mapping[str, Sequence[Curve]] = field(default_factory=dict)
    """By network: the validation folds."""
    descents: Descents | None = None
    splits: Mapping[str, Mapping[str, Result]] = field(default_factory=dict)
    """By split and system."""
    references: Sequence[Reference] = ()
    melody: Melody | None = None

    def __bool__(self) -> bool:
        return self != History()


@cache
def history(folder: Path = METRICS) -> History:
    """What the metrics files in `folder` say; nothing of those that are not there."""
    evaluation, choices = _read(folder, "evaluation"), _read(folder, "choices")
    return History(
        data=evaluation.get("data", {}),
        unlabelled_segments=evaluation.get("unlabelled_segments", 0),
        recipes={model: _recipe(sides[ALL]) for model, sides in choices.get("models", {}).items()},
        learning={
            model: [_by_epoch(fold) for fold in one["folds"]]
            for model, one in _read(folder, "curves").items()
        },
        descents=_descents(_read(folder, "descents")),
        splits={
            split: {name: _result(one) for name, one in evaluation["splits"][split].items()}
            for split in SPLITS
            if split in evaluation.get("splits", {})
        },
        references=tuple(Reference(**one) for one in _read(folder, "references").get("references", ())),
        melody=_melody(_read(folder, "melody")),
    )


def _read(folder: Path, name: str) -> dict[str, Any]:
    path = folder / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _recipe(choice: Mapping[str, Any]) -> Recipe:
    return Recipe(choice["candidate"], choice["recipe"], choice["epochs"])


def _by_epoch(fold: Mapping[str, Sequence[float]]) -> Curve:
    """A training that was looked at after each epoch."""
    epochs = tuple(float(i + 1) for i in range(len(fold["steps"])))
    return Curve(epochs, **{name: tuple(values) for name, values in fold.items()})


def _descents(stored: Mapping[str, Any]) -> Descents | None:
    if not stored:
        return None
    regimes = {name: _descent(one) for name, one in stored["regimes"].items()}
    return Descents(stored["model"], stored["training_segments"], stored["held_out"]["tracks"], regimes)


def _descent(stored: Mapping[str, Any]) -> Descent:
    end, curve = stored["end"], stored["curve"]
    return Descent(
        samples=stored["batch_size"],
        learning_rate=stored["learning_rate"],
        rates=tuple(trial["learning_rate"] for trial in stored["trials"]),
        curve=Curve(**{name: tuple(values) for name, values in curve.items()}),
        end=curve["steps"].index(end["steps"]),
        accuracy=Accuracy(end["validation_accuracy"], *end["interval"]),
    )


def _result(stored: Mapping[str, Any]) -> Result:
    return Result(
        Accuracy(stored["balanced_accuracy"], *stored["interval"]),
        len(stored["shuffles"]),
        tuple(tuple(row) for row in stored["confusion"]),
    )


def _melody(stored: Mapping[str, Any]) -> Melody | None:
    if not stored:
        return None
    networks = {name: model["history"] for name, model in stored["models"].items() if "history" in model}
    return Melody(
        tunes=stored["corpus"]["split"],
        curves={name: _by_epoch(_columns(epochs)) for name, epochs in networks.items()},
        perplexities={name: model["test"] for name, model in stored["models"].items()},
    )


def _columns(rows: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    return {name: [row[name] for row in rows] for name in rows[0]}
