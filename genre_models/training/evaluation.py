"""The headline measure, its leaky cousins, recording conditions and calibration: for every system."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genre_models.classifiers import GENRES, NETWORKS, MusiCNNClassifier
from genre_models.classifiers.heads import UNLIKE
from genre_models.musicnn import TAGS
from genre_models.training import baseline, calibration
from genre_models.training.choice import ALL, Choice, Choices
from genre_models.training.dataset import Dataset
from genre_models.training.folds import SHUFFLES, Fold, Split, outer_folds
from genre_models.training.head import HeadAnswers, HeadRecipe, for_restored, head_answers
from genre_models.training.jobs import Job, run_jobs
from genre_models.training.loop import Run, average_over_recordings
from genre_models.training.recipes import Recipe
from genre_models.training.recording_conditions import CLEAN, CONDITIONS
from genre_models.training.restoring import restored
from genre_models.training.scores import (
    balanced_accuracy,
    confusion,
    interval,
    paired_difference,
    recalls,
)
from genre_models.verdict import Combination, decide, hedge, outside

OutOfFold = dict[str, np.ndarray]
"""By condition: (shuffles, tested tracks, genres), each track answered by a model that never heard it."""

FoldAnswers = list[dict[str, np.ndarray]]
"""For each fold of each shuffle, by condition: log-probabilities of its test segments."""

VERDICT, PLAIN, BASELINE = "verdict", "plain average", "baseline"


@dataclass(frozen=True)
class Answers:
    """Out-of-fold probabilities of every system under one split.

    `unlike` tells by condition of which tracks (shuffles, tested tracks) the verdict asks MusiCNN alone.
    """

    split: Split
    truth: np.ndarray
    artists: np.ndarray
    systems: dict[str, OutOfFold]
    unlike: dict[str, np.ndarray]

    @property
    def models(self) -> list[str]:
        """The systems that are one model."""
        return [name for name in self.systems if name not in (VERDICT, PLAIN, BASELINE)]


@dataclass(frozen=True)
class _OuterFold:
    shuffle: int
    fold: Fold
    side: str
    """By artist each fold has the choices made on its own training side; the other two splits, shown only
    for comparison, take the choices made on all the data."""


def _outer(dataset: Dataset, split: Split) -> list[_OuterFold]:
    return [
        _OuterFold(shuffle, fold, f"{shuffle}/{i}" if split == "artist" else ALL)
        for shuffle in SHUFFLES[split]
        for i, fold in enumerate(outer_folds(dataset, split, shuffle))
    ]


def network_jobs(dataset: Dataset, split: Split, choices: Mapping[str, Choice], model: str) -> list[Job]:
    """One network's trainings under a split."""
    jobs = []
    for outer in _outer(dataset, split):
        choice = choices[outer.side]
        if isinstance(choice.recipe, Recipe):
            run = Run(outer.fold.train, choice.recipe, choice.epochs, seed=outer.shuffle)
            jobs.append(Job(model, run, outer.fold.test))
    return jobs


def _network_answers(
    dataset: Dataset,
    choices: Mapping[str, Mapping[str, Choice]],
    split: Split,
    workers: int,
    cache: Path,
) -> dict[str, FoldAnswers]:
    networks = [model for model in NETWORKS if model in choices]
    jobs = [job for model in networks for job in network_jobs(dataset, split, choices[model], model)]
    results = iter(run_jobs(jobs, dataset, workers, f"folds by {split}", cache))
    return {model: [next(results).answers for _ in _outer(dataset, split)] for model in networks}


def _head_answers(
    dataset: Dataset, choices: Mapping[str, Choice], split: Split, workers: int, cache: Path
) -> list[HeadAnswers]:
    """By artist each fold has a restorer of its own; the splits that show good recordings alone have none."""
    folds = _outer(dataset, split)
    sides = [outer.fold.train for outer in folds]
    heard = (
        [one.heard for one in restored(dataset, sides, workers, cache)] if split == "artist" else repeat(None)
    )
    answers = []
    for outer, given in zip(folds, heard, strict=False):
        recipe = choices[outer.side].recipe
        if isinstance(recipe, HeadRecipe):
            used = recipe if given is None else for_restored(recipe)
            answers.append(head_answers(dataset, outer.fold.train, used, outer.fold.test, given))
    return answers


