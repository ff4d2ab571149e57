"""The training loop, on any number of processes: epochs, averaged weights, checkpoints to resume from."""

import copy
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.nn import functional as F
from tqdm import tqdm

from genre_models.classifiers import MFCCClassifier
from genre_models.training.batches import Batch, TrainingSegments
from genre_models.training.checkpoint import (
    CheckpointError,
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from genre_models.training.dataset import Dataset
from genre_models.training.distributed import Alone
from genre_models.training.recipes import Recipe
from genre_models.training.scores import balanced_accuracy
from genre_models.training.starting import start_from, without_dropout

PREDICTION_BATCH = 64
"""Segments predicted at once: few enough that the activations stay in a processor's cache."""


@dataclass
class Epoch:
    """What one pass over the training segments gave; `seconds` and `steps` count from the start.

    `validation_named` is the genre index given to each recording that the run validates on.
    """

    train_loss: float
    steps: int
    seconds: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    validation_named: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Run:
    """One training: what on, how, with which seed and for how many epochs."""

    segments: np.ndarray
    recipe: Recipe
    epochs: int
    seed: int = 0
    validate_on: np.ndarray = field(default_factory=lambda: np.array([], dtype=int))
    """Recordings to score after each epoch; none by default."""


def fingerprint(dataset: Dataset) -> str:
    """Of which recordings these are, how long each is, and how much other music is beside them."""
    lengths = np.bincount(dataset.recording, minlength=len(dataset.recordings)).tolist()
    known = [
        (one.track, one.kind, one.genre, length)
        for one, length in zip(dataset.recordings, lengths, strict=True)
    ]
    text = json.dumps([known, len(dataset.unlabelled_mfccs)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def choose_device() -> torch.device:
    """The GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def fix_seed(seed: int) -> None:
    """Same numbers from here on, on the same machine, on either device."""
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)


@torch.inference_mode()
def predict(model: nn.Module, mfccs: Tensor, device: torch.device) -> np.ndarray:
    """Log-probabilities of segments, (n, 130, 13) -> (n, 10), in evaluation mode, uncalibrated."""
    training = model.training
    model.eval()
    parts = [model(part.to(device)).log_softmax(dim=-1).cpu() for part in mfccs.split(PREDICTION_BATCH)]
    model.train(training)
    return torch.cat(parts).numpy()


def average_over_recordings(
    dataset: Dataset, recordings: np.ndarray, probabilities: np.ndarray
) -> np.ndarray:
    """Mean over each recording's segments; `probabilities` are those of `dataset.segments_of(recordings)`."""
    owner = dataset.recording[dataset.segments_of(recordings)]
    return np.stack([probabilities[owner == i].mean(axis=0) for i in recordings])


def validate(
    dataset: Dataset, recordings: np.ndarray, answers: np.ndarray
) -> tuple[float, float, np.ndarray]:
    """What answers (segments, 10), log-probabilities, are worth: loss, balanced accuracy, genres named.

    The segments are those of `recordings`, over each of which probabilities are averaged; the loss is the
    mean negative logarithm of the right genre's. The genres are indices, one a recording.
    """
    probabilities = average_over_recordings(dataset, recordings, np.exp(answers))
    truth = dataset.genre[recordings]
    loss = float(-np.log(probabilities[np.arange(len(truth)), truth] + 1e-9).mean())
    named = probabilities.argmax(axis=1)
    return loss, balanced_accuracy(truth, named), named


class Trainer:
    """A model on its way: weights, their moving average, optimiser and history."""

    def __init__(self, model: MFCCClassifier, dataset: Dataset, run: Run, processes: Alone) -> None:
        self.run, self.dataset, self.processes = run, dataset, processes
        self.device = device = processes.device
        self.data = TrainingSegments(dataset, run.segments, device)
        if run.recipe.soft_labels:
            without_dropout(model)
        if run.recipe.pretrained:
            start_from(model)
        else:
            model.standardise.fit(self.data.bank.flatten(0, 1).cpu())
        self.model = model.to(device).train()
        _lay_out(self.model, torch.channels_last)  # faster convolutions on a processor
        self.average = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=run.recipe.learning_rate,
            weight_decay=run.recipe.weight_decay,
        )
        self.keep = 0.5 ** (1 / (run.recipe.averaging_epochs * self.data.n_steps(run.recipe)))
        self.scaler = GradScaler(device.type, enabled=processes.precision is torch.float16)
        self.history: list[Epoch] = []
        self.answers: list[Tensor] = []

    def train_epoch(self) -> None:
        """One pass over the data; its chance depends on the seed and the epoch's number alone."""
        fix_seed(self.run.seed * 100_003 + len(self.history))
        before = self.history[-1] if self.history else Epoch(0.0, 0, 0.0)
        start, steps, total, seen = time.perf_counter(), before.steps, 0.0, 0
        for step in self.data.epoch(self.run.recipe, self.processes.share):
            size = sum(batch.size for batch in step)
            total += size * self._step(step, size)
            if self.processes.main:
                self._update_average(steps)
            steps += 1
            seen += size
        epoch = Epoch(total / seen, steps, before.seconds + time.perf_counter() - start)
        if len(self.run.validate_on) and self.processes.main:
            self._validate(epoch)
        self.history.append(epoch)

    def _step(self, step: list[Batch], size: int) -> float:
        """Returns the mean loss of the step's `size` samples, whichever process has them."""
        self.optimizer.zero_grad(set_to_none=True)
        losses = torch.zeros((), device=self.device)
        with self.processes.own_chance():
            for batch in step:
                if len(batch.targets):
                    losses += self._backward(batch, size)
        self.processes.sum_gradients(self.model.parameters(), losses)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return float(losses)

    def _backward(self, batch: Batch, size: int) -> Tensor:
        with self.processes.autocast():
            logits = self.model(batch.inputs)
        smoothing = self.run.recipe.label_smoothing
        losses = F.cross_entropy(logits.float(), batch.targets, reduction="none", label_smoothing=smoothing)
        loss = (losses * batch.weights).sum() / size
        self.scaler.scale(loss).backward()
        return loss.detach()

    @torch.no_grad()
    def _update_average(self, steps: int) -> None:
        keep = min(self.keep, (1 + steps) / (10 + steps))
        current = self.model.state_dict()
        names = [name for name, value in current.items() if value.is_floating_point()]
        torch._foreach_lerp_(
            [self.average[name] for name in names], [current[name] for name in names], 1 - keep
        )

    def averaged(self) -> MFCCClassifier:
        """The model with the averaged weights, on the CPU, ready to answer."""
        model = copy.deepcopy(self.model).cpu()
        _lay_out(model, torch.contiguous_format)
        model.load_state_dict({name: value.cpu() for name, value in self.average.items()})
        return model.eval()

    def settings(self) -> dict[str, Any]:
        """What must be the same for a checkpoint to be gone on with, and for processes to train together."""
        return {
            "model": self.model.name,
            "recipe": asdict(self.run.recipe),
            "seed": self.run.seed,
            "segments": self.run.segments.tolist(),
            "data": fingerprint(self.dataset),
        }

    def fitted(self) -> "Fitted":
        """What came out of it so far."""
        return Fitted(self.averaged(), self.history, np.array([answer.numpy() for answer in self.answers]))

    def _validate(self, epoch: Epoch) -> None:
        recordings = self.run.validate_on
        mfccs = self.dataset.mfccs["clean"][self.dataset.segments_of(recordings)]
        model = self.averaged().to(self.device)
        answers = predict(model, mfccs, self.device)
        self.answers.append(torch.from_numpy(answers).half())
        epoch.validation_loss, epoch.validation_accuracy, named = validate(self.dataset, recordings, answers)
        epoch.validation_named = named.tolist()

    def save(self, path: Path) -> None:
        """Write all that is needed to go on."""
        groups = {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimizer": optimizer_tensors(self.optimizer),
            "answers": {str(i): answers for i, answers in enumerate(self.answers)},
            "scaler": {name: torch.tensor(value) for name, value in self.scaler.state_dict().items()},
        }
        history = [asdict(epoch) for epoch in self.history]
        save_checkpoint(path, groups, self.settings(), history)

    def resume(self, path: Path) -> None:
        """Go on from the main process's checkpoint, on however many processes.

        Raises `CheckpointError` if it is damaged or another run's.
        """
        groups, history = self.processes.from_main(lambda: load_checkpoint(path, self.settings()))
        if len(history) > self.run.epochs:
            raise CheckpointError(f"{path} was trained for longer than asked: train without --resume.")
        self.history = [Epoch(**epoch) for epoch in history]
        self.model.load_state_dict(groups["model"])
        self.average = {name: value.to(self.device) for name, value in groups["average"].items()}
        answers = groups.get("answers", {})
        self.answers = [answers[str(i)] for i in range(len(answers))]
        restore_optimizer(self.optimizer, groups["optimizer"])
        if "scaler" in groups and self.scaler.is_enabled():
            self.scaler.load_state_dict({name: value.item() for name, value in groups["scaler"].items()})


def _lay_out(model: nn.Module, memory_format: torch.memory_format) -> None:
    """Order the kernels of the convolutions in memory."""
    for parameter in model.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.to(memory_format=memory_format)


@dataclass(frozen=True)
class Fitted:
    """A trained model with averaged weights, what each epoch gave, and what it answered after each.

    `answers` (epochs, segments, genres) are the log-probabilities, in half precision, of the segments of the
    recordings that the run validates on.
    """

    model: MFCCClassifier
    history: list[Epoch]
    answers: np.ndarray


def fit(
    architecture: type[MFCCClassifier],
    dataset: Dataset,
    run: Run,
    device: torch.device,
    checkpoint: Path | None = None,
    resume: bool = False,
    label: str | None = None,
    processes: Alone | None = None,
) -> Fitted:
    """Train a new model, on `device`, or together on the devices of `processes`, which all get the result.

    With `checkpoint`, the state after each epoch is kept there, and `resume` goes on from it if it exists;
    the result is the same to the digit as without the interruption. `label` shows a progress bar.
    """
    processes = processes or Alone(device)
    fix_seed(run.seed)
    trainer = Trainer(architecture(), dataset, run, processes)
    processes.agree((trainer.settings(), run.epochs))
    if checkpoint is not None and resume and processes.from_main(checkpoint.is_file):
        trainer.resume(checkpoint)
    epochs: Sequence[int] = range(len(trainer.history), run.epochs)
    with tqdm(epochs, desc=label, unit="epoch", disable=label is None or not processes.main) as bar:
        for _ in bar:
            trainer.train_epoch()
            last = trainer.history[-1]
            bar.set_postfix(loss=f"{last.train_loss:.3f}", accuracy=last.validation_accuracy)
            if checkpoint is not None and processes.main:
                trainer.save(checkpoint)
    return processes.from_main(trainer.fitted)
