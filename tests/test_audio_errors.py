"""What is no recording gives one clear sentence; what is left of a damaged one is used with a warning."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from genre_models import audio
from genre_models.audio import AudioError
from tests.audio_files import AMPLITUDE, ENCODED, assert_one_sentence, cut, encode, encode_video, tone, write

SECOND = audio.SAMPLE_RATE


def error_of(path: Path) -> str:
    with pytest.raises(AudioError) as caught:
        audio.read(path)
    assert caught.value.__cause__ is None
    return str(caught.value)


def write_bytes(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def write_sound(samples: np.ndarray, rate: int = SECOND, subtype: str = "FLOAT") -> Callable[[Path], object]:
    return lambda path: write(path, samples, rate, "WAV", subtype)


def wave_with(value: float) -> np.ndarray:
    samples = tone(44_100, channels=2)
    samples[30_000, 1] = value
    return samples


BAD = {
    "missing": (lambda path: None, "could not be found"),
    "nul \0 in its name": (lambda path: None, "could not be found"),
    "folder": (Path.mkdir, "is a folder"),
    "empty.wav": (Path.touch, "is empty"),
    "no samples.wav": (write_sound(tone(SECOND, 0)), "its length is zero"),
    "text.wav": (write_bytes("Ceci n'est pas une mélodie.\n".encode() * 500), "holds text"),
    "playlist.mp3": (write_bytes(b"#EXTM3U\n#EXTINF:2,\nsecret.wav\n#EXT-X-ENDLIST\n"), "holds text"),
    "noise.mp3": (write_bytes(np.random.default_rng(0).bytes(100_000)), "is not a sound recording"),
    "picture.png": (lambda path: Image.new("RGB", (64, 64)).save(path), "is a picture"),
    "picture.jpg": (lambda path: Image.new("RGB", (64, 64)).save(path), "is a picture"),
    "film.mp4": (encode_video, "video has no sound"),
    "nan.wav": (write_sound(wave_with(np.nan)), "not numbers"),
    "infinity.wav": (write_sound(wave_with(-np.inf)), "not numbers"),
    "overflow.wav": (write_sound(tone(SECOND).astype(np.float64) * 1e60, subtype="DOUBLE"), "not numbers"),
    "1 Hz.wav": (write_sound(tone(SECOND), 1), "sample rate of 1 Hz"),
    "10 MHz.wav": (write_sound(tone(SECOND), 10_000_000), "sample rate of 10,000,000 Hz"),
    "256 channels.wav": (write_sound(np.zeros((SECOND, 256), np.float32)), "256 channels"),
    "unfinished.m4a": (lambda path: cut(encode(path, "aac", container="ipod"), 0.9), "damaged or cut off"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    make, words = BAD[name]
    make(tmp_path / name)
    message = error_of(tmp_path / name)
    assert words in message
    assert_one_sentence(message, tmp_path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3", "AU", "AIFF"])
def test_a_hundred_bytes_are_too_few(tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a", tone(44_100), 44_100, kind)
    path.write_bytes(path.read_bytes()[:100])
    assert "damaged or cut off" in error_of(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "MP3", "AU", "AIFF", "webm", "m4a"])
def test_half_a_file_is_used_with_a_warning(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    if kind == "webm":
        encode(path, "libopus", container="webm", seconds=20)
    elif kind == "m4a":
        encode(path, "aac", container="mp4", seconds=20, container_options={"movflags": "faststart"})
    else:
        noise = 0.2 * np.random.default_rng(0).standard_normal((20 * 44_100, 1), dtype=np.float32)
        write(path, noise, 44_100, kind)
    clip = audio.read(cut(path, 0.5))
    assert clip.duration_s == pytest.approx(10, abs=0.5)
    assert len(clip.warnings) == 1
    assert re.search(r"damaged or cut off: only (9|10)\.\d of its 20\.\d s", clip.warnings[0])


def test_sound_around_damage_is_kept(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.aac", "aac", container="adts", seconds=20)
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 3)
    path.write_bytes(content)
    clip = audio.read(path)
    assert 10 < clip.duration_s < 18
    for part in (clip.waveform[SECOND : 5 * SECOND], clip.waveform[-5 * SECOND : -SECOND]):
        assert part.std().item() == pytest.approx(AMPLITUDE / 2**0.5, rel=0.1)


def test_rubbish_after_the_sound_does_no_harm(tmp_path: Path) -> None:
    path = write(tmp_path / "a", tone(44_100, 5), 44_100, "MP3")
    path.write_bytes(path.read_bytes() + np.random.default_rng(0).bytes(50_000))
    clip = audio.read(path)
    assert clip.duration_s == pytest.approx(5, abs=0.1)
    assert clip.warnings == ()


@pytest.fixture(scope="module")
def sound_files(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    path = tmp_path_factory.mktemp("sounds") / "a"
    kinds = ("WAV", "FLAC", "OGG", "MP3", "CAF")
    written = [write(path, tone(44_100), 44_100, kind).read_bytes() for kind in kinds]
    encoded = [encode(path, **options).read_bytes() for options in ENCODED.values()]
    return written + encoded


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_damaged_files_never_get_past_the_promise(
    sound_files: list[bytes], tmp_path: Path, data: st.DataObject, capfd: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(data.draw(st.sampled_from(sound_files)))
    for _ in range(data.draw(st.integers(1, 20))):
        reach = len(content) if data.draw(st.booleans()) else 300
        content[data.draw(st.integers(0, reach - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "a"
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        clip = audio.read(path)
    except AudioError as error:
        assert_one_sentence(str(error), tmp_path)
    else:
        assert len(clip.waveform) and clip.waveform.isfinite().all()
    assert capfd.readouterr() == ("", "")


def test_a_header_that_promises_gigabytes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(44_100), 44_100, "WAV")
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = (0x7000_0000).to_bytes(4, "little")
    path.write_bytes(content)
    clip = audio.read(path)
    assert clip.duration_s == pytest.approx(1)
    assert "damaged or cut off: only 1.0 of its 21" in clip.warnings[0]
