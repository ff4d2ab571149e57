"""Training one model: epochs and temperature from folds of other artists, then weights from all the data."""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from genre_models.classifiers import GENRES, NETWORKS, GenreClassifier, MusiCNNClassifier
from genre_models.hub import bundled_ear
from genre_models.training.calibration import fit_temperature
from genre_models.training.choice import AnyRecipe, Choice, best_epochs
from genre_models.training.dataset import Dataset
from genre_models.training.distributed import Alone
from genre_models.training.files import write_json
from genre_models.training.folds import Fold, inner_folds, outer_folds, published_split, scored_recordings
from genre_models.training.gtzan import describe
from genre_models.training.head import HEAD_RECIPE, Given, HeadRecipe, fit_heads, for_restored, head_answers
from genre_models.training.loop import Epoch, Fitted, Run, average_over_recordings, fit, predict
from genre_models.training.recipes import RECIPES, Recipe
from genre_models.training.recording_conditions import CLEAN
from genre_models.training.restoring import restored
from genre_models.training.scores import balanced_accuracy, confusion, interval, recalls

SplitChoice = Literal["artist", "track", "published"]


@dataclass(frozen=True)
class Settings:
    """What a person asks of `train.py genre`; None leaves it to the network's recipe."""

    output: Path
    cache: Path
    split: SplitChoice = "artist"
    seed: int = 0
    epochs: int | None = None
    learning_rate: float | None = None
    batch_size: int | Literal["full"] | None = None
    resume: bool = False
    choices: Mapping[str, Choice] | None = None
    """By model: what `train.py choose` settled on; with it nothing is left to validate."""

    def recipe(self, model: str) -> Recipe:
        """A network's recipe with the person's changes."""
        recipe = RECIPES[model]
        if self.learning_rate is not None:
            recipe = replace(recipe, learning_rate=self.learning_rate)
        if self.batch_size is not None:
            recipe = replace(recipe, batch_size=None if self.batch_size == "full" else self.batch_size)
        return recipe


def validation_folds(dataset: Dataset, split: SplitChoice) -> list[Fold]:
    """Where early stopping looks: three folds under the split, or the published train and valid lists."""
    everything = np.arange(len(dataset.recording))
    if split == "artist":
        return inner_folds(dataset, everything)
    if split == "published":
        lists = published_split(dataset)
        return [Fold(dataset.segments_of(lists["train"]), dataset.segments_of(lists["valid"]))]
    return outer_folds(dataset, split, shuffle=0)


def _score(dataset: Dataset, recordings: np.ndarray, named: np.ndarray) -> dict[str, Any]:
    """How well the genre indices `named` fit the recordings, one a recording."""
    truth = dataset.genre[recordings]
    artists = np.array([dataset.recordings[i].group for i in recordings])
    return {
        "tracks": len(recordings),
        "balanced_accuracy": balanced_accuracy(truth, named),
        "interval": interval(truth, artists, (named == truth).astype(float)),
        "recall": {
            genre: None if np.isnan(value) else float(value)
            for genre, value in zip(GENRES, recalls(truth, named), strict=True)
        },
        "confusion": confusion(truth, named).tolist(),
    }


def _curve(history: list[Epoch]) -> dict[str, list[float | None]]:
    names = ("steps", "seconds", "train_loss", "validation_loss", "validation_accuracy")
    return {name: [getattr(epoch, name) for epoch in history] for name in names}


@dataclass(frozen=True)
class _Scored:
    """One validation fold: its scored recordings and log-probabilities (segments, 10) for them."""

    recordings: np.ndarray
    answers: np.ndarray


def _temperature(dataset: Dataset, folds: list[_Scored]) -> float:
    """The temperature that makes the answers of all validation folds together likeliest."""
    recordings = np.concatenate([fold.recordings for fold in folds])
    owners = [dataset.recording[dataset.segments_of(fold.recordings)] for fold in folds]
    place = {recording: i for i, recording in enumerate(recordings.tolist())}
    owner = np.array([place[recording] for recording in np.concatenate(owners).tolist()])
    answers = np.concatenate([fold.answers.astype(np.float64) for fold in folds])
    return fit_temperature(answers, owner, dataset.genre[recordings])


def _validation(dataset: Dataset, folds: list[_Scored]) -> dict[str, Any]:
    recordings = np.concatenate([fold.recordings for fold in folds])
    named = [
        average_over_recordings(dataset, fold.recordings, np.exp(fold.answers.astype(np.float64)))
        for fold in folds
    ]
    return _score(dataset, recordings, np.concatenate(named).argmax(axis=1))


