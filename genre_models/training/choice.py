"""Choosing recipes, epoch counts and calibration on artists of the training side, never on reported folds.

A shuffle has three folds of artists; while one is reported, the other two are its training side. A model
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

from genre_models.classifiers import NETWORKS, MusiCNNClassifier
from genre_models.classifiers.heads import UNLIKE
from genre_models.paths import METRICS
from genre_models.training.calibration import fit_pool, fit_temperature, tempered
from genre_models.training.dataset import Dataset
from genre_models.training.files import DataError, write_json
from genre_models.training.folds import N_FOLDS, SHUFFLES, outer_folds, scored_recordings
from genre_models.training.head import HEAD_CANDIDATES, HeadRecipe, head_answers
from genre_models.training.jobs import Job, run_jobs
from genre_models.training.loop import Run
from genre_models.training.recipes import CANDIDATES, Recipe
from genre_models.training.recording_conditions import CLEAN, CONDITIONS
from genre_models.training.scores import balanced_accuracy, paired_difference

CHOICES_FILE = METRICS / "choices.json"
ALL = "all"
SMOOTHING = 5
"""Epochs over which a validation curve is averaged before its best epoch is read off."""

AnyRecipe = Recipe | HeadRecipe


@dataclass(frozen=True)
class Choice:
    """What was settled for one model and one training side.

    `scores` are the inner balanced accuracies of all candidates, by name; `epochs` is 1 for a model that
    is not trained by epochs.
    """

    candidate: str
    recipe: AnyRecipe
    epochs: int
    temperature: float
    scores: dict[str, float]


@dataclass(frozen=True)
class Choices:
    """By model and training side: the choice; by side: how much each model counts in the verdict.

    The sides are "shuffle/fold" for the nine reported folds, each chosen for without that fold, and "all".
    """

    models: dict[str, dict[str, Choice]]
    pools: dict[str, dict[str, float]]
    steps: dict[str, list[dict[str, Any]]]

    def on_all(self, models: Sequence[str]) -> dict[str, Choice]:
        """By model: what to train it with on all the data. Raises `DataError` where nothing was chosen."""
        missing = [model for model in models if ALL not in self.models.get(model, {})]
        if missing:
            names, advice = ", ".join(missing), "run train.py choose, or train without --choices."
            raise DataError(f"Nothing was chosen for {names}: {advice}")
        return {model: self.models[model][ALL] for model in models}


def smoothed(curve: np.ndarray) -> np.ndarray:
    """Each epoch's value averaged with those around it."""
    reach = SMOOTHING // 2
    return np.array([curve[max(0, i - reach) : i + reach + 1].mean() for i in range(len(curve))])


def best_epochs(curves: Sequence[np.ndarray]) -> int:
    """The median over inner folds of the epoch count with the best validation accuracy."""
    return int(np.median([1 + int(smoothed(curve).argmax()) for curve in curves]))


