"""Several processes take the steps that one would take, and get the same network."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from genre_models.training import commands, loop
from genre_models.training.batches import TrainingSegments
from genre_models.training.dataset import Dataset
from genre_models.training.distributed import Alone, launched
from genre_models.training.genre import Settings, training
from genre_models.training.loop import Trainer, fit
from genre_models.training.recipes import Recipe
from tests.trained_together import (
    CASES,
    CHECKPOINT,
    CPU,
    SharesInTurn,
    gone_on,
    run_of,
    still,
    trained,
    with_unlabelled,
)

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = 1e-4  # of losses, in nats
WEIGHT_TOLERANCE = 1e-3  # rounding grows most where AdamW divides a small gradient by a small one


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def launch(*program: object) -> subprocess.CompletedProcess[str]:
    """Start a program on two processes as `accelerate launch` does on any device."""
    flags = ["--multi_gpu", "--num_processes", 2, "--main_process_port", 0]
    flags += ["--num_machines", 1, "--mixed_precision", "no", "--dynamo_backend", "no"]
    command = [sys.executable, "-m", "accelerate.commands.launch", *map(str, (*flags, *program))]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=240, check=False)


@pytest.fixture(scope="module")
def dataset(tiny_dataset: Dataset) -> Dataset:
    return with_unlabelled(tiny_dataset)


@pytest.fixture(scope="module")
def two(
    dataset: Dataset, tiny_data: Path, tiny_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What two processes left of the cases, the first of which goes on after an epoch of one process."""
    output = tmp_path_factory.mktemp("two")
    gone_on(dataset, 1, output / CHECKPOINT, Alone(CPU))
    done = launch("-m", "tests.trained_together", tiny_data, tiny_cache, output)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("balanced accuracy") == 1, "one process speaks for all"
    return output


