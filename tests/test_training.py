"""Training: the same seed gives the same weights, an interruption costs nothing, full batch is one step."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from genre_models.classifiers import (
    ARCHITECTURES,
    CNN,
    GENRES,
    NETWORKS,
    GenreClassifier,
    MusiCNNClassifier,
)
from genre_models.hub import bundled_ear
from genre_models.training import batches
from genre_models.training.batches import TrainingSegments
from genre_models.training.checkpoint import CheckpointError
from genre_models.training.choice import best_epochs
from genre_models.training.commands import main
from genre_models.training.dataset import Dataset
from genre_models.training.distributed import Alone
from genre_models.training.folds import outer_folds, scored_recordings
from genre_models.training.head import HeadRecipe
from genre_models.training.loop import Run, Trainer, fit
from genre_models.training.recipes import Recipe
from genre_models.training.starting import start_from

CPU = torch.device("cpu")
ROOT = Path(__file__).resolve().parent.parent
RECIPE = Recipe(mixup=0.2, shuffle_block=10, batch_size=16, max_epochs=3)


@pytest.fixture(scope="module")
def dataset(tiny_dataset: Dataset) -> Dataset:
    return tiny_dataset


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


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_seed_gives_the_same_weights(dataset: Dataset, name: str) -> None:
    run = run_of(dataset, epochs=2)
    first, second = (fit(NETWORKS[name], dataset, run, CPU) for _ in range(2))
    assert_same_weights(first.model, second.model)
    assert [e.train_loss for e in first.history] == [e.train_loss for e in second.history]
    other = fit(NETWORKS[name], dataset, replace(run, seed=2), CPU)
    pairs = zip(first.model.parameters(), other.model.parameters(), strict=True)
    assert not all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("name", NETWORKS)
def test_resuming_equals_not_stopping(dataset: Dataset, name: str, tmp_path: Path) -> None:
    run, checkpoint = run_of(dataset), tmp_path / "checkpoint.safetensors"
    whole = fit(NETWORKS[name], dataset, run, CPU)
    fit(NETWORKS[name], dataset, replace(run, epochs=1), CPU, checkpoint)
    resumed = fit(NETWORKS[name], dataset, run, CPU, checkpoint, resume=True)
    assert_same_weights(whole.model, resumed.model)
    assert [e.train_loss for e in whole.history] == [e.train_loss for e in resumed.history]
    assert [e.validation_named for e in whole.history] == [e.validation_named for e in resumed.history]
    assert np.array_equal(whole.answers, resumed.answers)


def test_a_checkpoint_of_other_settings_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.safetensors"
    run = run_of(dataset, epochs=1)
    fit(NETWORKS["mlp"], dataset, run, CPU, checkpoint)
    with pytest.raises(CheckpointError, match="other settings"):
        fit(NETWORKS["mlp"], dataset, replace(run, seed=9), CPU, checkpoint, resume=True)
    fit(NETWORKS["mlp"], dataset, replace(run, epochs=2), CPU, checkpoint, resume=True)
    with pytest.raises(CheckpointError, match="longer than asked"):
        fit(NETWORKS["mlp"], dataset, run, CPU, checkpoint, resume=True)
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="damaged"):
        fit(NETWORKS["mlp"], dataset, run, CPU, checkpoint, resume=True)


def test_a_checkpoint_of_other_recordings_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.safetensors"
    run = run_of(dataset, epochs=1)
    fit(NETWORKS["mlp"], dataset, run, CPU, checkpoint)
    first, *others = dataset.recordings
    longer = dataset.recording.copy()
    longer[np.searchsorted(longer, 1)] = 0  # the first recording has a segment of the second
    mfccs, embedding = dataset.mfccs["clean"][:7], dataset.embedding[:7]
    for other in (
        replace(dataset, recordings=[replace(first, track="another"), *others]),
        replace(dataset, recordings=[replace(first, genre="rock"), *others]),
        replace(dataset, recording=longer),
        replace(dataset, unlabelled_mfccs=mfccs, unlabelled_embedding=embedding),
    ):
        with pytest.raises(CheckpointError, match="other settings or data"):
            fit(NETWORKS["mlp"], other, run, CPU, checkpoint, resume=True)
    moved = [replace(one, path=tmp_path / one.path.name) for one in dataset.recordings]
    same = fit(NETWORKS["mlp"], replace(dataset, recordings=moved), run, CPU, checkpoint, resume=True)
    assert len(same.history) == 1


@pytest.mark.parametrize(("batch_size", "steps"), [(None, 1), (16, None), (1, None)])
def test_the_three_regimes_take_their_number_of_steps(
    dataset: Dataset, batch_size: int | None, steps: int | None
) -> None:
    run = run_of(dataset, epochs=1, recipe=replace(RECIPE, batch_size=batch_size))
    history = fit(NETWORKS["mlp"], dataset, run, CPU).history
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
        trainer = Trainer(NETWORKS["mlp"](), dataset, run, Alone(CPU))
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
    run = run_of(dataset, epochs=18, recipe=Recipe(batch_size=16, mixup=0.2))
    history = fit(NETWORKS["cnn"], dataset, run, CPU).history
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
def test_wrong_input_gets_one_line_and_status_2(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["train.py", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_ctrl_c_keeps_a_checkpoint_and_resume_ends_as_if_never_stopped(
    tiny_data: Path, tiny_cache: Path, tmp_path: Path
) -> None:
    common = ["genre", "--data", tiny_data, "--cache", tiny_cache, "--model", "mlp", "--epochs", 25]
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


def test_soft_labels_teach_what_the_ear_hears(dataset: Dataset) -> None:
    recipe = Recipe(batch_size=16, label_smoothing=0.0, soft_labels=True)
    history = fit(NETWORKS["cnn"], dataset, run_of(dataset, epochs=18, recipe=recipe), CPU).history
    assert history[-1].validation_accuracy is not None
    assert history[-1].validation_accuracy >= 0.6


def test_soft_batches_hold_unlabelled_music_too(dataset: Dataset) -> None:
    others = dataset.mfccs["clean"][:7], dataset.embedding[:7]
    more = replace(dataset, unlabelled_mfccs=others[0], unlabelled_embedding=others[1])
    data = TrainingSegments(more, run_of(dataset).segments, CPU)
    recipe = Recipe(batch_size=8, soft_labels=True, unlabelled=1.5)
    batch = next(data.epoch(recipe))[0]
    assert batch.inputs.shape == (20, 130, 13)
    torch.testing.assert_close(batch.targets.sum(dim=1), torch.ones(20), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("most", "batch_size"), [(None, 16), (20, 16), (20, None), (1_000, 16)])
def test_an_epoch_shows_no_more_segments_than_the_recipe_allows(
    dataset: Dataset, most: int | None, batch_size: int | None
) -> None:
    data = TrainingSegments(dataset, run_of(dataset).segments, CPU)
    recipe = Recipe(batch_size=batch_size, most_segments=most)
    steps = list(data.epoch(recipe))
    assert len(steps) == data.n_steps(recipe)
    assert sum(batch.size for step in steps for batch in step) == min(len(data), most or len(data))


def test_a_pretrained_network_starts_where_it_is_told_to(dataset: Dataset) -> None:
    recipe = Recipe(learning_rate=1e-6, soft_labels=True, pretrained=True, variants=False)
    started, trained = CNN(), fit(CNN, dataset, run_of(dataset, epochs=1, recipe=recipe), CPU).model
    start_from(started)
    *body, head = [name for name, _ in started.named_parameters() if name.endswith("weight")]
    for name in body:
        torch.testing.assert_close(
            trained.state_dict()[name].contiguous(), started.state_dict()[name], atol=1e-4, rtol=0
        )
    assert torch.equal(trained.standardise.mean, started.standardise.mean)
    assert not torch.allclose(trained.state_dict()[head], started.state_dict()[head], atol=1e-3)


def test_what_was_chosen_is_trained_without_validation(
    tiny_data: Path, tiny_cache: Path, tmp_path: Path
) -> None:
    recipe = {"recipe": asdict(Recipe(batch_size=16)), "candidate": "plain", "scores": {}}
    side = {"all": {**recipe, "epochs": 2, "temperature": 1.7}}
    head = {"all": {**side["all"], "recipe": asdict(HeadRecipe())}}
    choices = {"models": {"mlp": side, "musicnn": head}, "pools": {}, "steps": {}}
    file = tmp_path / "choices.json"
    file.write_text(json.dumps(choices), encoding="utf-8")
    few = tmp_path / "few"  # for the restorer, which takes time
    for one in (tiny_data / "artists.tsv", *tiny_data.glob("excerpts/*/*")):
        link = few / one.relative_to(tiny_data)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(one)
    for model in ("mlp", "musicnn"):
        process = train(
            *("genre", "--data", few, "--cache", tiny_cache, "--model", model),
            *("--choices", file, "--output", tmp_path),
        )
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
        trained = ARCHITECTURES[model].from_pretrained(tmp_path / model)
        assert float(trained.temperature) == pytest.approx(1.7)
        metrics = json.loads((tmp_path / model / "metrics.json").read_text(encoding="utf-8"))
        assert "validation" not in metrics
    assert isinstance(trained, MusiCNNClassifier)
    ours, theirs = (ear.unrestored().state_dict() for ear in (trained.ear, bundled_ear()))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert trained.ear.restorer is not None
    assert trained.ear.restorer.last.weight.abs().max() > 0
    assert cast(nn.Linear, trained.heads.near["clean"]).weight.abs().max() > 0
    assert trained.heads.distant.weight.abs().max() > 0