@dataclass(frozen=True)
class Inner:
    """What a model trained on one fold answered on another: an inner fold of the third.

    `answers` are log-probabilities (epochs, segments, genres) and `owner` (segments,) the recording of each
    segment, numbered as in `recordings`. `conditions` are those (segments, genres) after the last epoch under
    every recording condition, the clean one too. A head, which also tells how `unlike` good recordings the
    segments are (segments,), is chosen by the mean of its accuracies under all of them, a network by that on
    clean recordings.
    """

    shuffle: int
    folds: tuple[int, int]
    answers: np.ndarray
    owner: np.ndarray
    recordings: np.ndarray
    truth: np.ndarray
    conditions: Mapping[str, np.ndarray]
    unlike: Mapping[str, np.ndarray] | None = None

    def is_inside(self, side: tuple[int, int] | None) -> bool:
        """Whether it belongs to a training side: (shuffle, reported fold), or None for all data."""
        return side is None or (self.shuffle == side[0] and side[1] not in self.folds)

    def probabilities(self, epochs: int, temperature: float = 1.0) -> np.ndarray:
        """Means over each recording's segments after so many epochs, (recordings, genres)."""
        return self._averaged(self.answers[epochs - 1], temperature)

    def under(self, condition: str, temperature: float) -> np.ndarray:
        """As `probabilities`, under a condition and after the last epoch."""
        return self._averaged(self.conditions[condition], temperature)

    def _averaged(self, answers: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        sums = np.zeros((len(self.truth), answers.shape[1]))
        np.add.at(sums, self.owner, tempered(answers.astype(np.float64), temperature))
        return sums / np.bincount(self.owner)[:, None]

    def is_unlike(self, condition: str) -> np.ndarray:
        """Of each recording whether it is unlike good ones, (recordings,); a network does not tell."""
        if self.unlike is None:
            return np.zeros(len(self.truth), dtype=bool)
        sums = np.bincount(self.owner, self.unlike[condition])
        judged: np.ndarray = sums / np.bincount(self.owner) > UNLIKE
        return judged

    def curve(self) -> np.ndarray:
        """Balanced accuracy by epoch, as the choice minds it; of a head one value."""
        if self.unlike is not None:
            return np.array([np.mean([self._accuracy(one) for one in self.conditions.values()])])
        return np.array([self._accuracy(one) for one in self.answers])

    def _accuracy(self, answers: np.ndarray) -> float:
        return balanced_accuracy(self.truth, self._averaged(answers).argmax(axis=1))


@dataclass(frozen=True)
class _Training:
    """One fold to train on and the scored recordings of the other two."""

    shuffle: int
    fold: int
    segments: np.ndarray
    validated: np.ndarray


def _trainings(dataset: Dataset) -> list[_Training]:
    trainings = []
    for shuffle in SHUFFLES["artist"]:
        folds = outer_folds(dataset, "artist", shuffle)
        for i, fold in enumerate(folds):
            others = [scored_recordings(dataset, other.test) for j, other in enumerate(folds) if j != i]
            trainings.append(_Training(shuffle, i, fold.test, np.unique(np.concatenate(others))))
    return trainings


InnerAnswers = dict[str, list[Inner]]
"""By candidate: all inner folds."""


def _split_up(
    dataset: Dataset,
    training: _Training,
    answers: np.ndarray,
    conditions: Mapping[str, np.ndarray],
    unlike: Mapping[str, np.ndarray] | None = None,
) -> list[Inner]:
    """The answers (..., segments, genres) on the other two folds, each an inner fold of its own."""
    owner = dataset.recording[dataset.segments_of(training.validated)]
    split = []
    for scored, fold in enumerate(outer_folds(dataset, "artist", training.shuffle)):
        if scored == training.fold:
            continue
        recordings = scored_recordings(dataset, fold.test)
        kept = np.isin(owner, recordings)
        inner = Inner(
            training.shuffle,
            (training.fold, scored),
            answers[:, kept],
            np.searchsorted(recordings, owner[kept]),
            recordings,
            dataset.genre[recordings],
            {name: one[kept] for name, one in conditions.items()},
            unlike and {name: one[kept] for name, one in unlike.items()},
        )
        split.append(inner)
    return split


def _network_answers(
    dataset: Dataset, models: Sequence[str], workers: int, cache: Path
) -> dict[str, InnerAnswers]:
    jobs, keys = [], []
    for model, training in product(models, _trainings(dataset)):
        for candidate, recipe in CANDIDATES[model].items():
            run = Run(training.segments, recipe, recipe.max_epochs, training.shuffle, training.validated)
            jobs.append(Job(model, run, dataset.segments_of(training.validated)))
            keys.append((model, candidate, training))
    answers: dict[str, InnerAnswers] = {model: {} for model in models}
    results = run_jobs(jobs, dataset, workers, "inner folds", cache)
    for (model, candidate, training), result in zip(keys, results, strict=True):
        inner = _split_up(dataset, training, result.validation, result.answers)
        answers[model].setdefault(candidate, []).extend(inner)
    return answers


def _head_answers(dataset: Dataset) -> InnerAnswers:
    answers: InnerAnswers = {}
    for training, (candidate, recipe) in product(_trainings(dataset), HEAD_CANDIDATES.items()):
        validated = dataset.segments_of(training.validated)
        said = head_answers(dataset, training.segments, recipe, validated)
        inner = _split_up(dataset, training, said.answers[CLEAN][None], said.answers, said.unlike)
        answers.setdefault(candidate, []).extend(inner)
    return answers


def _choose(candidates: Mapping[str, AnyRecipe], answers: Mapping[str, Sequence[Inner]]) -> Choice:
    curves = {name: [inner.curve() for inner in folds] for name, folds in answers.items()}
    epochs = {name: best_epochs(folds) for name, folds in curves.items()}
    scores = {
        name: float(np.mean([smoothed(curve)[epochs[name] - 1] for curve in folds]))
        for name, folds in curves.items()
    }
    best = max(scores, key=lambda name: scores[name])
    temperature = temperature_of(answers[best], epochs[best])
    return Choice(best, candidates[best], epochs[best], temperature, scores)


def temperature_of(folds: Sequence[Inner], epochs: int) -> float:
    """The temperature that makes the answers of all these inner folds together likeliest."""
    starts = np.cumsum([0, *(len(inner.truth) for inner in folds)])
    return fit_temperature(
        np.concatenate([inner.answers[epochs - 1].astype(np.float64) for inner in folds]),
        np.concatenate([inner.owner + start for inner, start in zip(folds, starts, strict=False)]),
        np.concatenate([inner.truth for inner in folds]),
    )


def _pool(
    choices: Mapping[str, Choice], answers: Mapping[str, Mapping[str, Sequence[Inner]]]
) -> dict[str, float]:
    """How much each model counts, fitted to the calibrated answers on the inner folds.

    All recording conditions count alike, but without the recordings that are unlike good ones, of which the
    verdict asks MusiCNN alone.
    """
    folds = {model: answers[model][choice.candidate] for model, choice in choices.items()}
    judges = folds.get(MusiCNNClassifier.name) or next(iter(folds.values()))
    conditions = (CLEAN, *CONDITIONS)
    like = [[~judge.is_unlike(condition) for condition in conditions] for judge in judges]
    probabilities = {
        model: np.concatenate(
            [
                _settled(inner, condition, choices[model])[kept]
                for inner, by_condition in zip(inners, like, strict=True)
                for condition, kept in zip(conditions, by_condition, strict=True)
            ]
        )
        for model, inners in folds.items()
    }
    truth = [
        judge.truth[kept] for judge, by_condition in zip(judges, like, strict=True) for kept in by_condition
    ]
    return fit_pool(probabilities, np.concatenate(truth))


def _settled(inner: Inner, condition: str, choice: Choice) -> np.ndarray:
    if condition == CLEAN:
        return inner.probabilities(choice.epochs, choice.temperature)
    return inner.under(condition, choice.temperature)


def _inside(
    answers: Mapping[str, InnerAnswers], side: tuple[int, int] | None
) -> dict[str, dict[str, list[Inner]]]:
    return {
        model: {name: [one for one in folds if one.is_inside(side)] for name, folds in candidates.items()}
        for model, candidates in answers.items()
    }


def _gains(
    dataset: Dataset, answers: Mapping[str, Sequence[Inner]], scores: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Each candidate against the best before it, on the same inner folds, with its interval over artists."""
    right = {
        name: _share_right(dataset, folds, best_epochs([one.curve() for one in folds]))
        for name, folds in answers.items()
    }
    artists = np.array([dataset.recordings[i].group for i in dataset.tested])
    truth = dataset.genre[dataset.tested]
    best, *later = answers
    gains = []
    for name in later:
        gain = paired_difference(truth, artists, right[name], right[best])
        gains.append({"step": name, "against": best, **gain})
        best = max(best, name, key=lambda candidate: scores[candidate])
    return gains


def _share_right(dataset: Dataset, folds: Sequence[Inner], epochs: int) -> np.ndarray:
    """Of each tested track: the share of inner folds in which it was named rightly."""
    right, counts = np.zeros(len(dataset.recordings)), np.zeros(len(dataset.recordings))
    for inner in folds:
        right[inner.recordings] += inner.probabilities(epochs).argmax(axis=1) == inner.truth
        counts[inner.recordings] += 1
    return (right / np.maximum(counts, 1))[dataset.tested]


def choose(
    dataset: Dataset, models: Sequence[str], workers: int, cache: Path, earlier: Choices | None = None
) -> Choices:
    """The choices for these models, among `recipes.CANDIDATES` and `head.HEAD_CANDIDATES`.

    For the models that are in none but the `earlier` choices those stand; how much each counts is settled for
    all together. Finished runs are kept in `cache`. Raises `DataError` where what stands is no candidate now.
    """
    candidates: dict[str, Mapping[str, AnyRecipe]] = {**CANDIDATES, MusiCNNClassifier.name: HEAD_CANDIDATES}
    standing = {} if earlier is None else {m: of for m, of in earlier.models.items() if m not in models}
    for model, sides in standing.items():
        if any(candidates[model].get(one.candidate) != one.recipe for one in sides.values()):
            raise DataError(f"What was chosen for {model} is no candidate any more: choose for all models.")
    asked = [*models, *standing]
    answers = _network_answers(dataset, [model for model in NETWORKS if model in asked], workers, cache)
    if MusiCNNClassifier.name in asked:
        answers[MusiCNNClassifier.name] = _head_answers(dataset)
    inside = {
        f"{shuffle}/{fold}": _inside(answers, (shuffle, fold))
        for shuffle, fold in product(SHUFFLES["artist"], range(N_FOLDS))
    }
    inside[ALL] = _inside(answers, None)
    chosen = {
        model: standing.get(model)
        or {side: _choose(candidates[model], folds[model]) for side, folds in inside.items()}
        for model in answers
    }
    pools = {
        side: _pool({model: sides[side] for model, sides in chosen.items()}, folds)
        for side, folds in inside.items()
    }
    before = {} if earlier is None else earlier.steps
    steps = {
        model: before[model] if model in standing else _gains(dataset, folds, chosen[model][ALL].scores)
        for model, folds in answers.items()
    }
    return Choices(chosen, pools, steps)


def write_choices(choices: Choices, path: Path = CHOICES_FILE) -> None:
    """Keep the choices as JSON."""
    write_json(path, asdict(choices))


def read_choices(path: Path = CHOICES_FILE) -> Choices:
    """What `write_choices` wrote. Raises `DataError` where nothing was chosen yet, or the file is damaged."""
    if not path.is_file():
        raise DataError(f"There is no {path}: run train.py choose with this output folder first.")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        models = {
            model: {side: _read_choice(model, choice) for side, choice in sides.items()}
            for model, sides in stored["models"].items()
        }
        return Choices(models, stored["pools"], stored["steps"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is damaged, or not from train.py choose: run train.py choose.") from error


def _read_choice(model: str, stored: Mapping[str, Any]) -> Choice:
    settings = stored["recipe"]
    recipe: AnyRecipe = Recipe(**settings) if model in NETWORKS else HeadRecipe.read(settings)
    return Choice(**{**stored, "recipe": recipe})
