"""Choosing recipes and epoch counts on inner folds of other artists, never on the folds that are reported."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genre_models.hub import ASSETS
from genre_models.training.dataset import Dataset
from genre_models.training.folds import SHUFFLES, inner_folds, outer_folds, tested_in
from genre_models.training.jobs import Job, Result, run_jobs
from genre_models.training.loop import Epoch, Run
from genre_models.training.recipes import CANDIDATES, Recipe

CHOICES_FILE = ASSETS / "metrics" / "choices.json"
SMOOTHING = 5
"""Epochs over which a validation curve is averaged before its best epoch is read off."""


@dataclass(frozen=True)
class Choice:
    """The recipe and epoch count for one training side, with each candidate's inner balanced accuracy."""

    recipe: Recipe
    epochs: int
    candidate_scores: list[float]


def smoothed(history: Sequence[Epoch]) -> np.ndarray:
    """Validation accuracy by epoch, averaged over the epochs around each."""
    curve = np.array([epoch.validation_accuracy for epoch in history], dtype=float)
    reach = SMOOTHING // 2
    return np.array([curve[max(0, i - reach) : i + reach + 1].mean() for i in range(len(curve))])


def best_epochs(histories: Sequence[Sequence[Epoch]]) -> int:
    """The median over the inner folds of the epoch count with the best validation accuracy."""
    return int(np.median([1 + int(smoothed(history).argmax()) for history in histories]))


def inner_score(histories: Sequence[Sequence[Epoch]], epochs: int) -> float:
    """Mean over the inner folds of the validation accuracy after that many epochs."""
    return float(np.mean([smoothed(history)[epochs - 1] for history in histories]))


def inner_jobs(dataset: Dataset, model: str, segments: np.ndarray, recipe: Recipe, seed: int) -> list[Job]:
    """One training per inner fold, scored after each epoch on the artists left out."""
    return [
        Job(
            model,
            Run(fold.train, recipe, recipe.max_epochs, seed, validate_on=tested_in(dataset, fold.test)),
            np.array([], dtype=int),
        )
        for fold in inner_folds(dataset, segments)
    ]


def training_sides(dataset: Dataset) -> dict[str, np.ndarray]:
    """Every training side that a choice is made for: those of the nine reported folds, and all the data."""
    sides = {
        f"{shuffle}/{i}": fold.train
        for shuffle in SHUFFLES
        for i, fold in enumerate(outer_folds(dataset, "artist", shuffle))
    }
    return {**sides, "all": np.arange(len(dataset.recording))}


def _choose(candidates: Sequence[Recipe], results: Sequence[Sequence[Result]]) -> Choice:
    histories = [[result.history for result in folds] for folds in results]
    epochs = [best_epochs(folds) for folds in histories]
    scores = [inner_score(folds, n) for folds, n in zip(histories, epochs, strict=True)]
    best = int(np.argmax(scores))
    return Choice(candidates[best], epochs[best], scores)


def choose(dataset: Dataset, models: Sequence[str], workers: int) -> dict[str, dict[str, Choice]]:
    """The choice for each model and training side, from `recipes.CANDIDATES`."""
    sides = training_sides(dataset)
    jobs, keys = [], []
    for model in models:
        for side, segments in sides.items():
            for i, recipe in enumerate(CANDIDATES[model]):
                for job in inner_jobs(dataset, model, segments, recipe, seed=0):
                    jobs.append(job)
                    keys.append((model, side, i))
    results = run_jobs(jobs, dataset, workers, "inner folds")
    found: dict[tuple[str, str, int], list[Result]] = {}
    for key, result in zip(keys, results, strict=True):
        found.setdefault(key, []).append(result)
    return {
        model: {
            side: _choose(CANDIDATES[model], [found[model, side, i] for i in range(len(CANDIDATES[model]))])
            for side in sides
        }
        for model in models
    }


def write_choices(choices: dict[str, dict[str, Choice]], path: Path = CHOICES_FILE) -> None:
    """Keep the choices as JSON, models that were not chosen for this time as they were."""
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    kept |= {
        model: {side: asdict(choice) for side, choice in sides.items()} for model, sides in choices.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def read_choices(path: Path = CHOICES_FILE) -> dict[str, dict[str, Choice]]:
    """What `write_choices` wrote."""
    stored = json.loads(path.read_text(encoding="utf-8"))
    return {
        model: {
            side: Choice(Recipe(**choice["recipe"]), choice["epochs"], choice["candidate_scores"])
            for side, choice in sides.items()
        }
        for model, sides in stored.items()
    }
