"""Trainings that one process and two must do alike; a launcher starts this module on several processes.

`python -m tests.trained_together DATA CACHE OUTPUT` goes on from `OUTPUT/checkpoint.safetensors` for an
epoch, trains each case on the data in `DATA`, does `train.py genre`, and leaves in `OUTPUT` what came of it.
"""

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from safetensors.torch import save_model
from torch import nn

from genre_models.classifiers import NETWORKS, MFCCClassifier
from genre_models.training import commands
from genre_models.training.batches import Batch
from genre_models.training.checkpoint import CheckpointError
from genre_models.training.dataset import Dataset, load_dataset
from genre_models.training.distributed import Alone, LaunchError, launched
from genre_models.training.folds import outer_folds, scored_recordings
from genre_models.training.gtzan import index
from genre_models.training.loop import Fitted, Run, Trainer, fit
from genre_models.training.recipes import Recipe

CPU = torch.device("cpu")
CHECKPOINT = "checkpoint.safetensors"
SOFT = Recipe(learning_rate=2e-3, label_smoothing=0.0, soft_labels=True, unlabelled=0.5, batch_size=9)
CASES = {
    "mlp, full batch": Recipe(batch_size=None, shuffle_block=1),
    "cnn, one sample left over": Recipe(batch_size=23, mixup=0.2),
    "lstm, odd batch": Recipe(batch_size=15, learning_rate=2e-3),
    "transformer, soft labels": SOFT,
}
"""By network; the 47 segments make two batches of 23 and one of 1, of which the second process has none."""


def run_of(dataset: Dataset, recipe: Recipe, epochs: int = 3) -> Run:
    """Training on two thirds of the artists."""
    fold = outer_folds(dataset, "artist", 0)[0]
    return Run(fold.train, recipe, epochs, seed=1, validate_on=scored_recordings(dataset, fold.test))


def with_unlabelled(dataset: Dataset) -> Dataset:
    """The same with some music of which nobody told the genre."""
    return replace(
        dataset, unlabelled_mfccs=dataset.mfccs["clean"][:9], unlabelled_embedding=dataset.embedding[:9]
    )


def still(name: str) -> Callable[[], MFCCClassifier]:
    """A network without dropout."""

    def make() -> MFCCClassifier:
        model = NETWORKS[name]()
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        return model

    return make


class SharesInTurn(Trainer):
    """One process that adds up the shares of two, one after the other, and so rounds as two do."""

    def _step(self, step: list[Batch], size: int) -> float:
        shares = [
            Batch(batch.inputs[i::2], batch.targets[i::2], batch.weights[i::2], batch.size)
            for batch in step
            for i in (0, 1)
        ]
        return super()._step(shares, size)


def trained(case: str, dataset: Dataset, processes: Alone) -> Fitted:
    """Three epochs of a case."""
    make: Any = still(case.split(",", maxsplit=1)[0])
    return fit(make, dataset, run_of(dataset, CASES[case]), CPU, processes=processes)


def gone_on(dataset: Dataset, epochs: int, checkpoint: Path, processes: Alone) -> Fitted:
    """A training that goes on from a checkpoint until it has had so many epochs."""
    make: Any = still("mlp")
    run = run_of(dataset, Recipe(batch_size=16), epochs)
    return fit(make, dataset, run, CPU, checkpoint, resume=True, processes=processes)


def drawn(dataset: Dataset, processes: Alone) -> list[float]:
    """What a process draws that has its own chance, and then the chance of all.

    Training with dropout leaves the processes with the same weights, and about to draw the same samples.
    """
    torch.manual_seed(0)
    trainer = Trainer(
        NETWORKS["cnn"](), dataset, run_of(dataset, CASES["cnn, one sample left over"]), processes
    )
    trainer.train_epoch()
    weights = [parameter.tolist() for parameter in trainer.model.parameters()]
    processes.agree((torch.get_rng_state().tolist(), weights))
    with processes.own_chance():
        own = torch.rand(())
    return [float(own), float(torch.rand(()))]


def _raised(action: Callable[[], object]) -> str:
    try:
        action()
    except (CheckpointError, LaunchError) as error:
        return str(error)
    return ""


def _damaged() -> None:
    raise CheckpointError("damaged")


def errors(processes: Alone) -> dict[str, str]:
    """What each process hears of an error on the main one, and of a disagreement."""
    return {
        "main": _raised(lambda: processes.from_main(_damaged)),
        "disagree": _raised(lambda: processes.agree(processes.index)),
    }


def program(data: Path, cache: Path, output: Path, processes: Alone) -> None:
    """`train.py genre` on processes that were started already."""
    arguments = [
        "genre",
        "--data",
        data,
        "--cache",
        cache,
        "--output",
        output,
        "--model",
        "mlp",
        "--epochs",
        2,
    ]
    with (
        patch.object(sys, "argv", ["train.py", *map(str, arguments)]),
        patch.object(commands, "launched", lambda _: nullcontext(processes)),
    ):
        commands.main()


def main(data: Path, cache: Path, output: Path) -> None:
    """Every case on all processes."""
    torch.set_num_threads(1)
    with launched(CPU) as processes:
        dataset = with_unlabelled(load_dataset(index(data), cache))
        gone_on(dataset, 2, output / CHECKPOINT, processes)
        histories = {}
        for case in CASES:
            fitted = trained(case, dataset, processes)
            histories[case] = [asdict(epoch) for epoch in fitted.history]
            if processes.main:
                save_model(fitted.model, str(output / f"{case}.safetensors"))
        chance = drawn(dataset, processes)
        program(data, cache, output, processes)
        content = {
            "processes": processes.count,
            "histories": histories,
            "drawn": chance,
            "errors": errors(processes),
        }
        (output / f"{processes.index}.json").write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
