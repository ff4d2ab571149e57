"""Rooms, noise, telephones and codecs do what they are named after, and the same again for the same seed."""

import numpy as np
import pytest
import torch

from genre_models.training import recording
from genre_models.training.augment import CHANGES, change, generator
from genre_models.training.recording import RATE
from genre_models.training.recording_conditions import CONDITIONS

SECONDS = 4


@pytest.fixture(scope="module")
def waveform() -> torch.Tensor:
    """Chords with attacks, at about -17 dBFS."""
    t = np.arange(SECONDS * RATE) / RATE
    envelope = np.exp(-4 * (t % 0.5))
    tones = sum(np.sin(2 * np.pi * f * t) for f in (110, 220, 330, 550, 1_100, 4_400, 7_000))
    return torch.from_numpy((0.06 * tones * envelope).astype(np.float32))


def decibels(waveform: torch.Tensor) -> float:
    return 10 * float(waveform.square().mean().log10())


def band_level(waveform: torch.Tensor, low: float, high: float) -> float:
    power = torch.fft.rfft(waveform).abs().square()
    frequencies = torch.fft.rfftfreq(len(waveform), 1 / RATE)
    return 10 * float(power[(frequencies >= low) & (frequencies < high)].sum().log10())


@pytest.mark.parametrize("name", CONDITIONS)
def test_conditions_keep_length_and_are_the_same_again(name: str, waveform: torch.Tensor) -> None:
    first, second = (CONDITIONS[name].apply(waveform, generator("a track")) for _ in range(2))
    assert first.shape == waveform.shape
    assert first.dtype == torch.float32
    assert first.isfinite().all()
    assert torch.equal(first, second)
    assert not torch.equal(first, waveform)


def test_gain_is_in_decibels_and_rounds_to_16_bits(waveform: torch.Tensor) -> None:
    quiet = recording.gain(waveform, -20.0)
    assert decibels(quiet) == pytest.approx(decibels(waveform) - 20, abs=0.05)
    assert torch.equal(quiet * 2**15, (quiet * 2**15).round())
    assert recording.gain(waveform, 60.0).abs().max() <= 1.0


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_clipping_clips_that_share(share: float, waveform: torch.Tensor) -> None:
    clipped = recording.clip(waveform, share)
    assert float((clipped.abs() >= 1.0).float().mean()) == pytest.approx(share, rel=0.2)


@pytest.mark.parametrize("snr", [0.0, 10.0, 30.0])
def test_background_has_the_level_that_was_asked_for(snr: float, waveform: torch.Tensor) -> None:
    background = recording.noise(len(waveform), 1.0, np.random.default_rng(0))
    added = recording.with_background(waveform, background, snr) - waveform
    assert decibels(waveform) - decibels(added) == pytest.approx(snr, abs=0.05)


@pytest.mark.parametrize(("slope", "per_octave"), [(0, 0.0), (1, -3.0), (2, -6.0)])
def test_noise_falls_by_its_slope(slope: int, per_octave: float) -> None:
    noise = recording.noise(20 * RATE, slope, np.random.default_rng(1))
    density = [band_level(noise, f, 2 * f) - 10 * np.log10(f) for f in (500, 1_000, 2_000)]
    np.testing.assert_allclose(np.diff(density), per_octave, atol=0.4)


def test_a_telephone_carries_only_its_band(waveform: torch.Tensor) -> None:
    heard = recording.telephone(waveform)
    assert band_level(heard, 0, 150) < band_level(waveform, 0, 150) - 20
    assert band_level(heard, 6_000, 11_000) < band_level(waveform, 6_000, 11_000) - 20
    assert band_level(heard, 500, 2_000) == pytest.approx(band_level(waveform, 500, 2_000), abs=1)


@pytest.mark.parametrize("rt60", [0.3, 0.8])
def test_a_room_decays_by_60_db_in_its_time(rt60: float) -> None:
    click = torch.zeros(2 * RATE)
    click[0] = 1.0
    answer = recording.room(click, rt60, 0.0, np.random.default_rng(0))
    energy = answer.square().flip(0).cumsum(0).flip(0)  # what is still to come (Schroeder 1965)
    still = 10 * (energy / energy[0]).log10()
    fell_35 = int((still < -35).nonzero()[0])
    fell_5 = int((still < -5).nonzero()[0])
    assert 2 * (fell_35 - fell_5) / RATE == pytest.approx(rt60, rel=0.25)
    assert float(answer[1:].square().sum()) == pytest.approx(1.0, rel=0.02)  # as much as the direct sound


def test_voices_have_the_rhythm_of_speech() -> None:
    babble = recording.babble(20 * RATE, 1, np.random.default_rng(3))
    envelope = babble.abs().unfold(0, RATE // 50, RATE // 50).mean(dim=1)
    power = torch.fft.rfft(envelope - envelope.mean()).abs().square()
    rhythm = torch.fft.rfftfreq(len(envelope), 1 / 50)
    syllables = power[(rhythm > 2) & (rhythm < 8)].sum()
    assert syllables > 3 * power[(rhythm > 12) & (rhythm < 24)].sum()


@pytest.mark.parametrize("name", ["mp3", "opus", "aac"])
def test_codecs_lose_little_and_keep_time(name: str, waveform: torch.Tensor) -> None:
    coded = recording.codec(waveform, name, 96_000)
    middle = slice(RATE, 2 * RATE)
    lags = np.correlate(coded[middle].numpy(), waveform[middle].numpy()[1_200:-1_200], "valid")
    assert abs(int(lags.argmax()) - 1_200) <= 1_100  # 50 ms
    assert decibels(coded) == pytest.approx(decibels(waveform), abs=1.0)


def test_training_hears_every_change(waveform: torch.Tensor) -> None:
    assert torch.equal(change(waveform, "one"), change(waveform, "one"))
    assert not torch.equal(change(waveform, "one"), change(waveform, "two"))
    for apply in CHANGES:
        changed = apply(waveform, generator(apply.__name__))
        assert changed.isfinite().all()
        assert abs(len(changed) / len(waveform) - 1) < 0.07
