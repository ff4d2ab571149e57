"""The denoiser in front of MusiCNN: what it does to recordings, and how it is trained."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from genre_models import audio, musicnn
from genre_models.denoiser import Denoiser
from genre_models.hub import bundled_ear
from genre_models.musicnn import N_MELS, MusiCNN
from genre_models.paths import METRICS
from genre_models.training import commands, recording
from genre_models.training.augment import generator
from genre_models.training.checkpoint import CheckpointError
from genre_models.training.dataset import at_16_khz
from genre_models.training.degrading import BLOCK_SAMPLES, DRAWS, FRAMES, Music, Pairs, all_at_once, music
from genre_models.training.denoising import DenoiserTraining, Plan, measure, train
from genre_models.training.files import DataError
from genre_models.ui.examples import EXAMPLES
from tests.sounds import sound

GOLDEN = Path(__file__).parent / "data" / "musicnn_golden.npz"
SHORT = Plan(steps=6, batch_size=2, warm_up=2)


@pytest.fixture(scope="module")
def log_mels() -> torch.Tensor:
    with np.load(GOLDEN) as file:
        return torch.from_numpy(file["log_mel"])


def tune(kind: int, seconds: float) -> torch.Tensor:
    return torch.from_numpy(sound(kind, 0, seconds)).float()


def segments_of(waveform: torch.Tensor) -> torch.Tensor:
    return at_16_khz(audio.segment(waveform).waveforms)


@pytest.fixture(scope="module")
def some_music() -> Music:
    """Made-up log-mels with an offset that a denoiser can learn to take out."""
    rng = torch.Generator().manual_seed(0)
    clean = (2 + torch.randn(12, FRAMES, N_MELS, generator=rng)).clamp_min(0)
    pairs = Pairs(clean.half(), (clean + 0.5).half().repeat(len(DRAWS), 1, 1, 1))
    return Music(pairs, pairs, ["a.wav", "b.wav"])


def test_an_untrained_denoiser_changes_nothing(log_mels: torch.Tensor) -> None:
    torch.testing.assert_close(Denoiser(N_MELS)(log_mels), log_mels)
    waveform = tune(5, 6.0)[None, :96_000]
    behind, published = MusiCNN(Denoiser(N_MELS)), MusiCNN()
    torch.testing.assert_close(behind.patches_of(waveform), published.patches_of(waveform))


def test_as_published_it_hears_without_the_denoiser() -> None:
    ear = bundled_ear()
    waveform = tune(5, 6.0)[None, :96_000]
    plain = musicnn.patches(musicnn.log_mel(musicnn.levelled(waveform)))
    torch.testing.assert_close(ear.as_published().patches_of(waveform), plain)
    assert ear.denoiser is not None
    assert not torch.allclose(ear.patches_of(waveform), plain)
    torch.testing.assert_close(ear(plain[0]).pooled, ear.as_published()(plain[0]).pooled)


@pytest.mark.parametrize("example", ["morning", "sunflower-slow-drag"])
def test_the_bundled_denoiser_brings_a_bad_recording_nearer_to_the_good_one(example: str) -> None:
    """By what MusiCNN hears; the denoiser did not learn from these two examples, as it did from others."""
    ear = bundled_ear()
    published = ear.as_published()
    waveform = audio.load(EXAMPLES / f"{example}.ogg")[10 * audio.SAMPLE_RATE : 16 * audio.SAMPLE_RATE]
    wanted = published.listen(segments_of(waveform)).pooled
    for seed in ("one", "two"):
        bad = segments_of(all_at_once(waveform, generator(seed)))
        before, after = (float((one.listen(bad).pooled - wanted).square().mean()) for one in (published, ear))
        assert after < 0.8 * before


def test_training_takes_out_what_was_put_in(some_music: Music) -> None:
    ear = bundled_ear().as_published()
    training = DenoiserTraining(some_music, Plan(steps=40, warm_up=4))
    before = measure(training.denoiser, ear, some_music.validated)
    for row in before.values():
        assert row["log-mels after"] == pytest.approx(row["log-mels before"], abs=1e-5)
    assert before["clean"]["heard before"] == 0 < before["in parts"]["heard before"]
    for _ in range(training.plan.steps):
        training.step()
    after = measure(training.denoiser, ear, some_music.validated)["all at once"]
    assert after["log-mels after"] < 0.7 * after["log-mels before"]
    assert after["heard after"] < after["heard before"]


def test_a_resumed_training_ends_with_the_same_weights(some_music: Music, tmp_path: Path) -> None:
    whole = DenoiserTraining(some_music, SHORT)
    whole.run(tmp_path / "whole.safetensors")
    begun = DenoiserTraining(some_music, SHORT)
    for _ in range(4):
        begun.step()
    begun.save(tmp_path / "begun.safetensors")
    resumed = DenoiserTraining(some_music, SHORT)
    resumed.resume(tmp_path / "begun.safetensors")
    resumed.run(tmp_path / "begun.safetensors")
    assert resumed.losses == whole.losses
    for name, values in resumed.denoiser.state_dict().items():
        assert torch.equal(values, whole.denoiser.state_dict()[name])
    longer = DenoiserTraining(some_music, Plan(steps=9, warm_up=2))
    with pytest.raises(CheckpointError, match="other settings"):
        longer.resume(tmp_path / "begun.safetensors")


def test_pairs_are_of_the_same_music(tmp_path: Path) -> None:
    folder = tmp_path / "music" / "deeper"
    folder.mkdir(parents=True)
    long = sound(5, 0, 2 * BLOCK_SAMPLES / audio.SAMPLE_RATE + 1)
    soundfile.write(folder / "long.wav", long, audio.SAMPLE_RATE)
    soundfile.write(folder / "other.wav", long[::-1], audio.SAMPLE_RATE)
    soundfile.write(folder / "short.wav", long[: BLOCK_SAMPLES - 1], audio.SAMPLE_RATE)
    (folder / "broken.wav").write_bytes(b"no sound at all")
    found = music(tmp_path / "music", tmp_path / "cache")
    assert found.files == ["deeper/long.wav", "deeper/other.wav", "deeper/short.wav"]
    assert found.validated.clean.shape == (8, FRAMES, N_MELS)
    assert found.learned.degraded.shape == (len(DRAWS), 8, FRAMES, N_MELS)
    clean = found.validated.clean.float()
    for draw in found.validated.degraded.float():
        assert (draw - clean).abs().mean() > 0.02
        likeness = torch.corrcoef(torch.stack([draw.flatten(), clean.flatten()]))[0, 1]
        assert likeness > 0.3
    again = music(tmp_path / "music", tmp_path / "cache")
    assert torch.equal(again.learned.degraded, found.learned.degraded)


def test_too_little_music_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="too little music"):
        music(tmp_path, tmp_path / "cache")
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", sound(5, 0, 3.0), audio.SAMPLE_RATE)
    with pytest.raises(DataError, match="24 s and more"):
        music(tmp_path, tmp_path / "cache")


def test_training_keeps_the_published_network_as_it_was(some_music: Music, tmp_path: Path) -> None:
    model, metrics = train(some_music, SHORT, tmp_path)
    published = bundled_ear().as_published().state_dict()
    ours = model.ear.as_published().state_dict()
    assert all(torch.equal(values, ours[name]) for name, values in published.items())
    assert not any(weights.any() for weights in model.heads.parameters())
    assert set(metrics["measured"]) == {"clean", "all at once", "in parts"}


def test_the_command_says_what_is_wrong_with_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["train.py", "denoiser", "--data", str(tmp_path / "nowhere")])
    with pytest.raises(SystemExit) as stopped:
        commands.main()
    assert stopped.value.code == 2
    assert "too little music" in capsys.readouterr().err


def test_what_shall_be_foreign_to_the_app_was_no_part_of_the_denoisers_music() -> None:
    music = json.loads((METRICS / "denoiser.json").read_text(encoding="utf-8"))["files"]
    learned = {Path(name).name.lower() for name in music}
    foreign = json.loads((METRICS / "outside.json").read_text(encoding="utf-8"))["recordings"]
    names = {Path(one["origin"].removesuffix(" in its .pk3")).name.lower() for one in foreign}
    assert len(learned) > 500
    assert len(names) > 50
    assert not learned & names


def test_recordings_are_degraded_within_what_the_denoiser_is_for() -> None:
    waveform = tune(5, 6.0)
    for degrade in set(DRAWS):
        heard = degrade(waveform, generator("one"))
        assert heard.shape == waveform.shape
        assert heard.isfinite().all()
        assert torch.equal(heard, degrade(waveform, generator("one")))
    assert recording.RATE == audio.SAMPLE_RATE
