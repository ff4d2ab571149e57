"""Training sequence-to-sequence models: the right next token is always fed in. It knows token ids only."""

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from genre_models.seq2seq import EncoderDecoder
from genre_models.training.checkpoint import (
    CheckpointError,
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from genre_models.training.loop import choose_device, fix_seed
from genre_models.training.lstm_seq2seq import LSTMEncoderDecoder

Model = EncoderDecoder | LSTMEncoderDecoder
Batch = tuple[Tensor, Tensor]
"""Source (batch, s) and target (batch, t), int64; targets begin with a start token."""

MOST_GRADIENT = 1.0


class Foreteller(Protocol):
    """Whatever tells how well it foretold targets."""

    def token_losses(self, source: Tensor, target: Tensor) -> Tensor:
        """Nats of each target token after those before it, (batch, t - 1); 0 at PAD."""


class Sequences(Protocol):
    """Examples to train on and to validate on."""

    def batches(self, batch_size: int, rng: np.random.Generator) -> Iterable[Batch]:
        """One epoch."""

    def held_out(self, batch_size: int) -> Iterable[Batch]:
        """Always the same examples."""


@dataclass(frozen=True)
class Plan:
    """Settings of one training; the learning rate rises for `warm_up` of it, then falls as a cosine."""

    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warm_up: float = 0.05
    averaging_epochs: float = 1.0
    """Half-life of the moving average of the weights."""
    seed: int = 0


@dataclass(frozen=True)
class Epoch:
    """What one pass gave: nats per token; `seconds` and `steps` count from the start."""

    train_loss: float
    validation_loss: float
    steps: int
    seconds: float


def n_foretold(target: Tensor, pad: int) -> int:
    """How many tokens of targets (batch, t) follow another."""
    return int((target[:, 1:] != pad).sum())


class Trainer:
    """A model on its way: weights, their moving average, optimiser and history."""

    def __init__(
        self, model: Model, train: Sequences, validation: Sequences, plan: Plan, data: str = ""
    ) -> None:
        self.device = choose_device()
        self.model, self.plan, self.data = model.to(self.device), plan, data
        self.train_on, self.validation = train, list(validation.held_out(plan.batch_size))
        self.average = {name: value.clone() for name, value in model.state_dict().items()}
        self.optimizer = torch.optim.AdamW(
            model.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay
        )
        self.history: list[Epoch] = []

    def _rate(self, progress: float) -> float:
        """Learning rate after this share of the training."""
        if progress < self.plan.warm_up:
            return self.plan.learning_rate * progress / self.plan.warm_up
        past = (progress - self.plan.warm_up) / (1 - self.plan.warm_up)
        return self.plan.learning_rate * 0.5 * (1 + math.cos(math.pi * past))

    def train_epoch(self) -> None:
        """One pass over the data; its chance depends on the seed and the epoch's number alone."""
        number, plan = len(self.history), self.plan
        fix_seed(plan.seed * 100_003 + number)
        before = self.history[-1] if self.history else Epoch(0.0, 0.0, 0, 0.0)
        start, nats, tokens = time.perf_counter(), 0.0, 0
        batches = list(self.train_on.batches(plan.batch_size, np.random.default_rng([plan.seed, number])))
        self.model.train()
        for i, (source, target) in enumerate(batches):
            for group in self.optimizer.param_groups:
                group["lr"] = self._rate((number + (i + 1) / len(batches)) / plan.epochs)
            count = n_foretold(target, self.model.pad)
            nats += self._step(source.to(self.device), target.to(self.device), count)
            tokens += count
            self._update_average(before.steps + i, len(batches))
        seconds = before.seconds + time.perf_counter() - start
        epoch = Epoch(nats / tokens, self._validate(), before.steps + len(batches), seconds)
        self.history.append(epoch)

    def _step(self, source: Tensor, target: Tensor, count: int) -> float:
        """Returns the batch's loss in nats."""
        self.optimizer.zero_grad(set_to_none=True)
        loss: Tensor = self.model.token_losses(source, target).sum()
        (loss / count).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), MOST_GRADIENT)
        self.optimizer.step()
        return float(loss.detach())

    @torch.no_grad()
    def _update_average(self, steps: int, steps_per_epoch: int) -> None:
        longest = 0.5 ** (1 / (self.plan.averaging_epochs * steps_per_epoch))
        keep = min(longest, (1 + steps) / (10 + steps))
        current = self.model.state_dict()
        torch._foreach_lerp_(list(self.average.values()), [current[name] for name in self.average], 1 - keep)

    def _validate(self) -> float:
        with self.averaged():
            losses = [
                (losses.sum(), n_foretold(target, self.model.pad))
                for losses, target in answers(self.model, self.validation, self.device)
            ]
        return float(sum(nats for nats, _ in losses)) / sum(count for _, count in losses)

    def averaged(self) -> "_Averaged":
        """A context in which the model has its averaged weights and is in evaluation mode."""
        return _Averaged(self.model, self.average)

    def _settings(self) -> dict[str, Any]:
        return {"model": type(self.model).__name__, "data": self.data, **asdict(self.plan)}

    def save(self, path: Path) -> None:
        """Write all that is needed to go on."""
        groups = {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimizer": optimizer_tensors(self.optimizer),
        }
        save_checkpoint(path, groups, self._settings(), [asdict(epoch) for epoch in self.history])

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint; raises `CheckpointError` if it is damaged or another run's."""
        groups, history = load_checkpoint(path, self._settings())
        if len(history) > self.plan.epochs:
            raise CheckpointError(f"{path} was trained for longer than asked: train without --resume.")
        self.history = [Epoch(**epoch) for epoch in history]
        self.model.load_state_dict(groups["model"])
        self.average = {name: value.to(self.device) for name, value in groups["average"].items()}
        restore_optimizer(self.optimizer, groups["optimizer"])


