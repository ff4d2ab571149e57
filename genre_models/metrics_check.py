"""Metrics files that came with models from elsewhere: used only if they look as `train.py` writes them."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from genre_models.classifiers import GENRES
from genre_models.melody.tunes import METRICS_FILE, Repertoire, load_repertoire
from genre_models.metrics import OUTSIDE_FILE, Measured, measured

MOST_TEXT = 80  # characters of a name or title
MOST_ENTRIES = 200
HIGHEST_PITCH = 127  # of MIDI
EVALUATION = "evaluation.json"


class MetricsError(ValueError):
    """A metrics file that cannot be used; the message says which."""


def read_measured(folder: Path) -> Measured:
    """What evaluation.json and outside.json in `folder` say of the models; nothing without the former.

    Raises `MetricsError` where it does not hold shares between 0 and 1 and all else that the pages show.
    """
    file = folder / EVALUATION
    if not file.is_file():
        return Measured()
    _check(file, "evaluate", _check_evaluation)
    if (beside := folder / OUTSIDE_FILE).is_file():
        _check(beside, "outside", _check_outside)
    return measured(file)


def _check(file: Path, command: str, check: Callable[[Any], None]) -> None:
    try:
        check(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MetricsError(f"{file} does not hold what train.py {command} writes.") from error


def read_repertoire(folder: Path) -> Repertoire:
    """What a melody model was trained on, by the metrics in its folder; nothing where they do not say.

    Raises `MetricsError` where they hold something else.
    """
    try:
        repertoire = load_repertoire(folder)
        for pitch in (repertoire.lowest, repertoire.highest):
            _whole(pitch, most=HIGHEST_PITCH)
        _whole(repertoire.tunes)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise MetricsError(f"{folder / METRICS_FILE} does not hold what train.py melody writes.") from error
    return repertoire


def read_perplexity(folder: Path) -> float | None:
    """A melody model's perplexity per note on tunes never heard; None where its metrics do not say."""
    try:
        metrics = json.loads((folder / METRICS_FILE).read_text(encoding="utf-8"))
        return _number(metrics["perplexity"]["transformer"]["note"], low=1.0)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def read_recipe(folder: Path) -> Mapping[str, Any]:
    """How a network was trained, by the metrics in its folder; {} where they do not say."""
    try:
        metrics = json.loads((folder / METRICS_FILE).read_text(encoding="utf-8"))
        recipe = {**metrics["recipe"], "epochs": metrics.get("epochs")}
        _check_recipe(recipe)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return recipe


def _check_recipe(recipe: Mapping[str, Any]) -> None:
    if "learning_rate" in recipe:
        _number(recipe["learning_rate"])
        _whole(recipe["epochs"])
        _whole(recipe["batch_size"])
    distant = recipe.get("distant") or {}
    for name in (*_items(recipe.get("conditions", [])), *_items(distant.get("conditions", []))):
        _text(name)


def _check_evaluation(evaluation: Any) -> None:
    for split in _entries(evaluation.get("splits", {})).values():
        for result in _entries(split).values():
            _check_system(result)
    for stage in _entries(evaluation.get("calibration", {})).values():
        _check_reliability(stage)
    if "systems" in (conditions := evaluation.get("conditions", {})):
        _check_conditions(conditions)
    for pair in _items(evaluation.get("differences", [])):
        _text(pair["system"])
        _text(pair["against"])
        _number(pair["difference"], low=-1.0, high=1.0)
        _interval(pair["interval"], low=-1.0)
    for count in _entries(evaluation.get("data", {})).values():
        _whole(count)
    for share in _entries(evaluation.get("verdicts", {})).values():
        _share(share)


def _check_outside(measured: Mapping[str, Any]) -> None:
    for row in _entries(measured["styles"]).values():
        if row["recordings"] is None or row["answers"]["sure"]["count"] is None:
            raise TypeError("a count is missing")
        _whole(row["recordings"])
        _whole(row["answers"]["sure"]["count"], most=row["recordings"])


def _check_system(result: Mapping[str, Any]) -> None:
    _share(result["balanced_accuracy"])
    _interval(result["interval"])
    if "recall" in result:
        for genre in GENRES:
            _share(result["recall"][genre])
    if "confusion" in result:
        rows = _items(result["confusion"], exactly=len(GENRES))
        for row in rows:
            for count in _items(row, exactly=len(GENRES)):
                _number(count)


def _check_reliability(stage: Mapping[str, Any]) -> None:
    _share(stage["ece"])
    _interval(stage["interval"])
    _number(stage["nll"])
    for each in _items(stage["bins"]):
        _share(each["confidence"])
        _share(each["accuracy"])
        _whole(each["count"])


def _check_conditions(conditions: Mapping[str, Any]) -> None:
    order = [_text(name) for name in _items(conditions["order"])]
    for name in order:
        _text(conditions["titles"][name])
    for system in _entries(conditions["systems"]).values():
        if list(_entries(system)) != order:
            raise ValueError("every system has every condition")
        for share in system.values():
            _share(share)


def _number(value: Any, low: float = 0.0, high: float = math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{value!r} is no number")
    if not low <= value <= high:
        raise ValueError(f"{value} is not between {low} and {high}")
    return float(value)


def _share(value: Any) -> None:
    _number(value, high=1.0)


def _interval(value: Any, low: float = 0.0) -> None:
    first, last = (_number(bound, low, 1.0) for bound in _items(value, exactly=2))
    if first > last:
        raise ValueError("an interval runs upwards")


def _whole(value: Any, most: float = math.inf) -> None:
    """A count, or None where nobody counted."""
    if value is not None and (not isinstance(value, int) or _number(value, high=most) != value):
        raise TypeError(f"{value!r} is no count")


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MOST_TEXT:
        raise TypeError("a short text is missing")
    return value


def _items(value: Any, exactly: int | None = None) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) > MOST_ENTRIES or exactly not in {None, len(value)}:
        raise TypeError("a list is missing")
    return value


def _entries(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict) or len(value) > MOST_ENTRIES:
        raise TypeError("a mapping is missing")
    return {_text(name): entry for name, entry in value.items()}