def _calibrated(
    dataset: Dataset, split: Split, answers: FoldAnswers, choices: Mapping[str, Choice] | None
) -> FoldAnswers:
    """Probabilities at each side's temperature; as they are where there are no choices."""
    return [
        {
            name: calibration.tempered(logs, 1.0 if choices is None else choices[outer.side].temperature)
            for name, logs in answer.items()
        }
        for outer, answer in zip(_outer(dataset, split), answers, strict=True)
    ]


def _over_tracks(dataset: Dataset, split: Split, answers: FoldAnswers) -> OutOfFold:
    """(segments, values) for each fold's test segments -> out-of-fold means over those of a tested track."""
    every = np.arange(len(dataset.recordings))
    pooled = {}
    for condition in answers[0]:
        n_values = answers[0][condition].shape[1]
        by_shuffle = np.full((len(SHUFFLES[split]), len(dataset.recording), n_values), np.nan)
        for outer, answer in zip(_outer(dataset, split), answers, strict=True):
            by_shuffle[SHUFFLES[split].index(outer.shuffle), outer.fold.test] = answer[condition]
        pooled[condition] = np.stack(
            [average_over_recordings(dataset, every, one)[dataset.tested] for one in by_shuffle]
        )
    return pooled


def _sides(dataset: Dataset, split: Split) -> np.ndarray:
    """The side that each tested track is answered from, (shuffles, tested tracks)."""
    sides = np.full((len(SHUFFLES[split]), len(dataset.recording)), "", dtype=object)
    for outer in _outer(dataset, split):
        sides[SHUFFLES[split].index(outer.shuffle), outer.fold.test] = outer.side
    first = np.searchsorted(dataset.recording, dataset.tested)
    return sides[:, first]


def _verdict(
    sides: np.ndarray,
    pools: Mapping[str, Mapping[str, float]],
    systems: Mapping[str, OutOfFold],
    unlike: Mapping[str, np.ndarray],
) -> OutOfFold:
    """Every track's verdict, each model counting as was settled on the track's training side.

    As in the app, of a track that is `unlike` good recordings, (shuffles, tracks) by condition, only MusiCNN
    is asked.
    """
    verdict = {}
    for condition in (CLEAN, *CONDITIONS):
        logs = np.log(np.maximum(np.stack([system[condition] for system in systems.values()]), 1e-6))
        verdict[condition] = np.full(logs.shape[1:], np.nan)
        for side in np.unique(sides.astype(str)):
            here = sides == side
            weights = [pools[side][name] for name in systems]
            verdict[condition][here] = calibration.pooled(weights, logs[:, here])
        if MusiCNNClassifier.name in systems:
            ear = systems[MusiCNNClassifier.name][condition]
            verdict[condition][unlike[condition]] = ear[unlike[condition]]
    return verdict


def _baseline_answers(dataset: Dataset, split: Split) -> FoldAnswers:
    mfccs = dataset.mfccs["clean"]
    return [
        {"clean": baseline.scores(mfccs, dataset.labels, fold.train, fold.test)}
        for fold in (outer.fold for outer in _outer(dataset, split))
    ]


def _hedged(dataset: Dataset, probabilities: np.ndarray) -> np.ndarray:
    """As the app does, less sure of what MusiCNN hears as none of the genres, (shuffles, tracks, genres).

    The order of the genres stays, so that only confidence changes.
    """
    every = np.arange(len(dataset.recordings))
    of_tracks = average_over_recordings(dataset, every, dataset.tags.numpy())[dataset.tested]
    shares = [outside(dict(zip(TAGS, row.tolist(), strict=True))).share for row in of_tracks]
    return np.stack(
        [hedge(torch.from_numpy(probabilities[:, i]), share).numpy() for i, share in enumerate(shares)],
        axis=1,
    )


