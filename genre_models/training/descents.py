"""Full-batch, mini-batch and stochastic gradient descent of one network, compared.

A step is that of the study notes: weights minus the learning rate times the gradient of the step's mean loss,
nothing else. Adam, with which the networks are trained elsewhere, divides by averages over the last so many
steps; a step being the whole set here and one sample there, that would be another method in each regime, and
hide what is compared. For the same reason there is no momentum, no decay of the weights, no dropout (the
network has none) and no augmentation.

One fold of artists is held out. Each regime's learning rate is taken from the same list, and the end of its
training settled, in the same way: by the lowest validation loss on inner folds of the other artists.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from genre_models.classifiers import MLP
from genre_models.training.batches import TrainingSegments
from genre_models.training.dataset import Dataset
from genre_models.training.files import write_json
from genre_models.training.folds import Fold, inner_folds, outer_folds, scored_recordings
from genre_models.training.gtzan import describe
from genre_models.training.loop import fix_seed, predict, validate
from genre_models.training.recording_conditions import CLEAN
from genre_models.training.scores import interval

FILE_NAME = "descents.json"
SEED = 0
SHUFFLE, FOLD = 0, 0
"""Which of the headline's folds is held out."""

LEARNING_RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
POINTS_PER_DECADE = 12
"""How often a run is looked at: at so many steps between 1 and 10, 10 and 100, and so on."""

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Regime:
    """How many samples a step averages over (None: all), and how often a run goes through the set."""

    batch_size: int | None
    epochs: int


REGIMES = {
    "full-batch": Regime(None, 200),
    "mini-batch": Regime(32, 30),
    "stochastic": Regime(1, 20),
}


@dataclass(frozen=True)
class Point:
    """A run after so many steps.

    `epochs` is how often it went through the set, `seconds` the processor's time on steps alone; losses are
    mean negative logarithms of the right genre's probability, over the training segments (each genre weighing
    the same) and over the held-out tracks; the accuracy is balanced, `named` the genre index of each track.
    """

    steps: int
    epochs: float
    seconds: float
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    named: np.ndarray


MEASURES = ("steps", "epochs", "seconds", "train_loss", "validation_loss", "validation_accuracy")