def read(output: Path, index: int) -> Any:
    return json.loads((output / f"{index}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES)
def test_two_processes_have_the_loss_curve_of_one(dataset: Dataset, two: Path, case: str) -> None:
    one = trained(case, dataset, Alone(CPU))
    for index in (0, 1):
        content = read(two, index)
        assert content["processes"] == 2
        history = content["histories"][case]
        assert [epoch["steps"] for epoch in history] == [epoch.steps for epoch in one.history]
        for name in ("train_loss", "validation_loss"):
            ours, theirs = [getattr(e, name) for e in one.history], [e[name] for e in history]
            np.testing.assert_allclose(theirs, ours, atol=TOLERANCE, rtol=0)
    weights = load_file(two / f"{case}.safetensors")
    for name, value in one.model.state_dict().items():
        torch.testing.assert_close(weights[name], value, atol=WEIGHT_TOLERANCE, rtol=0)


@pytest.mark.parametrize("case", list(CASES)[:3])
def test_what_parts_the_curves_is_the_order_of_adding_up(
    dataset: Dataset, two: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "Trainer", SharesInTurn)
    one = trained(case, dataset, Alone(CPU))
    theirs = [epoch["train_loss"] for epoch in read(two, 0)["histories"][case]]
    assert theirs == pytest.approx([epoch.train_loss for epoch in one.history], abs=1e-9)


def test_a_checkpoint_is_gone_on_with_on_another_number_of_processes(
    dataset: Dataset, two: Path, tmp_path: Path
) -> None:
    straight = gone_on(dataset, 3, tmp_path / CHECKPOINT, Alone(CPU))
    changed = gone_on(dataset, 3, two / CHECKPOINT, Alone(CPU))  # epochs on one, two and one processes
    for ours, theirs in zip(straight.history, changed.history, strict=True):
        assert theirs.train_loss == pytest.approx(ours.train_loss, abs=TOLERANCE)
    np.testing.assert_allclose(changed.answers, straight.answers, atol=2e-3)  # in half precision


def test_processes_draw_the_same_samples_but_drop_other_units(two: Path) -> None:
    one, other = (read(two, index)["drawn"] for index in (0, 1))
    assert one[0] != other[0]
    assert one[1] == other[1]


def test_what_goes_wrong_is_heard_on_every_process(two: Path) -> None:
    for index in (0, 1):
        heard = read(two, index)["errors"]
        assert heard["main"] == "damaged"
        assert "different settings" in heard["disagree"]


def test_train_py_on_two_processes_writes_what_one_would(
    tiny_dataset: Dataset, two: Path, tmp_path: Path
) -> None:
    settings = Settings(output=tmp_path, cache=tmp_path / "cache", epochs=2)
    one = training("mlp", tiny_dataset, settings, Alone(CPU)).run()
    both = json.loads((two / "mlp" / "metrics.json").read_text(encoding="utf-8"))
    assert both.keys() == one.keys()
    assert both["validation"]["recall"] == pytest.approx(one["validation"]["recall"], abs=TOLERANCE)
    weights = [load_file(folder / "mlp" / "model.safetensors") for folder in (tmp_path, two)]
    for name, value in weights[0].items():
        torch.testing.assert_close(weights[1][name], value, atol=TOLERANCE, rtol=0, msg=name)


@pytest.mark.parametrize(
    "recipe", [Recipe(batch_size=11, mixup=0.3, shuffle_block=5), CASES["transformer, soft labels"]]
)
def test_shares_make_up_the_batches_of_one(dataset: Dataset, recipe: Recipe) -> None:
    data = TrainingSegments(dataset, run_of(dataset, recipe).segments, CPU)

    def steps(mine: slice) -> list[Any]:
        torch.manual_seed(3)
        return [batch for step in data.epoch(recipe, mine) for batch in step]

    shares = [steps(slice(index, None, 3)) for index in range(3)]
    for whole, *parts in zip(steps(slice(None)), *shares, strict=True):
        assert [part.size for part in parts] == [whole.size] * 3
        for index, part in enumerate(parts):
            torch.testing.assert_close(part.inputs, whole.inputs[index::3], atol=0, rtol=0)
            torch.testing.assert_close(part.weights, whole.weights[index::3], atol=0, rtol=0)
            torch.testing.assert_close(part.targets, whole.targets[index::3], atol=1e-6, rtol=0)


def test_a_process_that_nobody_launched_trains_alone_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORLD_SIZE", "ACCELERATE_MIXED_PRECISION"):
        monkeypatch.delenv(name, raising=False)
    with launched(CPU) as processes:
        assert (type(processes), processes.count, processes.precision) == (Alone, 1, None)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_mixed_precision_keeps_float32_weights_and_resumes_to_the_digit(
    dataset: Dataset, precision: torch.dtype, tmp_path: Path
) -> None:
    make: Any = still("cnn")
    mixed, checkpoint = Alone(CPU, precision), tmp_path / CHECKPOINT
    run = [run_of(dataset, Recipe(batch_size=16), epochs) for epochs in (1, 2)]
    exact = fit(make, dataset, run[1], CPU)
    whole = fit(make, dataset, run[1], CPU, processes=mixed)
    assert {value.dtype for value in whole.model.state_dict().values()} == {torch.float32}
    assert whole.history[-1].train_loss != exact.history[-1].train_loss
    assert whole.history[-1].train_loss == pytest.approx(exact.history[-1].train_loss, abs=0.05)
    fit(make, dataset, run[0], CPU, checkpoint, processes=mixed)
    resumed = fit(make, dataset, run[1], CPU, checkpoint, resume=True, processes=mixed)
    assert resumed.history[-1].train_loss == whole.history[-1].train_loss
    assert Trainer(make(), dataset, run[0], mixed).scaler.is_enabled() == (precision is torch.float16)


def test_other_commands_are_not_started_several_times(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(sys, "argv", ["train.py", "choose", "--data", str(tmp_path)])
    with pytest.raises(SystemExit) as stopped:
        commands.main()
    assert stopped.value.code == 2
    assert "start choose alone" in capsys.readouterr().err