def answer(dataset: Dataset, choices: Choices, split: Split, workers: int, cache: Path) -> Answers:
    """Train every model on every fold of a split and collect the out-of-fold answers."""
    said = _network_answers(dataset, choices.models, split, workers, cache)
    unlike = {}
    if MusiCNNClassifier.name in choices.models:
        ear = _head_answers(dataset, choices.models[MusiCNNClassifier.name], split, workers, cache)
        said[MusiCNNClassifier.name] = [one.answers for one in ear]
        judged = [{name: values[:, None] for name, values in one.unlike.items()} for one in ear]
        unlike = {
            name: shares[..., 0] > UNLIKE for name, shares in _over_tracks(dataset, split, judged).items()
        }
    systems = {
        model: _over_tracks(dataset, split, _calibrated(dataset, split, answers, choices.models[model]))
        for model, answers in said.items()
    }
    raw = [_over_tracks(dataset, split, _calibrated(dataset, split, one, None)) for one in said.values()]
    verdict = _verdict(_sides(dataset, split), choices.pools, systems, unlike)
    verdict[CLEAN] = _hedged(dataset, verdict[CLEAN])
    systems[VERDICT] = verdict
    systems[PLAIN] = {name: np.mean([one[name] for one in raw], axis=0) for name in (CLEAN, *CONDITIONS)}
    systems[BASELINE] = _over_tracks(dataset, split, _baseline_answers(dataset, split))
    artists = np.array([dataset.recordings[i].group for i in dataset.tested])
    return Answers(split, dataset.genre[dataset.tested], artists, systems, unlike)


