"""The headline measure, its leaky cousins, and how firmly verdicts stand: one table for every system."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from genre_models.classifiers import GENRES
from genre_models.classify import decide
from genre_models.training import baseline
from genre_models.training.choice import Choice
from genre_models.training.dataset import CONDITIONS, Dataset
from genre_models.training.folds import SHUFFLES, SPLITS, Fold, Split, outer_folds
from genre_models.training.jobs import Job, run_jobs
from genre_models.training.loop import Run, average_over_recordings
from genre_models.training.scores import (
    balanced_accuracy,
    confusion,
    interval,
    paired_interval,
    recalls,
)

OutOfFold = dict[str, np.ndarray]
"""By condition: (shuffles, tested tracks, genres), each track answered by a network that never heard it."""


@dataclass(frozen=True)
class Answers:
    """Out-of-fold probabilities of every system under one split."""

    split: Split
    truth: np.ndarray
    artists: np.ndarray
    systems: dict[str, OutOfFold]


def _all_folds(dataset: Dataset, split: Split) -> list[tuple[int, int, Fold]]:
    return [
        (shuffle, i, fold)
        for shuffle in SHUFFLES[split]
        for i, fold in enumerate(outer_folds(dataset, split, shuffle))
    ]


def network_jobs(dataset: Dataset, split: Split, model: str, choices: Mapping[str, Choice]) -> list[Job]:
    """One network's trainings under a split.

    By artist each fold has the choice made on its own training side; the other two splits, shown only for
    comparison, take the choice made on all the data.
    """
    jobs = []
    for shuffle, i, fold in _all_folds(dataset, split):
        choice = choices[f"{shuffle}/{i}" if split == "artist" else "all"]
        jobs.append(Job(model, Run(fold.train, choice.recipe, choice.epochs, seed=shuffle), fold.test))
    return jobs


def _pool(
    dataset: Dataset, split: Split, answers: Sequence[Mapping[str, np.ndarray]], conditions: Sequence[str]
) -> OutOfFold:
    """Answers of each fold's test segments -> out-of-fold means over the segments of each tested track."""
    every = np.arange(len(dataset.recordings))
    pooled = {}
    for condition in conditions:
        by_shuffle = np.full((len(SHUFFLES[split]), len(dataset.recording), len(GENRES)), np.nan)
        for (shuffle, _, fold), answer in zip(_all_folds(dataset, split), answers, strict=True):
            by_shuffle[SHUFFLES[split].index(shuffle), fold.test] = answer[condition]
        pooled[condition] = np.stack(
            [average_over_recordings(dataset, every, one)[dataset.tested] for one in by_shuffle]
        )
    return pooled


def _baseline_answers(dataset: Dataset, split: Split) -> list[dict[str, np.ndarray]]:
    mfccs = dataset.mfccs["clean"]
    return [
        {"clean": baseline.scores(mfccs, dataset.labels, fold.train, fold.test)}
        for _, _, fold in _all_folds(dataset, split)
    ]


def answer(
    dataset: Dataset, choices: Mapping[str, Mapping[str, Choice]], split: Split, workers: int
) -> Answers:
    """Train every network on every fold of a split and collect the out-of-fold answers."""
    jobs = [job for model in choices for job in network_jobs(dataset, split, model, choices[model])]
    results = iter(run_jobs(jobs, dataset, workers, f"folds by {split}"))
    n_folds = len(_all_folds(dataset, split))
    conditions = ("clean", *CONDITIONS)
    systems = {
        model: _pool(dataset, split, [next(results).probabilities for _ in range(n_folds)], conditions)
        for model in choices
    }
    systems["average"] = {
        name: np.mean([system[name] for system in systems.values()], axis=0) for name in conditions
    }
    systems["baseline"] = _pool(dataset, split, _baseline_answers(dataset, split), ["clean"])
    artists = np.array([dataset.recordings[i].group for i in dataset.tested])
    return Answers(split, dataset.genre[dataset.tested], artists, systems)


