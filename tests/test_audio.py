"""Any sound file becomes the right clip: mono, at 22,050 Hz, resampled once, ten minutes at most."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import torch

from genre_models import audio, decoding
from genre_models.audio import Clip
from tests.audio_files import AMPLITUDE, ENCODED, TONE_HZ, encode, tone, write

WAV_KINDS = [("WAV", s) for s in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")]
LOSSLESS = [
    *WAV_KINDS,
    *[("FLAC", "PCM_S8"), ("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("AIFF", "PCM_16"), ("AIFF", "FLOAT")],
    *[("AU", "PCM_16"), ("AU", "ULAW"), ("CAF", "PCM_24"), ("W64", "PCM_16"), ("RF64", "PCM_16")],
]
RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
LOSSY = [
    *[("MP3", None, channels, rate) for channels in (1, 2) for rate in RATES],
    *[("OGG", "VORBIS", channels, rate) for channels in (1, 8) for rate in RATES],
    *[("OGG", "OPUS", 2, rate) for rate in (8_000, 12_000, 16_000, 24_000, 48_000)],
]


def decibels(ratio: float) -> float:
    return 20 * np.log10(ratio)


def assert_tone(clip: Clip, seconds: float = 1.0, frequency: float = TONE_HZ, level_db: float = 0.0) -> None:
    """The clip is the tone of `audio_files`, and nothing is said about it."""
    wave = clip.waveform
    assert (wave.dtype, wave.ndim, clip.warnings) == (torch.float32, 1, ())
    assert clip.sample_rate == audio.SAMPLE_RATE
    assert clip.duration_s == pytest.approx(seconds, abs=0.2)  # AAC and MP3 add a frame or two
    middle = wave[len(wave) // 4 : 3 * len(wave) // 4]
    peak = torch.fft.rfft(middle * torch.hann_window(len(middle))).abs().argmax().item()
    assert peak * clip.sample_rate / len(middle) == pytest.approx(frequency, abs=2)
    assert decibels(middle.std().item() / (AMPLITUDE / 2**0.5)) == pytest.approx(level_db, abs=1)


@pytest.mark.parametrize(
    ("rate", "channels"), [(8_000, 1), (22_050, 2), (44_100, 3), (48_000, 6), (192_000, 8)]
)
@pytest.mark.parametrize(("kind", "subtype"), LOSSLESS)
def test_lossless(tmp_path: Path, kind: str, subtype: str, rate: int, channels: int) -> None:
    assert_tone(audio.read(write(tmp_path / "a", tone(rate, channels=channels), rate, kind, subtype)))


@pytest.mark.parametrize(("kind", "subtype", "channels", "rate"), LOSSY)
def test_lossy(tmp_path: Path, kind: str, subtype: str | None, channels: int, rate: int) -> None:
    assert_tone(audio.read(write(tmp_path / "a", tone(rate, channels=channels), rate, kind, subtype)))


@pytest.mark.parametrize("name", ENCODED)
def test_encoded(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert_tone(audio.read(encode(tmp_path / name, **ENCODED[name])))
    assert capfd.readouterr() == ("", "")


def test_vbr_mp3(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.mp3"
    sound = np.concatenate([tone(44_100, 10), 0 * tone(44_100, 10)])
    soundfile.write(path, sound, 44_100, bitrate_mode="VARIABLE", compression_level=0.5)
    clip = audio.read(path)
    assert clip.duration_s == pytest.approx(20, abs=0.1)
    assert clip.warnings == ()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["A.WAV", "a.mp3", "a.raw", "a.txt", "a", ".hidden", "a.m4a", "ä ☂ %d.aac"])
def test_names_do_not_matter(tmp_path: Path, name: str) -> None:
    for kind in ("FLAC", "WAV", "MP3"):
        assert_tone(audio.read(write(tmp_path / name, tone(44_100), 44_100, kind)))
    assert_tone(audio.read(str(tmp_path / name)))


@pytest.mark.parametrize(("kind", "subtype"), LOSSLESS)
def test_own_rate_passes_bit_for_bit(tmp_path: Path, kind: str, subtype: str) -> None:
    noise = 0.2 * np.random.default_rng(0).standard_normal((150_001, 1), dtype=np.float32)
    path = write(tmp_path / "a", noise, audio.SAMPLE_RATE, kind, subtype)
    with path.open("rb") as file:
        expected, _ = soundfile.read(file, dtype="float32")
    np.testing.assert_array_equal(audio.load(path), expected)


def test_float_samples_beyond_full_scale_are_kept(tmp_path: Path) -> None:
    samples = 5 * tone(audio.SAMPLE_RATE)
    path = write(tmp_path / "a.wav", samples, audio.SAMPLE_RATE, "WAV", "FLOAT")
    np.testing.assert_array_equal(audio.load(path), samples[:, 0])


def test_resampled_once_without_seams(tmp_path: Path) -> None:
    noise = 0.2 * np.random.default_rng(0).standard_normal((300_000, 2), dtype=np.float32)
    path = write(tmp_path / "a.wav", noise, 48_000, "WAV", "FLOAT")
    expected = soxr.resample(noise.mean(axis=1), 48_000, 16_000)
    np.testing.assert_allclose(audio.load(path, sample_rate=16_000), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("rate", "frequency", "low", "high"), [(44_100, 10_000, -0.1, 0.1), (48_000, 15_000, -300, -60)]
)
def test_resampling_keeps_what_fits_and_no_alias(
    tmp_path: Path, rate: int, frequency: float, low: float, high: float
) -> None:
    waveform = audio.load(write(tmp_path / "a", tone(rate, 5, frequency), rate, "WAV", "FLOAT"))
    middle = waveform[22_050:-22_050]
    assert low < decibels(middle.std().item() / (AMPLITUDE / 2**0.5)) < high


def test_channels_that_cancel_give_way_to_the_loudest(tmp_path: Path) -> None:
    wave = tone(audio.SAMPLE_RATE)
    samples = np.hstack([-0.9 * wave, wave])
    clip = audio.read(write(tmp_path / "a", samples, audio.SAMPLE_RATE, "WAV", "FLOAT"))
    np.testing.assert_array_equal(clip.waveform, wave[:, 0])
    assert len(clip.warnings) == 1 and "cancel" in clip.warnings[0]


def test_one_channel_of_eight_is_mixed(tmp_path: Path) -> None:
    samples = np.hstack([np.zeros((22_050, 7), np.float32), tone(22_050)])
    clip = audio.read(write(tmp_path / "a", samples, 22_050, "WAV", "FLOAT"))
    assert_tone(clip, level_db=decibels(1 / 8))


def test_ten_minutes_at_most_in_bounded_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", tone(8_000, 20 * 60), 8_000, "FLAC")
    tracemalloc.start()
    decoded = decoding.decode(path, [4_000])
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    waveform = decoded.waveforms[0]
    assert len(waveform) == 600 * 4_000
    assert audio.MAX_S == 600
    assert len(decoded.warnings) == 1 and "only the first 10 minutes" in decoded.warnings[0]
    assert peak_bytes < 3 * waveform.nbytes < 600 * 8_000 * 8  # the 10 minutes as they are in the file


def test_exactly_ten_minutes_need_no_word(tmp_path: Path) -> None:
    clip = audio.read(write(tmp_path / "a.flac", tone(8_000, 600), 8_000, "FLAC"))
    assert (clip.duration_s, clip.warnings) == (600, ())


@pytest.mark.parametrize("size", [0, 0x7FFF_FFFF, 0xFFFF_FFFF])
def test_wav_written_to_a_pipe_is_whole(tmp_path: Path, size: int) -> None:
    path = write(tmp_path / "a.wav", tone(44_100), 44_100, "WAV")
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = size.to_bytes(4, "little")
    path.write_bytes(content)
    assert_tone(audio.read(path))