class GenreTraining(ABC):
    """All trainings behind one set of weights; each keeps a checkpoint of its own below the output folder."""

    def __init__(self, model: str, dataset: Dataset, settings: Settings, processes: Alone) -> None:
        self.model, self.dataset, self.settings = model, dataset, settings
        self.processes, self.device = processes, processes.device
        self.folder = settings.output / model

    def run(self) -> dict[str, Any]:
        """Train, save weights, config and metrics below the output folder, and return the metrics.

        "validation" in the metrics is taken at the chosen epoch, on the folds on which it was chosen, and
        so is a little too good; `train.py evaluate` measures without that. What was chosen before is taken
        as it is, without validation.
        """
        if self.settings.choices is not None:
            return self._keep(*self._as_chosen(self.settings.choices[self.model]))
        settings, dataset = self.settings, self.dataset
        folds = validation_folds(dataset, settings.split)
        published = settings.split == "published"
        segments = folds[0].train if published else np.arange(len(dataset.recording))
        model, scored, details = self._train(folds, segments)
        model.temperature.fill_(_temperature(dataset, scored))
        details |= {"split": settings.split, "validation": _validation(dataset, scored)}
        if published:
            details["test"] = self._test_published(model)
        return self._keep(model, details)

    def _keep(self, model: GenreClassifier, details: dict[str, Any]) -> dict[str, Any]:
        metrics = {
            "model": self.model,
            "seed": self.settings.seed,
            "temperature": float(model.temperature),
            "data": describe(self.dataset.recordings),
            "device": self.device.type,
            **details,
        }
        if self.processes.main:
            model.save_pretrained(self.folder)
            write_json(self.folder / "metrics.json", metrics)
        return metrics

    def _as_chosen(self, choice: Choice) -> tuple[GenreClassifier, dict[str, Any]]:
        """Trained on everything with the recipe, epochs and temperature that were settled on before."""
        model, details = self._train_on_all(choice.recipe, choice.epochs)
        model.temperature.fill_(choice.temperature)
        return model, {"recipe": asdict(choice.recipe), "candidate": choice.candidate, **details}

    @abstractmethod
    def _train_on_all(self, recipe: AnyRecipe, epochs: int) -> tuple[GenreClassifier, dict[str, Any]]:
        """The model trained on everything, and what to keep of the training."""

    @abstractmethod
    def _train(
        self, folds: list[Fold], segments: np.ndarray
    ) -> tuple[GenreClassifier, list[_Scored], dict[str, Any]]:
        """The model trained on `segments`, what it said in validation, and what to keep of the training."""

    @abstractmethod
    def _answers(self, model: GenreClassifier, segments: np.ndarray) -> np.ndarray:
        """Log-probabilities of segments, (n, 10)."""

    def _test_published(self, model: GenreClassifier) -> dict[str, Any]:
        recordings = published_split(self.dataset)["test"]
        answers = self._answers(model, self.dataset.segments_of(recordings))
        named = average_over_recordings(self.dataset, recordings, np.exp(answers)).argmax(axis=1)
        return _score(self.dataset, recordings, named)


