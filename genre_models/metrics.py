"""What was measured, read from the file that `train.py evaluate` wrote."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from genre_models.paths import METRICS

EVALUATION_FILE = METRICS / "evaluation.json"
OUTSIDE_FILE = "outside.json"
"""What `train.py outside` writes, beside the evaluation."""


@dataclass(frozen=True)
class Accuracy:
    """Recall averaged over the genres, 0 to 1, with its 95% interval over artists."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Bin:
    """Answers of like confidence: its mean, the share of them that was right, how many they were."""

    confidence: float
    accuracy: float
    count: int


@dataclass(frozen=True)
class Reliability:
    """How far stated confidence and share of right answers lie apart.

    `ece` is the expected calibration error, 0 to 1 (Naeini, Cooper and Hauskrecht, AAAI 2015), `low` and
    `high` its 95% interval; `nll` the mean negative logarithm of the right genre's probability.
    """

    ece: float
    low: float
    high: float
    nll: float
    bins: tuple[Bin, ...]

    def near(self, confidence: float) -> Bin | None:
        """The answers whose confidence was closest to this one; None where none were near it.

        Bins reach half-way to their neighbours, and the two outermost as far to their other side.
        """
        filled = sorted((each for each in self.bins if each.count), key=lambda each: each.confidence)
        means = [each.confidence for each in filled]
        if len(means) < 2:
            return None
        lowest, highest = (3 * means[0] - means[1]) / 2, (3 * means[-1] - means[-2]) / 2
        if not lowest <= confidence <= highest:
            return None
        return min(filled, key=lambda each: abs(each.confidence - confidence))


@dataclass(frozen=True)
class Calibration:
    """The verdict's reliability on unseen artists, before and after its calibration."""

    before: Reliability
    after: Reliability


@dataclass(frozen=True)
class Conditions:
    """Balanced accuracy of each system under each recording condition; `titles` in the order to show."""

    titles: Mapping[str, str]
    systems: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Outside:
    """Recordings of a style that is none of the ten genres, and of how many the app was sure of a genre."""

    style: str
    recordings: int
    sure: int


@dataclass(frozen=True)
class Measured:
    """All that the pages say about the models' quality; empty for models that were not measured."""

    accuracies: Mapping[str, Accuracy] = field(default_factory=dict)
    calibration: Calibration | None = None
    conditions: Conditions | None = None
    outside: tuple[Outside, ...] = ()


@cache
def evaluation(path: Path = EVALUATION_FILE) -> dict[str, Any]:
    """The whole evaluation, as written; empty where none was made yet."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def accuracies(path: Path = EVALUATION_FILE) -> dict[str, Accuracy]:
    """Balanced accuracy of each system ("mlp", ..., "verdict", "baseline") on artists it never heard."""
    systems = evaluation(path).get("splits", {}).get("artist", {})
    return {
        name: Accuracy(result["balanced_accuracy"], *result["interval"]) for name, result in systems.items()
    }


def calibration(path: Path = EVALUATION_FILE) -> Calibration | None:
    """How reliable the verdict's confidence is; None where that was not measured."""
    stages = evaluation(path).get("calibration")
    return Calibration(_reliability(stages["before"]), _reliability(stages["after"])) if stages else None


def _reliability(stage: dict[str, Any]) -> Reliability:
    low, high = stage["interval"]
    bins = tuple(Bin(each["confidence"], each["accuracy"], each["count"]) for each in stage["bins"])
    return Reliability(stage["ece"], low, high, stage["nll"], bins)


def conditions(path: Path = EVALUATION_FILE) -> Conditions | None:
    """Accuracy by recording condition; None where that was not measured."""
    measured = evaluation(path).get("conditions", {})
    if "systems" not in measured:
        return None
    return Conditions({name: measured["titles"][name] for name in measured["order"]}, measured["systems"])


def outside(path: Path = METRICS / OUTSIDE_FILE) -> tuple[Outside, ...]:
    """How sure the app was of music that is none of the ten genres; none where that was not measured."""
    styles = evaluation(path).get("styles", {})
    return tuple(
        Outside(style, row["recordings"], row["answers"]["sure"]["count"]) for style, row in styles.items()
    )


def measured(path: Path = EVALUATION_FILE) -> Measured:
    """All of these, for the models that the evaluation was made with."""
    return Measured(
        accuracies(path), calibration(path), conditions(path), outside(path.with_name(OUTSIDE_FILE))
    )
