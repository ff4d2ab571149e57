"""Where networks start from: what is learned from music without labels, and what is taken over."""

import json
from pathlib import Path

import pytest
import soundfile
import torch
from safetensors.torch import load_file
from torch import Tensor

from genre_models import audio
from genre_models.classifiers import NETWORKS
from genre_models.paths import METRICS
from genre_models.training import commands
from genre_models.training.assistant import statistics
from genre_models.training.checkpoint import CheckpointError
from genre_models.training.pretraining import Plan, Pretraining, Targets
from genre_models.training.starting import start_from, weights_file
from tests.sounds import sound

SHORT = Plan(steps=6, batch_size=4, warm_up=2)


@pytest.fixture(scope="module")
def music() -> tuple[Tensor, Tensor]:
    """Made-up MFCCs (60, 130, 13), and an embedding (60, 200) that can be told from them."""
    rng = torch.Generator().manual_seed(0)
    scale = 3 * torch.rand(60, 1, 13, generator=rng) + 0.2
    timbre = 4 * torch.randn(60, 1, 13, generator=rng)
    mfccs = timbre + scale * torch.randn(60, 130, 13, generator=rng)
    return mfccs, mfccs.std(dim=1) @ torch.randn(13, 200, generator=rng)


def test_the_targets_can_be_told_of_any_segment(music: tuple[Tensor, Tensor]) -> None:
    targets = Targets(*music)
    described, imagined = targets(music[0])
    assert described.shape == (60, targets.n_statistics) and imagined.shape == (60, targets.n_imagined)
    raw = statistics(music[0])
    within = ((raw - raw.mean(dim=0)) / raw.std(dim=0)).abs() < 5
    wanted = (raw - raw.mean(dim=0)) / (raw.std(dim=0) + 1e-6)
    torch.testing.assert_close(described[within], wanted[within], atol=1e-3, rtol=1e-3)
    mixed = targets(0.3 * music[0] + 0.7 * music[0].flip(0))
    assert all(one.isfinite().all() for one in mixed)
    louder = music[0].clone()
    louder[:, :, 0] += 100.0
    torch.testing.assert_close(targets(louder)[0], described, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("model", NETWORKS)
def test_a_network_learns_them(music: tuple[Tensor, Tensor], model: str) -> None:
    training = Pretraining(model, *music, Plan(steps=250, batch_size=8, warm_up=10))
    wanted = torch.cat(training.targets(music[0]), dim=1)

    def off() -> float:
        with torch.no_grad():
            return float((training.model(music[0]) - wanted).square().mean())

    before = off()
    for _ in range(training.plan.steps):
        training.step()
    assert off() < 0.97 * before


def test_a_resumed_pretraining_ends_with_the_same_weights(
    music: tuple[Tensor, Tensor], tmp_path: Path
) -> None:
    whole = Pretraining("cnn", *music, SHORT)
    whole.run(tmp_path / "whole.safetensors")
    begun = Pretraining("cnn", *music, SHORT)
    for _ in range(4):
        begun.step()
    begun.save(tmp_path / "begun.safetensors")
    resumed = Pretraining("cnn", *music, SHORT)
    resumed.resume(tmp_path / "begun.safetensors")
    resumed.run(tmp_path / "begun.safetensors")
    assert resumed.losses == whole.losses
    for name, values in resumed.learned().items():
        assert torch.equal(values, whole.learned()[name])
    longer = Pretraining("cnn", *music, Plan(steps=9, batch_size=4, warm_up=2))
    with pytest.raises(CheckpointError, match="other settings"):
        longer.resume(tmp_path / "begun.safetensors")


@pytest.mark.parametrize("model", NETWORKS)
def test_a_network_takes_over_all_but_its_last_layer(model: str) -> None:
    torch.manual_seed(0)
    fresh, started = NETWORKS[model](), NETWORKS[model]()
    start_from(started)
    stored = load_file(weights_file(model))
    last = {name for name in fresh.state_dict() if name not in stored} - {"temperature"}
    assert {value.shape[0] for name, value in fresh.state_dict().items() if name in last} == {10}
    assert len(last) == 2
    for name, value in started.state_dict().items():
        if name in stored:
            assert torch.equal(value, stored[name])
    assert float(started.standardise.std[0]) != 1.0


def test_the_command_makes_what_training_starts_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "music" / "deeper"
    folder.mkdir(parents=True)
    for kind in range(3):
        soundfile.write(folder / f"{kind}.wav", sound(kind, 0, 26), audio.SAMPLE_RATE)
    soundfile.write(folder / "silence.wav", torch.zeros(20 * audio.SAMPLE_RATE).numpy(), audio.SAMPLE_RATE)
    metrics = tmp_path / "pretraining.json"
    arguments = ["pretrain", "--data", str(tmp_path / "music"), "--cache", str(tmp_path / "cache")]
    arguments += ["--output", str(tmp_path / "start"), "--metrics", str(metrics), "--steps", "3"]
    monkeypatch.setattr("sys.argv", ["train.py", *arguments])
    commands.main()
    written = json.loads(metrics.read_text(encoding="utf-8"))
    assert written["segments"] == 12 and written["plan"]["steps"] == 3
    assert written["files"] == [f"deeper/{name}.wav" for name in (0, 1, 2, "silence")]
    for model in NETWORKS:
        made = load_file(tmp_path / "start" / f"{model}.safetensors")
        assert {name: value.shape for name, value in made.items()} == {
            name: value.shape for name, value in load_file(weights_file(model)).items()
        }
        assert set(written["losses"][model]) == {"statistics", "imagined"}


def test_nothing_that_is_measured_was_pretrained_on() -> None:
    measured = json.loads((METRICS / "outside.json").read_text(encoding="utf-8"))["recordings"]
    names = {Path(one["origin"]).name for one in measured}
    files = json.loads((METRICS / "pretraining.json").read_text(encoding="utf-8"))["files"]
    assert files and not names & {Path(file).name for file in files}
