"""Choosing recipes and epoch counts on artists of the training side, never on the folds that are reported.

A shuffle has three folds of artists; while one is reported, the other two are its training side. A network
trained on one fold alone and scored on another so serves as an inner fold of the third: three trainings a
shuffle give every training side its two inner folds.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from genre_models.hub import ASSETS
from genre_models.training.dataset import Dataset
from genre_models.training.folds import N_FOLDS, SHUFFLES, outer_folds, scored_recordings
from genre_models.training.gtzan import DataError
from genre_models.training.jobs import Job, run_jobs
from genre_models.training.loop import Epoch, Run
from genre_models.training.recipes import CANDIDATES, Recipe
from genre_models.training.scores import balanced_accuracy

CHOICES_FILE = ASSETS / "metrics" / "choices.json"
SMOOTHING = 5
"""Epochs over which a validation curve is averaged before its best epoch is read off."""

Curves = dict[tuple[int, int, int], np.ndarray]
"""(shuffle, fold trained on, fold scored) -> balanced accuracy by epoch."""


@dataclass(frozen=True)
class Choice:
    """The recipe and epoch count for one training side, with each candidate's inner balanced accuracy."""

    recipe: Recipe
    epochs: int
    candidate_scores: list[float]


def smoothed(curve: np.ndarray) -> np.ndarray:
    """Each epoch's value averaged with those around it."""
    reach = SMOOTHING // 2
    return np.array([curve[max(0, i - reach) : i + reach + 1].mean() for i in range(len(curve))])


def best_epochs(curves: Sequence[np.ndarray]) -> int:
    """The median over inner folds of the epoch count with the best validation accuracy."""
    return int(np.median([1 + int(smoothed(curve).argmax()) for curve in curves]))


def inner_score(curves: Sequence[np.ndarray], epochs: int) -> float:
    """Mean over inner folds of the validation accuracy after that many epochs."""
    return float(np.mean([smoothed(curve)[epochs - 1] for curve in curves]))


def _accuracy_by_epoch(
    dataset: Dataset, history: Sequence[Epoch], validated: np.ndarray, scored: np.ndarray
) -> np.ndarray:
    inside = np.isin(validated, scored)
    truth = dataset.genre[validated[inside]]
    named = [np.array(epoch.validation_named)[inside] for epoch in history]
    return np.array([balanced_accuracy(truth, answers) for answers in named])


def _inner_curves(dataset: Dataset, models: Sequence[str], workers: int) -> dict[tuple[str, int], Curves]:
    """By network and candidate: all inner curves."""
    tested = {
        (shuffle, i): scored_recordings(dataset, fold.test)
        for shuffle in SHUFFLES["artist"]
        for i, fold in enumerate(outer_folds(dataset, "artist", shuffle))
    }
    jobs, keys = [], []
    for model, shuffle, i in product(models, SHUFFLES["artist"], range(N_FOLDS)):
        segments = outer_folds(dataset, "artist", shuffle)[i].test
        others = np.concatenate([tested[shuffle, j] for j in range(N_FOLDS) if j != i])
        for candidate, recipe in enumerate(CANDIDATES[model]):
            run = Run(segments, recipe, recipe.max_epochs, seed=shuffle, validate_on=others)
            jobs.append(Job(model, run))
            keys.append((model, candidate, shuffle, i))
    results = run_jobs(jobs, dataset, workers, "inner folds")
    curves: dict[tuple[str, int], Curves] = {}
    for (model, candidate, shuffle, i), job, result in zip(keys, jobs, results, strict=True):
        for j in range(N_FOLDS):
            if j != i:
                curves.setdefault((model, candidate), {})[shuffle, i, j] = _accuracy_by_epoch(
                    dataset, result.history, job.run.validate_on, tested[shuffle, j]
                )
    return curves


def _choose(candidates: Sequence[Recipe], curves: Sequence[Sequence[np.ndarray]]) -> Choice:
    epochs = [best_epochs(folds) for folds in curves]
    scores = [inner_score(folds, n) for folds, n in zip(curves, epochs, strict=True)]
    best = int(np.argmax(scores))
    return Choice(candidates[best], epochs[best], scores)


def choose(dataset: Dataset, models: Sequence[str], workers: int) -> dict[str, dict[str, Choice]]:
    """The choice among `recipes.CANDIDATES` for each network and training side.

    The sides are "shuffle/fold" for the nine reported folds, each chosen for without that fold, and "all".
    """
    curves = _inner_curves(dataset, models, workers)

    def choice(model: str, side: tuple[int, int] | None) -> Choice:
        kept = [
            [
                curve
                for (shuffle, *pair), curve in curves[model, i].items()
                if side is None or (shuffle == side[0] and side[1] not in pair)
            ]
            for i in range(len(CANDIDATES[model]))
        ]
        return _choose(CANDIDATES[model], kept)

    sides = list(product(SHUFFLES["artist"], range(N_FOLDS)))
    return {
        model: {
            **{f"{shuffle}/{fold}": choice(model, (shuffle, fold)) for shuffle, fold in sides},
            "all": choice(model, None),
        }
        for model in models
    }


def write_choices(choices: Mapping[str, Mapping[str, Choice]], path: Path = CHOICES_FILE) -> None:
    """Keep the choices as JSON, models that were not chosen for this time as they were."""
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    kept |= {
        model: {side: asdict(choice) for side, choice in sides.items()} for model, sides in choices.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def read_choices(path: Path = CHOICES_FILE) -> dict[str, dict[str, Choice]]:
    """What `write_choices` wrote. Raises `DataError` where nothing was chosen yet."""
    if not path.is_file():
        raise DataError(f"There is no {path}: run train.py choose with this output folder first.")
    stored = json.loads(path.read_text(encoding="utf-8"))
    return {
        model: {
            side: Choice(Recipe(**choice["recipe"]), choice["epochs"], choice["candidate_scores"])
            for side, choice in sides.items()
        }
        for model, sides in stored.items()
    }
