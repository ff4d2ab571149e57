"""What is not music is recognised and said so, with what was measured; music stays music."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import save_file

from genre_models import audio
from genre_models.classify import classify
from genre_models.hub import Ensemble, WeightsError, load_detector, load_ensemble
from genre_models.paths import BUNDLED_WEIGHTS
from genre_models.sound import KINDS, Sound, SoundDetector
from genre_models.sound.measures import MEASURES, measure
from tests.clips import real_clips
from tests.conftest import music

RATE = audio.SAMPLE_RATE
SECONDS = 7


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return load_ensemble()


@pytest.fixture(scope="module")
def detector() -> SoundDetector:
    detector = load_detector(BUNDLED_WEIGHTS)
    assert detector is not None
    return detector


def write(path: Path, samples: np.ndarray) -> Path:
    soundfile.write(path, samples, RATE)
    return path


def tone(hz: float) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hz * np.arange(SECONDS * RATE) / RATE)


def white_noise() -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal(SECONDS * RATE)


def beeping() -> np.ndarray:
    on = np.arange(SECONDS * RATE) % (RATE // 2) < RATE // 5
    return tone(1_900) * on


def dripping() -> np.ndarray:
    drop = np.exp(-np.arange(2_000) / 150) * np.sin(0.6 * np.arange(2_000))
    samples = np.zeros(SECONDS * RATE)
    for start in np.random.default_rng(1).integers(0, len(samples) - 2_000, 25):
        samples[start : start + 2_000] += 0.4 * drop
    return samples


NUMPY_SOUNDS: dict[str, Callable[[], np.ndarray]] = {
    "tone": lambda: tone(523),
    "low tone": lambda: tone(80),
    "white noise": white_noise,
    "beeping": beeping,
    "dripping": dripping,
}


@pytest.mark.parametrize("name", NUMPY_SOUNDS)
def test_sounds_are_not_music(name: str, ensemble: Ensemble, tmp_path: Path) -> None:
    report = classify(write(tmp_path / "sound.wav", NUMPY_SOUNDS[name]()), ensemble)
    assert not report.sound.is_music
    assert report.sound.kind in KINDS.values()
    assert report.verdict.genre is None
    assert report.sound.kind in report.verdict.sentence
    assert 1 <= len(report.sound.evidence) <= 3


def tool(name: str) -> str:
    if shutil.which(name) is None:
        sentence = f"{name} IS NOT INSTALLED: its sounds were not tried (apt-get install {name})."
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return name


@pytest.mark.parametrize("voice", ["en-gb", "it+f2", "pl+m4"])
def test_speech_is_not_music(voice: str, ensemble: Ensemble, tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    words = "The train on platform four leaves at twelve past nine. Please mind the gap, and have a good day."
    subprocess.run([tool("espeak-ng"), "-v", voice, "-w", str(path), words], check=True)
    report = classify(path, ensemble)
    assert not report.sound.is_music
    assert report.sound.kind == "speech"


@pytest.mark.parametrize(
    "effects",
    [
        "synth 8 pinknoise",
        "synth 8 sine 100:4000",
        "synth 0.2 square 800 pad 0 0.4 repeat 12",
        "synth 8 sawtooth 60",
    ],
)
def test_synthetic_sounds_are_not_music(effects: str, ensemble: Ensemble, tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    subprocess.run([tool("sox"), "-n", "-r", "44100", str(path), *effects.split(), "vol", "0.5"], check=True)
    assert not classify(path, ensemble).sound.is_music


def test_played_music_is_music(ensemble: Ensemble, tmp_path: Path) -> None:
    path = tmp_path / "music.wav"
    soundfile.write(path, music(12), 44_100)
    assert classify(path, ensemble).sound.is_music


def test_real_clips_are_music(ensemble: Ensemble) -> None:
    for path in real_clips(one_per_genre=True):
        assert classify(path, ensemble).sound.is_music, path.name


@pytest.mark.parametrize("decibels", [-40, -20])
@pytest.mark.parametrize("name", ["tone", "white noise", "dripping"])
def test_the_level_does_not_matter(name: str, decibels: int, detector: SoundDetector) -> None:
    waveform = torch.from_numpy(NUMPY_SOUNDS[name]()).float()
    loud = detector.judge(waveform, None)
    quiet = detector.judge(waveform * 10 ** (decibels / 20), None)
    assert quiet.kind == loud.kind
    assert quiet.evidence == loud.evidence
    assert quiet.music_probability == pytest.approx(loud.music_probability, abs=1e-3)


@pytest.mark.parametrize("hz", [110, 440, 3_000])
def test_the_tone_that_is_named_is_the_one_that_sounds(hz: int, detector: SoundDetector) -> None:
    said = " ".join(detector.judge(torch.from_numpy(tone(hz)).float(), None).evidence)
    named = re.search(r"at ([\d.]+) Hz carries ([\d.]+)%", said)
    assert named is not None, said
    assert float(named[1]) == pytest.approx(hz, rel=0.005, abs=1)
    assert float(named[2]) > 95


def test_flatness_is_1_for_white_noise_and_0_for_a_tone() -> None:
    samples = audio.SEGMENT_SAMPLES
    segments = torch.from_numpy(np.stack([white_noise()[:samples], tone(500)[:samples]])).float()
    flat = 10 ** measure(segments)["flatness"]
    assert flat[0] == pytest.approx(1.0, abs=0.02)
    assert flat[1] < 1e-3


def test_every_measure_is_finite_whatever_sounds() -> None:
    samples = audio.SEGMENT_SAMPLES
    click = torch.zeros(samples)
    click[1_000] = 1.0
    for segment in (torch.zeros(samples), torch.full((samples,), 0.5), click):
        measures = measure(segment[None])
        assert set(MEASURES) <= measures.keys()
        assert all(bool(value.isfinite().all()) for value in measures.values())


def test_without_a_detector_everything_heard_is_music() -> None:
    ensemble = Ensemble({})
    assert ensemble.recognise(torch.from_numpy(tone(440)).float(), None) == Sound("music", None, ())


def test_a_broken_detector_is_an_error_in_words(tmp_path: Path) -> None:
    assert load_detector(tmp_path) is None
    folder = tmp_path / "sound"
    folder.mkdir()
    (folder / "config.json").write_text('{"threshold": 0.5}', encoding="utf-8")
    save_file({"centre": torch.zeros(3)}, folder / "model.safetensors")
    with pytest.raises(WeightsError, match="do not fit"):
        load_detector(tmp_path)