class NetworkTraining(GenreTraining):
    """A network of the notes: validation folds choose the number of epochs."""

    def _fit(self, run: Run, name: str) -> Fitted:
        checkpoint = self.folder / "checkpoints" / f"{name}.safetensors"
        architecture = NETWORKS[self.model]
        label = f"{architecture.title}, {name}"
        resume = self.settings.resume
        return fit(architecture, self.dataset, run, self.device, checkpoint, resume, label, self.processes)

    def _train(
        self, folds: list[Fold], segments: np.ndarray
    ) -> tuple[GenreClassifier, list[_Scored], dict[str, Any]]:
        settings, recipe = self.settings, self.settings.recipe(self.model)
        if not settings.resume and self.processes.main:
            shutil.rmtree(self.folder / "checkpoints", ignore_errors=True)
        longest = settings.epochs or recipe.max_epochs
        fitted, recordings = [], [scored_recordings(self.dataset, fold.test) for fold in folds]
        for i, fold in enumerate(folds):
            run = Run(fold.train, recipe, longest, settings.seed, validate_on=recordings[i])
            fitted.append(self._fit(run, f"fold {i + 1} of {len(folds)}"))
        curves = [np.array([epoch.validation_accuracy for epoch in one.history]) for one in fitted]
        epochs = settings.epochs or best_epochs(curves)
        scored = [_Scored(r, one.answers[epochs - 1]) for r, one in zip(recordings, fitted, strict=True)]
        final = self._fit(Run(segments, recipe, epochs, settings.seed), "all data")
        details = {
            "epochs": epochs,
            "recipe": asdict(recipe),
            "curves": {"folds": [_curve(one.history) for one in fitted], "all_data": _curve(final.history)},
        }
        return final.model, scored, details

    def _train_on_all(self, recipe: AnyRecipe, epochs: int) -> tuple[GenreClassifier, dict[str, Any]]:
        if not isinstance(recipe, Recipe):
            raise TypeError("a network is trained by a Recipe")
        everything = np.arange(len(self.dataset.recording))
        fitted = self._fit(Run(everything, recipe, epochs, self.settings.seed), "all data")
        return fitted.model, {"epochs": epochs, "curves": {"all_data": _curve(fitted.history)}}

    def _answers(self, model: GenreClassifier, segments: np.ndarray) -> np.ndarray:
        return predict(model.to(self.device), self.dataset.mfccs[CLEAN][segments], self.device)


class HeadTraining(GenreTraining):
    """The pretrained model: its ear gets a restorer, and the heads have no epochs to choose.

    There is nothing to share out: the main process trains it and the others wait.
    """

    def __init__(self, model: str, dataset: Dataset, settings: Settings, processes: Alone) -> None:
        super().__init__(model, dataset, settings, processes)
        self._heard: Given = dataset.heard

    def run(self) -> dict[str, Any]:
        """As for a network."""
        return self.processes.from_main(super().run)

    def _train(
        self, folds: list[Fold], segments: np.ndarray
    ) -> tuple[GenreClassifier, list[_Scored], dict[str, Any]]:
        scored = []
        for fold in folds:
            recordings = scored_recordings(self.dataset, fold.test)
            tested = self.dataset.segments_of(recordings)
            said = head_answers(self.dataset, fold.train, HEAD_RECIPE, tested)
            scored.append(_Scored(recordings, said.answers[CLEAN]))
        recipe = for_restored(HEAD_RECIPE)
        return self._with_heads(segments, recipe), scored, {"recipe": asdict(recipe)}

    def _train_on_all(self, recipe: AnyRecipe, epochs: int) -> tuple[GenreClassifier, dict[str, Any]]:
        if not isinstance(recipe, HeadRecipe):
            raise TypeError("a head is trained by a HeadRecipe")
        recipe = for_restored(recipe)
        return self._with_heads(np.arange(len(self.dataset.recording)), recipe), {"recipe": asdict(recipe)}

    def _with_heads(self, segments: np.ndarray, recipe: HeadRecipe) -> MusiCNNClassifier:
        model, ear = MusiCNNClassifier(), bundled_ear()
        if ear.denoiser is None:
            raise TypeError("the bundled ear has a denoiser")
        (own,) = restored(self.dataset, [segments], 1, self.settings.cache)
        self._heard = own.heard
        model.ear = ear.behind(ear.denoiser, own.restorer)
        model.heads = fit_heads(self.dataset, segments, recipe, own.heard)
        return model.eval()

    @torch.inference_mode()
    def _answers(self, model: GenreClassifier, segments: np.ndarray) -> np.ndarray:
        if not isinstance(model, MusiCNNClassifier):
            raise TypeError("only the pretrained model has a head")
        heard, mended = self._heard[CLEAN][segments], self.dataset.mended[CLEAN][segments]
        said: np.ndarray = model.heads(heard, mended).numpy()
        return said


def write_curves(path: Path, metrics: Mapping[str, Mapping[str, Any]]) -> None:
    """Keep the learning curves of the trainings with these metrics, by model, where there was validation."""
    curves = {
        model: {name: one[name] for name in ("epochs", "seed", "split", "recipe", "data", "device")}
        | {"folds": one["curves"]["folds"]}
        for model, one in metrics.items()
        if "folds" in one.get("curves", {})
    }
    write_json(path, curves)


def training(model: str, dataset: Dataset, settings: Settings, processes: Alone) -> GenreTraining:
    """How this model is trained."""
    kind = HeadTraining if model == MusiCNNClassifier.name else NetworkTraining
    return kind(model, dataset, settings, processes)