class Descent:
    """One network on one training side, with the artists it is validated on kept out."""

    def __init__(self, dataset: Dataset, fold: Fold) -> None:
        data = TrainingSegments(dataset, fold.train, CPU)
        self.inputs = data.bank[:, 0].contiguous()  # (n, 130, 13)
        self.labels, self.weights = data.labels, data.weights
        self.dataset, self.tested = dataset, scored_recordings(dataset, fold.test)
        self.held_out = dataset.mfccs[CLEAN][dataset.segments_of(self.tested)]

    def first_weights(self) -> MLP:
        """The network as every run starts from it."""
        fix_seed(SEED)
        model = MLP()
        model.standardise.fit(self.inputs)
        return model

    def run(self, regime: Regime, learning_rate: float) -> Iterator[Point]:
        """Train from the first weights on; ends early once the loss is no number any more."""
        model, n = self.first_weights(), len(self.labels)
        optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
        size = regime.batch_size or n
        steps_per_epoch = -(-n // size)
        looks = _looks(regime.epochs * steps_per_epoch)
        yield self._point(model, 0, 0.0, 0.0)
        seconds = 0.0
        for step, chosen in enumerate(self._batches(regime.epochs, size), start=1):
            start = time.process_time()
            optimizer.zero_grad()
            self._loss(model, chosen).backward()
            optimizer.step()
            seconds += time.process_time() - start
            if step in looks:
                point = self._point(model, step, step / steps_per_epoch, seconds)
                if not np.isfinite(point.train_loss):
                    return
                yield point

    def _batches(self, epochs: int, size: int) -> Iterator[Tensor]:
        """The samples of each step; every regime goes through the set in the same order."""
        order = torch.Generator().manual_seed(SEED)
        for _ in range(epochs):
            yield from torch.randperm(len(self.labels), generator=order).split(size)

    def _loss(self, model: MLP, chosen: Tensor) -> Tensor:
        losses = F.cross_entropy(model(self.inputs[chosen]), self.labels[chosen], reduction="none")
        return (losses * self.weights[chosen]).mean()

    def _point(self, model: MLP, steps: int, epochs: float, seconds: float) -> Point:
        with torch.inference_mode():
            train_loss = float(self._loss(model, torch.arange(len(self.labels))))
        loss, accuracy, named = validate(self.dataset, self.tested, predict(model, self.held_out, CPU))
        return Point(steps, epochs, seconds, train_loss, loss, accuracy, named)


def _looks(steps: int) -> set[int]:
    """After which steps a run is looked at: evenly spaced on a logarithmic axis, and the last."""
    powers = np.arange(0, np.log10(steps), 1 / POINTS_PER_DECADE)
    return {*np.round(10**powers).astype(int).tolist(), steps}


@dataclass(frozen=True)
class Trial:
    """What a learning rate came to on the inner folds: the mean of their lowest validation losses, and after
    how many epochs, in the median, those were reached. None where a run left the numbers."""

    learning_rate: float
    validation_loss: float | None
    epochs: float | None


def best(points: Sequence[Point]) -> Point:
    """Where the validation loss was lowest."""
    return min(points, key=lambda point: point.validation_loss)


def try_rate(descents: Sequence[Descent], regime: Regime, learning_rate: float) -> Trial:
    """One learning rate on all inner folds."""
    lowest = []
    for descent in descents:
        points = list(descent.run(regime, learning_rate))
        if points[-1].epochs < regime.epochs:
            return Trial(learning_rate, None, None)
        lowest.append(best(points))
    losses, epochs = ([getattr(point, name) for point in lowest] for name in ("validation_loss", "epochs"))
    return Trial(learning_rate, float(np.mean(losses)), float(np.median(epochs)))


def chosen(trials: Sequence[Trial]) -> Trial:
    """The trial with the lowest validation loss."""
    return min(trials, key=lambda one: np.inf if one.validation_loss is None else one.validation_loss)


def _final(descent: Descent, regime: Regime, trial: Trial) -> dict[str, Any]:
    """The whole training side at the chosen rate, and how good it is where the inner folds would end it."""
    points = list(descent.run(regime, trial.learning_rate))
    end = min(points, key=lambda point: abs(point.epochs - (trial.epochs or 0)))
    truth = descent.dataset.genre[descent.tested]
    artists = np.array([descent.dataset.recordings[i].group for i in descent.tested])
    return {
        "learning_rate": trial.learning_rate,
        "end": {name: getattr(end, name) for name in MEASURES}
        | {"interval": interval(truth, artists, (end.named == truth).astype(float))},
        "curve": {name: [getattr(point, name) for point in points] for name in MEASURES},
    }


def compare(dataset: Dataset) -> dict[str, Any]:
    """Choose each regime's learning rate and end on inner folds, then run it with one fold held out."""
    torch.set_num_threads(1)
    fold = outer_folds(dataset, "artist", SHUFFLE)[FOLD]
    inner, outer = [Descent(dataset, one) for one in inner_folds(dataset, fold.train)], Descent(dataset, fold)
    trials: dict[str, list[Trial]] = {name: [] for name in REGIMES}
    for name, rate in tqdm(list(product(REGIMES, LEARNING_RATES)), desc="learning rates", unit="rate"):
        trials[name].append(try_rate(inner, REGIMES[name], rate))
    return {
        "model": MLP.name,
        "seed": SEED,
        "data": describe(dataset.recordings),
        "held_out": {"fold": f"{SHUFFLE}/{FOLD}", "tracks": len(outer.tested)},
        "training_segments": len(outer.labels),
        "inner_folds": len(inner),
        "device": CPU.type,
        "threads": 1,
        "torch": torch.__version__,
        "regimes": {
            name: {
                "batch_size": regime.batch_size,
                "epochs": regime.epochs,
                "trials": [vars(trial) for trial in trials[name]],
                **_final(outer, regime, chosen(trials[name])),
            }
            for name, regime in REGIMES.items()
        },
    }


def in_words(name: str, regime: dict[str, Any]) -> str:
    """What one regime came to, in a sentence."""
    end = regime["end"]
    low, high = (100 * bound for bound in end["interval"])
    return (
        f"{name}: learning rate {regime['learning_rate']}; ended after {end['epochs']:.1f} epochs, "
        f"{end['steps']:,} steps, {end['seconds']:.1f} s; validation loss {end['validation_loss']:.2f}, "
        f"balanced accuracy {100 * end['validation_accuracy']:.1f}% ({low:.1f}-{high:.1f})"
    )


def write(comparison: dict[str, Any], folder: Path) -> Path:
    """Keep a comparison as JSON."""
    path = folder / FILE_NAME
    write_json(path, comparison)
    return path