def _share_right(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(shuffles, tracks, genres) -> share of the shuffles in which each track was named rightly."""
    right: np.ndarray = (probabilities.argmax(axis=2) == truth).mean(axis=0)
    return right


def score(answers: Answers) -> dict[str, Any]:
    """Each system's balanced accuracy with interval, by shuffle and by genre, and its confusion matrix."""
    truth, scored = answers.truth, {}
    for name, system in answers.systems.items():
        named = system[CLEAN].argmax(axis=2)  # (shuffles, tracks)
        by_shuffle = [balanced_accuracy(truth, one) for one in named]
        recall = np.mean([recalls(truth, one) for one in named], axis=0)
        scored[name] = {
            "balanced_accuracy": float(np.mean(by_shuffle)),
            "interval": interval(truth, answers.artists, _share_right(truth, system[CLEAN])),
            "shuffles": by_shuffle,
            "recall": dict(zip(GENRES, recall.tolist(), strict=True)),
            "confusion": np.mean([confusion(truth, one) for one in named], axis=0).round(3).tolist(),
        }
    return scored


def compare(answers: Answers) -> list[dict[str, Any]]:
    """Paired differences: every model and the verdict against the baseline, the verdict against each."""
    right = {name: _share_right(answers.truth, system[CLEAN]) for name, system in answers.systems.items()}
    pairs = [(name, BASELINE) for name in (*answers.models, VERDICT)]
    pairs += [(VERDICT, name) for name in (*answers.models, PLAIN)]
    return [
        {
            "system": one,
            "against": other,
            **paired_difference(answers.truth, answers.artists, right[one], right[other]),
        }
        for one, other in pairs
    ]


def under_conditions(answers: Answers) -> dict[str, Any]:
    """The headline measure of every model and the verdict under each recording condition.

    "calibration_errors" are those of the verdict.
    """
    names = [*answers.models, VERDICT]
    return {
        "order": [CLEAN, *CONDITIONS],
        "titles": {CLEAN: "as it is", **{name: one.title for name, one in CONDITIONS.items()}},
        "systems": {
            name: {
                condition: _headline(answers.truth, answers.systems[name][condition])
                for condition in (CLEAN, *CONDITIONS)
            }
            for name in names
        },
        "differences": {
            condition: paired_difference(
                answers.truth,
                answers.artists,
                _share_right(answers.truth, answers.systems[VERDICT][condition]),
                _share_right(answers.truth, answers.systems[VERDICT][CLEAN]),
            )
            for condition in CONDITIONS
        },
        "calibration_errors": {
            condition: calibration.calibration_error(*_pooled_over_shuffles(answers, VERDICT, condition)[:2])
            for condition in (CLEAN, *CONDITIONS)
        },
    }


def _headline(truth: np.ndarray, probabilities: np.ndarray) -> float:
    return float(np.mean([balanced_accuracy(truth, one.argmax(axis=1)) for one in probabilities]))


def _pooled_over_shuffles(
    answers: Answers, system: str, condition: str = CLEAN
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All out-of-fold answers of a system under a condition: (n, genres), truth (n,), artists (n,)."""
    probabilities = answers.systems[system][condition]
    times = len(probabilities)
    flat = probabilities.reshape(-1, probabilities.shape[-1])
    return flat, np.tile(answers.truth, times), np.tile(answers.artists, times)


def calibrated(answers: Answers) -> dict[str, Any]:
    """How well confidence fits accuracy: the models' plain average before, the verdict after."""
    return {
        "before": calibration.describe(*_pooled_over_shuffles(answers, PLAIN)),
        "after": calibration.describe(*_pooled_over_shuffles(answers, VERDICT)),
    }


def sureness(answers: Answers) -> dict[str, float]:
    """How often the app would say it is sure, and how often each kind of verdict is right."""
    verdicts, right, listed = [], [], []
    for shuffle, probabilities in enumerate(answers.systems[VERDICT][CLEAN]):
        for track, truth in enumerate(answers.truth):
            together = torch.from_numpy(probabilities[track])
            means = {
                name: torch.from_numpy(answers.systems[name][CLEAN][shuffle, track])
                for name in answers.models
            }
            verdict = decide(means, together)
            verdicts.append(verdict.sure)
            right.append(verdict.genre == GENRES[truth])
            listed.append(GENRES[truth] in verdict.candidates)
    sure, correct, among = np.array(verdicts), np.array(right), np.array(listed)
    return {
        "sure_share": float(sure.mean()),
        "accuracy_when_sure": float(correct[sure].mean()) if sure.any() else 0.0,
        "accuracy_when_not": float(correct[~sure].mean()) if (~sure).any() else 0.0,
        "candidates_hold_truth": float(among[~sure].mean()) if (~sure).any() else 0.0,
    }


def combination(answers: Answers) -> Combination:
    """For the app: weights for every set of models, fitted to all out-of-fold answers.

    All recording conditions count alike, but without the tracks that are unlike good recordings.
    """
    every = np.ones_like(answers.systems[VERDICT][CLEAN][..., 0], dtype=bool)  # (shuffles, tracks)
    like = {name: every & ~answers.unlike.get(name, ~every) for name in (CLEAN, *CONDITIONS)}
    flat = {
        name: np.concatenate([answers.systems[name][one][kept] for one, kept in like.items()])
        for name in answers.models
    }
    truth = np.concatenate([np.broadcast_to(answers.truth, kept.shape)[kept] for kept in like.values()])
    sets = [
        names for size in range(1, len(answers.models) + 1) for names in combinations(answers.models, size)
    ]
    return Combination(
        {
            frozenset(names): calibration.fit_pool({name: flat[name] for name in names}, truth)
            for names in sets
        }
    )


def evaluate(
    dataset: Dataset, choices: Choices, split: Split, workers: int, cache: Path
) -> tuple[dict[str, Any], Answers]:
    """What the app and the README show of one split; by artist also all that follows from it.

    Finished runs are kept in `cache`.
    """
    answers = answer(dataset, choices, split, workers, cache)
    evaluation: dict[str, Any] = {"splits": {split: score(answers)}}
    if split == "artist":
        evaluation["differences"] = compare(answers)
        evaluation["conditions"] = under_conditions(answers)
        evaluation["unlike"] = {name: float(flags.mean()) for name, flags in answers.unlike.items()}
        evaluation["calibration"] = calibrated(answers)
        evaluation["verdicts"] = sureness(answers)
    return evaluation, answers
