"""MFCCs equal librosa's, on synthetic sound and on real clips, whatever else is in the batch."""

import librosa
import numpy as np
import pytest
import torch
import torchaudio

from genre_models import audio, musicnn
from genre_models.features import (
    HOP_LENGTH,
    N_FFT,
    N_FRAMES,
    N_MELS,
    N_MFCC,
    log_mel,
    mel_spectrogram,
    mfcc,
)
from tests.clips import real_clips


def reference(segment: np.ndarray) -> np.ndarray:
    coefficients = librosa.feature.mfcc(y=segment, sr=22_050, n_mfcc=13, n_fft=2048, hop_length=1024)
    return np.asarray(coefficients.T)


def synthetic_segments() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    t = torch.arange(audio.SEGMENT_SAMPLES) / audio.SAMPLE_RATE
    noise = torch.randn(audio.SEGMENT_SAMPLES, generator=generator)
    tone = torch.sin(2 * torch.pi * 440 * t)
    fading = tone * torch.exp(-3 * t)
    silent_half = torch.where(t < 3, tone, 0.0)
    return torch.stack([0.9 * noise / noise.abs().max(), 1e-3 * noise, tone, fading, silent_half, 0 * t])


def test_shape() -> None:
    assert mfcc(torch.zeros(3, audio.SEGMENT_SAMPLES)).shape == (3, N_FRAMES, N_MFCC) == (3, 130, 13)


def test_equals_librosa_on_synthetic_sound() -> None:
    segments = synthetic_segments()
    for ours, segment in zip(mfcc(segments).numpy(), segments.numpy(), strict=True):
        np.testing.assert_allclose(ours, reference(segment), atol=1e-3)


def test_equals_librosa_on_real_clips() -> None:
    for path in real_clips(one_per_genre=True):
        segments = audio.segment(audio.load(path)).waveforms
        for ours, segment in zip(mfcc(segments).numpy(), segments.numpy(), strict=True):
            np.testing.assert_allclose(ours, reference(segment), atol=1e-3)


def test_a_loud_neighbour_in_the_batch_changes_nothing() -> None:
    segments = synthetic_segments()
    alone = torch.cat([mfcc(segment[None]) for segment in segments])
    torch.testing.assert_close(mfcc(segments), alone, atol=1e-4, rtol=0)


def test_a_change_of_level_moves_only_coefficient_0() -> None:
    """Ten decibels less are sqrt(128) x 10 less in MFCC 0: what the models centre out."""
    noise = synthetic_segments()[:1]
    change = mfcc(noise * 10 ** (-10 / 20)) - mfcc(noise)
    torch.testing.assert_close(change[..., 0], torch.full((1, 130), -10 * 128**0.5), atol=1e-2, rtol=0)
    assert change[..., 1:].abs().max() < 1e-2


@pytest.mark.parametrize(
    "settings",
    [
        (audio.SAMPLE_RATE, N_FFT, HOP_LENGTH, N_MELS),
        (musicnn.SAMPLE_RATE, musicnn.N_FFT, musicnn.HOP_LENGTH, musicnn.N_MELS),
    ],
    ids=["ours", "MusiCNN's"],
)
def test_mel_spectrogram_equals_torchaudio(settings: tuple[int, int, int, int]) -> None:
    rate, n_fft, hop_length, n_mels = settings
    theirs = torchaudio.transforms.MelSpectrogram(
        rate,
        n_fft,
        hop_length=hop_length,
        n_mels=n_mels,
        mel_scale="slaney",
        norm="slaney",
        pad_mode="constant",
    )
    segments = synthetic_segments()[:, :100_003]
    expected = theirs(segments)
    torch.testing.assert_close(
        mel_spectrogram(*settings)(segments), expected, atol=1e-6 * float(expected.max()), rtol=1e-4
    )


def test_log_mel_spans_at_most_80_db_within_each_segment() -> None:
    decibels = log_mel(synthetic_segments())
    assert decibels.shape == (6, 128, 130)
    assert (decibels.amax((1, 2)) - decibels.amin((1, 2))).max() <= 80 + 1e-3


def test_one_waveform_without_a_batch_axis_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(n, samples\)"):
        mfcc(torch.zeros(audio.SEGMENT_SAMPLES))