class _Averaged:
    def __init__(self, model: Model, average: dict[str, Tensor]) -> None:
        self.model, self.average = model, average

    def __enter__(self) -> Model:
        self.own = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        return self.model.eval()

    def __exit__(self, *_: object) -> None:
        self.model.load_state_dict(self.own)
        self.model.train()


@torch.inference_mode()
def answers(
    model: Foreteller, batches: Iterable[Batch], device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    """For each batch the nats of its tokens (batch, t - 1) and the target (batch, t)."""
    for source, target in batches:
        yield model.token_losses(source.to(device), target.to(device)).cpu(), target


def fit(
    model: Model,
    train: Sequences,
    validation: Sequences,
    plan: Plan,
    checkpoint: Path | None = None,
    resume: bool = False,
    label: str | None = None,
    data: str = "",
) -> list[Epoch]:
    """Train a model in place; in the end it has its averaged weights and is in evaluation mode, on the CPU.

    With `checkpoint`, the state after each epoch is kept there, and `resume` goes on from it if it exists;
    the result is the same to the digit as without the interruption. `label` shows a progress bar; `data`
    tells one data set from another. Raises `CheckpointError` for a checkpoint that is damaged or of another
    run.
    """
    trainer = Trainer(model, train, validation, plan, data)
    if checkpoint is not None and resume and checkpoint.is_file():
        trainer.resume(checkpoint)
    with tqdm(
        range(len(trainer.history), plan.epochs), desc=label, unit="epoch", disable=label is None
    ) as bar:
        for _ in bar:
            trainer.train_epoch()
            last = trainer.history[-1]
            bar.set_postfix(train=f"{last.train_loss:.3f}", validation=f"{last.validation_loss:.3f}")
            if checkpoint is not None:
                trainer.save(checkpoint)
    model.load_state_dict(trainer.average)
    model.cpu().eval()
    return trainer.history
