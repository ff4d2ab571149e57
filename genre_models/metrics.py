"""The measured accuracies, read from the file that `train.py evaluate` wrote."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from genre_models.hub import ASSETS

EVALUATION_FILE = ASSETS / "metrics" / "evaluation.json"


@dataclass(frozen=True)
class Accuracy:
    """Recall averaged over the genres, 0 to 1, with its 95% interval over artists."""

    value: float
    low: float
    high: float


@cache
def evaluation(path: Path = EVALUATION_FILE) -> dict[str, Any]:
    """The whole evaluation, as written; empty where none was made yet."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def accuracies(split: str = "artist", path: Path = EVALUATION_FILE) -> dict[str, Accuracy]:
    """Balanced accuracy of each system ("mlp", ..., "average", "baseline") under a split.

    `split` is "artist" (no artist on both sides), "track" or "segment" (leaky).
    """
    systems = evaluation(path).get("splits", {}).get(split, {})
    return {
        name: Accuracy(result["balanced_accuracy"], *result["interval"]) for name, result in systems.items()
    }
