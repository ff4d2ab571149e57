"""Training one classifier: epochs chosen on folds of other artists, then weights from all the data."""

import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from genre_models.classifiers import ARCHITECTURES, GENRES, GenreClassifier
from genre_models.training.choice import best_epochs
from genre_models.training.dataset import Dataset
from genre_models.training.folds import Fold, inner_folds, outer_folds, published_split, scored_recordings
from genre_models.training.gtzan import describe
from genre_models.training.loop import Epoch, Run, average_over_recordings, fit, predict
from genre_models.training.recipes import RECIPES, Recipe
from genre_models.training.scores import balanced_accuracy, confusion, interval, recalls

SplitChoice = Literal["artist", "track", "published"]


@dataclass(frozen=True)
class Settings:
    """What a person asks of `train.py genre`; None leaves it to the network's recipe."""

    output: Path
    split: SplitChoice = "artist"
    seed: int = 0
    epochs: int | None = None
    learning_rate: float | None = None
    batch_size: int | Literal["full"] | None = None
    resume: bool = False

    def recipe(self, model: str) -> Recipe:
        """The network's recipe with the person's changes."""
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


class GenreTraining:
    """All trainings behind one set of weights; each keeps a checkpoint of its own below the output folder."""

    def __init__(self, model: str, dataset: Dataset, settings: Settings, device: torch.device) -> None:
        self.model, self.dataset, self.settings, self.device = model, dataset, settings, device
        self.recipe = settings.recipe(model)
        self.folder = settings.output / model

    def _fit(self, run: Run, name: str) -> tuple[GenreClassifier, list[Epoch]]:
        checkpoint = self.folder / "checkpoints" / f"{name}.safetensors"
        architecture = ARCHITECTURES[self.model]
        label = f"{architecture.title}, {name}"
        return fit(architecture, self.dataset, run, self.device, checkpoint, self.settings.resume, label)

    def _validate(self, folds: list[Fold]) -> list[list[Epoch]]:
        """Validation curves, one a fold, on recordings left out of its training."""
        epochs = self.settings.epochs or self.recipe.max_epochs
        histories = []
        for i, fold in enumerate(folds):
            tested = scored_recordings(self.dataset, fold.test)
            run = Run(fold.train, self.recipe, epochs, self.settings.seed, validate_on=tested)
            histories.append(self._fit(run, f"fold {i + 1} of {len(folds)}")[1])
        return histories

    def _test_published(self, model: GenreClassifier) -> dict[str, Any]:
        recordings = published_split(self.dataset)["test"]
        mfccs = self.dataset.mfccs["clean"][self.dataset.segments_of(recordings)]
        probabilities = predict(model.to(self.device), mfccs, self.device)
        named = average_over_recordings(self.dataset, recordings, probabilities).argmax(axis=1)
        return _score(self.dataset, recordings, named)

    def run(self) -> dict[str, Any]:
        """Train, save weights, config and metrics below the output folder, and return the metrics.

        "validation" in the metrics is taken at the chosen epoch, on the folds on which it was chosen, and
        so is a little too good; `train.py evaluate` measures without that.
        """
        settings, dataset = self.settings, self.dataset
        if not settings.resume:
            shutil.rmtree(self.folder / "checkpoints", ignore_errors=True)
        folds = validation_folds(dataset, settings.split)
        histories = self._validate(folds)
        curves = [np.array([epoch.validation_accuracy for epoch in history]) for history in histories]
        epochs = settings.epochs or best_epochs(curves)
        tested = np.concatenate([scored_recordings(dataset, fold.test) for fold in folds])
        named = np.concatenate([history[epochs - 1].validation_named for history in histories])
        published = settings.split == "published"
        segments = folds[0].train if published else np.arange(len(dataset.recording))
        model, history = self._fit(Run(segments, self.recipe, epochs, settings.seed), "all data")
        metrics = {
            "model": self.model,
            "split": settings.split,
            "seed": settings.seed,
            "epochs": epochs,
            "recipe": asdict(self.recipe),
            "data": describe(dataset.recordings),
            "device": self.device.type,
            "validation": _score(dataset, tested, named),
            "curves": {"folds": [_curve(history) for history in histories], "all_data": _curve(history)},
        }
        if published:
            metrics["test"] = self._test_published(model)
        model.save_pretrained(self.folder)
        (self.folder / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
        return metrics
