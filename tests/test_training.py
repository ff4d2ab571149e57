"""Training: the same seed gives the same weights, an interruption costs nothing, full batch is one step."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from genre_models.classifiers import ARCHITECTURES, GENRES, GenreClassifier
from genre_models.training import batches
from genre_models.training.batches import TrainingSegments
from genre_models.training.choice import best_epochs
from genre_models.training.dataset import Dataset
from genre_models.training.folds import outer_folds, scored_recordings
from genre_models.training.gtzan import index
from genre_models.training.loop import CheckpointError, Run, Trainer, fit
from genre_models.training.recipes import Recipe
from tests.sounds import prepare, write_dataset

CPU = torch.device("cpu")
ROOT = Path(__file__).resolve().parent.parent
RECIPE = Recipe(mixup=0.2, shuffle_block=10, batch_size=16, max_epochs=3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def cache(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    prepare(index(data), folder)
    return folder


@pytest.fixture(scope="module")
def dataset(data: Path, cache: Path) -> Dataset:
    return prepare(index(data), cache)[0]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def run_of(dataset: Dataset, **changes: Any) -> Run:
    fold = outer_folds(dataset, "artist", 0)[0]
    run = Run(fold.train, RECIPE, epochs=3, seed=1, validate_on=scored_recordings(dataset, fold.test))
    return replace(run, **changes)


def assert_same_weights(one: GenreClassifier, other: GenreClassifier) -> None:
    for (name, value), twin in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(value, twin), name


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_same_seed_gives_the_same_weights(dataset: Dataset, name: str) -> None:
    run = run_of(dataset, epochs=2)
    first, history = fit(ARCHITECTURES[name], dataset, run, CPU)
    second, again = fit(ARCHITECTURES[name], dataset, run, CPU)
    assert_same_weights(first, second)
    assert [e.train_loss for e in history] == [e.train_loss for e in again]
    other, _ = fit(ARCHITECTURES[name], dataset, replace(run, seed=2), CPU)
    assert not all(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_resuming_equals_not_stopping(dataset: Dataset, name: str, tmp_path: Path) -> None:
    run, checkpoint = run_of(dataset), tmp_path / "checkpoint.safetensors"
    whole, history = fit(ARCHITECTURES[name], dataset, run, CPU)
    fit(ARCHITECTURES[name], dataset, replace(run, epochs=1), CPU, checkpoint)
    resumed, resumed_history = fit(ARCHITECTURES[name], dataset, run, CPU, checkpoint, resume=True)
    assert_same_weights(whole, resumed)
    assert [e.train_loss for e in history] == [e.train_loss for e in resumed_history]
    assert [e.validation_accuracy for e in history] == [e.validation_accuracy for e in resumed_history]


def test_a_checkpoint_of_other_settings_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.safetensors"
    run = run_of(dataset, epochs=1)
    fit(ARCHITECTURES["mlp"], dataset, run, CPU, checkpoint)
    with pytest.raises(CheckpointError, match="other settings"):
        fit(ARCHITECTURES["mlp"], dataset, replace(run, seed=9), CPU, checkpoint, resume=True)
    fit(ARCHITECTURES["mlp"], dataset, replace(run, epochs=2), CPU, checkpoint, resume=True)
    with pytest.raises(CheckpointError, match="longer than asked"):
        fit(ARCHITECTURES["mlp"], dataset, run, CPU, checkpoint, resume=True)
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="damaged"):
        fit(ARCHITECTURES["mlp"], dataset, run, CPU, checkpoint, resume=True)


@pytest.mark.parametrize(("batch_size", "steps"), [(None, 1), (16, None), (1, None)])
def test_the_three_regimes_take_their_number_of_steps(
    dataset: Dataset, batch_size: int | None, steps: int | None
) -> None:
    run = run_of(dataset, epochs=1, recipe=replace(RECIPE, batch_size=batch_size))
    _, history = fit(ARCHITECTURES["mlp"], dataset, run, CPU)
    expected = steps or -(-len(run.segments) // (batch_size or 1))
    assert history[0].steps == expected


def test_a_full_batch_in_parts_has_the_gradient_of_the_whole(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(batch_size=None, label_smoothing=0.0)
    run = run_of(dataset, epochs=1, recipe=recipe, validate_on=np.array([], dtype=int))
    gradients = []
    for size in (7, 10_000):
        monkeypatch.setattr(batches, "MICRO_BATCH", size)
        monkeypatch.setattr(TrainingSegments, "_cut", lambda self, chosen, _: self.bank[chosen, 0])
        torch.manual_seed(0)
        trainer = Trainer(ARCHITECTURES["mlp"](), dataset, run, CPU)
        trainer.train_epoch()
        gradients.append([parameter.grad for parameter in trainer.model.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_genres_weigh_the_same(dataset: Dataset) -> None:
    segments = np.flatnonzero((dataset.labels != 3) | (np.arange(len(dataset.labels)) % 2 == 0))
    data = TrainingSegments(dataset, segments, CPU)
    totals = [float(data.weights[data.labels == genre].sum()) for genre in range(len(GENRES))]
    assert np.allclose(totals, np.mean(totals), rtol=1e-4)


def test_batches_hold_every_segment_once_and_stay_in_their_recording(dataset: Dataset) -> None:
    segments = run_of(dataset).segments
    data = TrainingSegments(dataset, segments, CPU)
    torch.manual_seed(0)
    steps = list(data.epoch(Recipe(batch_size=16, label_smoothing=0.0)))
    batches_of_steps = [batch for step in steps for batch in step]
    targets = torch.cat([batch.targets for batch in batches_of_steps]).argmax(1)
    assert torch.equal(targets.bincount(minlength=10), data.labels.bincount(minlength=10))
    assert all(batch.inputs.shape[1:] == (130, 13) for batch in batches_of_steps)
    owner = dataset.recording[segments]
    np.testing.assert_array_equal(owner[data.following.numpy()], owner)


def test_networks_learn_sounds_that_are_easy_to_tell_apart(dataset: Dataset) -> None:
    run = run_of(dataset, epochs=12, recipe=Recipe(batch_size=16, mixup=0.2))
    _, history = fit(ARCHITECTURES["cnn"], dataset, run, CPU)
    assert history[-1].validation_accuracy is not None
    assert history[-1].validation_accuracy >= 0.6


def test_early_stopping_takes_the_median_of_the_best_epochs() -> None:
    def curve(best: int) -> np.ndarray:
        return 1 - np.abs(np.arange(1, 41) - best) / 40

    assert best_epochs([curve(10), curve(14), curve(31)]) == 14


def train(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "train.py"), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["genre", "--data", "no/such/folder"], "There is no folder"),
        (["genre", "--data", ".", "--model", "tuba"], "invalid choice: 'tuba'"),
        (["genre", "--data", ".", "--batch-size", "some"], "not a whole number above 0"),
        (["genre", "--data", ".", "--learning-rate", "9"], "not a number between 0 and 1"),
        (["genre"], "--data"),
        (["dance"], "invalid choice"),
    ],
)
def test_wrong_input_gets_one_line_and_status_2(arguments: list[str], said: str) -> None:
    process = train(*arguments)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2
    assert said in errors.splitlines()[-1]
    assert "Traceback" not in errors


def test_ctrl_c_keeps_a_checkpoint_and_resume_ends_as_if_never_stopped(
    data: Path, cache: Path, tmp_path: Path
) -> None:
    common = ["genre", "--data", data, "--cache", cache, "--model", "mlp", "--epochs", 25]
    straight = train(*common, "--output", tmp_path / "straight")
    assert straight.wait(timeout=240) == 0

    stopped = train(*common, "--output", tmp_path / "stopped")
    checkpoints = tmp_path / "stopped" / "mlp" / "checkpoints"
    deadline = time.monotonic() + 120
    while not list(checkpoints.glob("*.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.02)
    stopped.send_signal(signal.SIGINT)
    said, errors = stopped.communicate(timeout=60)
    assert stopped.returncode == 130, errors
    assert "--resume" in said
    assert "Traceback" not in errors
    assert not (tmp_path / "stopped" / "mlp" / "model.safetensors").exists()

    resumed = train(*common, "--output", tmp_path / "stopped", "--resume")
    said, _ = resumed.communicate(timeout=240)
    assert "balanced accuracy" in said
    one, other = (
        load_file(tmp_path / name / "mlp" / "model.safetensors") for name in ("straight", "stopped")
    )
    assert all(torch.equal(one[name], other[name]) for name in one)
    metrics = json.loads((tmp_path / "stopped" / "mlp" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["epochs"] == 25
    assert np.sum(metrics["validation"]["confusion"]) == metrics["validation"]["tracks"] == 40
    low, high = metrics["validation"]["interval"]
    assert low <= metrics["validation"]["balanced_accuracy"] <= high
    assert len(metrics["curves"]["folds"]) == 3