def _share_right(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(shuffles, tracks, genres) -> share of the shuffles in which each track was named rightly."""
    right: np.ndarray = (probabilities.argmax(axis=2) == truth).mean(axis=0)
    return right


def score(answers: Answers) -> dict[str, Any]:
    """Each system's balanced accuracy with interval, by shuffle and by genre, and its confusion matrix."""
    truth, scored = answers.truth, {}
    for name, system in answers.systems.items():
        named = system["clean"].argmax(axis=2)  # (shuffles, tracks)
        by_shuffle = [balanced_accuracy(truth, one) for one in named]
        recall = np.mean([recalls(truth, one) for one in named], axis=0)
        scored[name] = {
            "balanced_accuracy": float(np.mean(by_shuffle)),
            "interval": interval(truth, answers.artists, _share_right(truth, system["clean"])),
            "shuffles": by_shuffle,
            "recall": dict(zip(GENRES, recall.tolist(), strict=True)),
            "confusion": np.mean([confusion(truth, one) for one in named], axis=0).round(3).tolist(),
        }
    return scored


def compare(answers: Answers) -> list[dict[str, Any]]:
    """Paired differences: every network and the average against the baseline, the average against each."""
    right = {name: _share_right(answers.truth, system["clean"]) for name, system in answers.systems.items()}
    networks = [name for name in right if name not in ("average", "baseline")]
    pairs = [(name, "baseline") for name in (*networks, "average")]
    pairs += [("average", name) for name in networks]
    return [
        {
            "system": one,
            "against": other,
            "difference": balanced(answers.truth, right[one]) - balanced(answers.truth, right[other]),
            "interval": paired_interval(answers.truth, answers.artists, right[one], right[other]),
        }
        for one, other in pairs
    ]


def balanced(truth: np.ndarray, right: np.ndarray) -> float:
    """Mean over the genres of the mean of `right` (tracks,) in each."""
    return float(np.mean([right[truth == genre].mean() for genre in np.unique(truth)]))


def firmness(dataset: Dataset, answers: Answers) -> dict[str, Any]:
    """On all clips: the share of the average's verdicts that stay under each condition, and its accuracy."""
    clips = np.array([dataset.recordings[i].kind == "clip" for i in dataset.tested])
    truth, average = answers.truth[clips], answers.systems["average"]
    clean = average["clean"][:, clips].argmax(axis=2)
    changed = {name: average[name][:, clips].argmax(axis=2) for name in CONDITIONS}
    return {
        "clips": int(clips.sum()),
        "accuracy": float((clean == truth).mean()),
        **{
            name: {"verdict_stays": float((one == clean).mean()), "accuracy": float((one == truth).mean())}
            for name, one in changed.items()
        },
    }


def sureness(answers: Answers) -> dict[str, float]:
    """How often the app would say it is sure, and how often each kind of verdict is right."""
    networks = [name for name in answers.systems if name not in ("average", "baseline")]
    verdicts, right, listed = [], [], []
    for shuffle in range(len(SHUFFLES["artist"])):
        for track, truth in enumerate(answers.truth):
            said = {
                name: torch.from_numpy(answers.systems[name]["clean"][shuffle, track])[None]
                for name in networks
            }
            verdict = decide(said)
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


def evaluate(
    dataset: Dataset, choices: Mapping[str, Mapping[str, Choice]], split: Split, workers: int
) -> dict[str, Any]:
    """What the app and the README show of one split; by artist also differences, conditions and verdicts."""
    answers = answer(dataset, choices, split, workers)
    evaluation: dict[str, Any] = {"splits": {split: score(answers)}}
    if split == "artist":
        evaluation["differences"] = compare(answers)
        evaluation["conditions"] = firmness(dataset, answers)
        evaluation["verdicts"] = sureness(answers)
    return evaluation


def table(evaluation: Mapping[str, Any]) -> str:
    """The evaluation as Markdown: accuracies by split, paired differences, recall by genre."""
    splits = evaluation["splits"]
    measured = [split for split in SPLITS if split in splits]
    titles = [f"by {split}{' (leaky)' if split == 'segment' else ''}" for split in measured]
    lines = [f"| system | {' | '.join(titles)} |", "|---" * (len(measured) + 1) + "|"]
    for name in splits[measured[0]]:
        cells = [_with_interval(splits[split][name]) for split in measured]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    if "artist" not in splits:
        return "\n".join(lines)
    lines += ["", "| paired difference, by artist | points | 95% interval |", "|---|---|---|"]
    for pair in evaluation["differences"]:
        low, high = pair["interval"]
        name = f"{pair['system']} - {pair['against']}"
        lines.append(f"| {name} | {100 * pair['difference']:+.1f} | {100 * low:+.1f} to {100 * high:+.1f} |")
    lines += ["", f"| recall, by artist | {' | '.join(GENRES)} |", "|---" * (len(GENRES) + 1) + "|"]
    for name, result in splits["artist"].items():
        recall = [f"{100 * result['recall'][genre]:.0f}" for genre in GENRES]
        lines.append(f"| {name} | {' | '.join(recall)} |")
    return "\n".join(lines)


def _with_interval(result: Mapping[str, Any]) -> str:
    low, high = result["interval"]
    return f"{100 * result['balanced_accuracy']:.1f}% ({100 * low:.1f} to {100 * high:.1f})"
