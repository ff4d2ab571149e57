"""However often training is killed, whatever it is at, `--resume` ends as an undisturbed run does."""

import json
import multiprocessing
import random
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from genre_models.training import commands, loop, teacher_forcing
from genre_models.training.dataset import Dataset
from genre_models.training.distributed import Alone
from genre_models.training.genre import Settings, training
from tests.test_teacher_forcing import DATA, PLAN, transformer

EPOCHS = 4
KILLS = 4
PATIENCE_S = 120

context = multiprocessing.get_context("forkserver")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def ready_made_processes() -> None:
    """Processes that have imported the program already, so that a killing costs no start of Python."""
    context.set_forkserver_preload(["tests.test_resume"])


def count_epochs(trainer: Any, done: "Synchronized[int]") -> None:
    """Have a trainer's class tell this process's killer of each epoch."""
    whole = trainer.train_epoch

    def counted(self: Any) -> None:
        whole(self)
        done.value += 1

    trainer.train_epoch = counted


def train_genre(done: "Synchronized[int]", arguments: list[str]) -> None:
    """`train.py` in a process of its own."""
    torch.set_num_threads(1)
    count_epochs(loop.Trainer, done)
    sys.argv = ["train.py", *arguments]
    commands.main()


def train_melody(done: "Synchronized[int]", checkpoint: Path) -> None:
    """What `train.py melody` does with each network."""
    torch.set_num_threads(1)
    count_epochs(teacher_forcing.Trainer, done)
    teacher_forcing.fit(transformer(), DATA, DATA, PLAN, checkpoint, resume=True)


def kept(folder: Path) -> int:
    """How many epochs the checkpoints of a folder hold; each of them is whole."""
    epochs = 0
    for path in folder.rglob("*.safetensors"):
        with safe_open(path, framework="pt") as file:
            epochs += len(json.loads(file.metadata()["history"]))
            assert all(torch.isfinite(file.get_tensor(name).float()).all() for name in file.keys())  # noqa: SIM118
    return epochs


def until(condition: Callable[[], bool], process: BaseProcess) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition() and process.is_alive():
        assert time.monotonic() < deadline
        time.sleep(0.0005)


def kill(
    process: BaseProcess, done: "Synchronized[int]", checkpoints: Path, epochs: int, while_writing: bool
) -> None:
    """After so many epochs: as a checkpoint is being written, or at no particular moment."""
    until(lambda: done.value >= epochs, process)
    if while_writing:
        until(lambda: any(checkpoints.glob("*.part")), process)
    else:
        time.sleep(random.uniform(0, 0.06))
    process.kill()
    process.join()


def kill_often(work: Callable[..., None], argument: Any, checkpoints: Path) -> Iterator[bool]:
    """Start `work` and kill it, again and again, then let it end; yields whether each process was killed."""
    for number in range(KILLS + 1):
        done = context.Value("i", 0)
        process = context.Process(target=work, args=(done, argument))
        before = kept(checkpoints)
        process.start()
        if number < KILLS:
            epochs = random.randint(1, EPOCHS) if number else 1
            kill(process, done, checkpoints, epochs, while_writing=number % 2 == 0)
        else:
            process.join(PATIENCE_S)
        assert kept(checkpoints) >= before + done.value - 1, "more than one epoch is lost"
        yield process.exitcode == -9
    assert process.exitcode == 0


def test_genre_training_survives_being_killed(
    tiny_dataset: Dataset, tiny_data: Path, tiny_cache: Path, tmp_path: Path
) -> None:
    straight = Settings(output=tmp_path / "straight", cache=tiny_cache, epochs=EPOCHS)
    whole = training("mlp", tiny_dataset, straight, Alone(torch.device("cpu"))).run()
    folder = tmp_path / "killed" / "mlp"
    arguments = ["genre", "--data", tiny_data, "--cache", tiny_cache, "--model", "mlp", "--resume"]
    arguments += ["--epochs", EPOCHS, "--output", tmp_path / "killed"]
    killed = list(kill_often(train_genre, [str(one) for one in arguments], folder / "checkpoints"))
    assert sum(killed) >= KILLS / 2
    one, other = (load_file(path / "model.safetensors") for path in (tmp_path / "straight" / "mlp", folder))
    assert all(torch.equal(one[name], other[name]) for name in one)
    resumed = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert resumed["validation"] == json.loads(json.dumps(whole["validation"]))


def test_melody_training_survives_being_killed(tmp_path: Path) -> None:
    straight = transformer()
    teacher_forcing.fit(straight, DATA, DATA, PLAN)
    checkpoint = tmp_path / "killed" / "checkpoint.safetensors"
    killed = list(kill_often(train_melody, checkpoint, checkpoint.parent))
    assert any(killed)
    resumed = transformer()
    teacher_forcing.fit(resumed, DATA, DATA, PLAN, checkpoint, resume=True)
    theirs = resumed.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in straight.state_dict().items())
