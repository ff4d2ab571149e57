"""Trying a few learning rates for a short while each, then training for all epochs with the best of them."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from genre_models.training.loop import choose_device, fix_seed
from genre_models.training.teacher_forcing import Epoch, Model, Plan, Sequences, fit

Network = TypeVar("Network", bound=Model)


@dataclass(frozen=True)
class Tried(Generic[Network]):
    """A training of what `make` makes; the state after each epoch is kept in `folder`.

    `label` is what the progress bar says, `data` tells one data set from another.
    """

    make: Callable[[], Network]
    train: Sequences
    validation: Sequences
    folder: Path
    label: str
    data: str
    rates: Sequence[float]
    trial_epochs: int = 1

    def run(self, plan: Plan, resume: bool = False) -> tuple[Network, dict[str, Any]]:
        """Choose the learning rate, then train for all epochs: the network, and how it came to be.

        Each rate is tried for `trial_epochs`; the lower validation loss wins. With `resume` it goes on from
        what is in the folder, and trains nothing that is trained already.
        """
        trials = {}
        for rate in self.rates:
            short = replace(plan, learning_rate=rate, epochs=self.trial_epochs)
            _, history = self._fit(short, f"trial-{rate}", f"{self.label}, {rate}", resume)
            trials[rate] = history[-1].validation_loss
        plan = replace(plan, learning_rate=min(trials, key=lambda rate: trials[rate]))
        model, history = self._fit(plan, "checkpoint", self.label, resume)
        return model, {
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "steps": history[-1].steps,
            "plan": asdict(plan),
            "trials": {str(rate): loss for rate, loss in trials.items()},
            "history": [asdict(epoch) for epoch in history],
            "device": choose_device().type,
        }

    def _fit(self, plan: Plan, checkpoint: str, label: str, resume: bool) -> tuple[Network, list[Epoch]]:
        fix_seed(plan.seed)
        model, file = self.make(), self.folder / f"{checkpoint}.safetensors"
        return model, fit(model, self.train, self.validation, plan, file, resume, label=label, data=self.data)
