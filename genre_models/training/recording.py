"""What happens to sound between the musicians and the file: rooms, other people, microphones, codecs.

Waveforms are (samples,) at 22,050 Hz, full scale +-1; each function returns as many samples as it was given.
What is random is drawn from the generator that is handed in, so that a seed tells it all.
"""

import tempfile
from pathlib import Path
from typing import cast

import av
import numpy as np
import soxr
import torch
from av.audio.stream import AudioStream
from scipy.signal import butter, sosfilt
from torch import Tensor
from torchaudio.functional import fftconvolve

from genre_models import audio

RATE = audio.SAMPLE_RATE
SPEECH_PEAK_HZ = 4.0  # syllables a second


def gain(waveform: Tensor, decibels: float) -> Tensor:
    """Change the level, then round to 16 bits as a recorder does; what passes full scale is clipped."""
    scaled = (waveform * 10 ** (decibels / 20)).clamp(-1.0, 1.0 - 2**-15)
    return (scaled * 2**15).round() / 2**15


def clip(waveform: Tensor, share: float) -> Tensor:
    """Overdrive the recorder so far that this share of the samples is clipped."""
    ceiling = float(torch.quantile(waveform.abs()[:: max(1, len(waveform) // 100_000)], 1 - share))
    return (waveform / max(ceiling, 1e-4)).clamp(-1.0, 1.0)


def codec(waveform: Tensor, name: str, bit_rate: int, sample_rate: int = 48_000, channels: int = 1) -> Tensor:
    """Through a lossy file and back: `name` is "mp3", "opus" or "aac", `bit_rate` in bits per second."""
    encoder, suffix = {
        "mp3": ("libmp3lame", ".mp3"),
        "opus": ("libopus", ".ogg"),
        "aac": ("aac", ".m4a"),
    }[name]
    samples = soxr.resample(waveform.numpy(), RATE, sample_rate).clip(-1, 1)
    layout = "stereo" if channels == 2 else "mono"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"clip{suffix}")
        with av.open(str(path), "w") as container:
            added = container.add_stream(encoder, rate=sample_rate, layout=layout, bit_rate=bit_rate)
            stream = cast(AudioStream, added)
            frame = av.AudioFrame.from_ndarray(np.tile(samples, (channels, 1)), format="fltp", layout=layout)
            frame.sample_rate = sample_rate
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        decoded = audio.load(path)
    return _fitted(decoded, len(waveform))


def room(waveform: Tensor, rt60_s: float, direct_db: float, rng: np.random.Generator) -> Tensor:
    """Played in a room and recorded at some distance.

    The impulse response is the direct sound and noise that decays by 60 dB in `rt60_s` seconds, faster in
    the treble as walls and air have it; the direct sound is `direct_db` above the energy of the rest.
    """
    t = np.arange(int(rt60_s * RATE)) / RATE
    noise = rng.standard_normal(len(t))
    dull = sosfilt(butter(1, 2_000, "lowpass", fs=RATE, output="sos"), noise)
    tail = noise * 10 ** (-3 * t / (0.5 * rt60_s)) + 2 * dull * 10 ** (-3 * t / rt60_s)
    tail[: int(rng.uniform(0.002, 0.015) * RATE)] = 0.0  # until the first wall answers
    tail *= 10 ** (-direct_db / 20) / np.linalg.norm(tail)
    tail[0] += 1.0
    response = torch.from_numpy(tail.astype(np.float32))
    return fftconvolve(waveform, response)[: len(waveform)]


def telephone(waveform: Tensor, low_hz: float = 300.0, high_hz: float = 3_400.0) -> Tensor:
    """Only the band that a telephone carries."""
    band = butter(4, [low_hz, high_hz], "bandpass", fs=RATE, output="sos")
    return torch.from_numpy(sosfilt(band, waveform.numpy()).astype(np.float32))


def with_background(waveform: Tensor, background: Tensor, snr_db: float) -> Tensor:
    """Add a background so that the waveform's energy is `snr_db` above it."""
    level = waveform.square().mean().sqrt() * 10 ** (-snr_db / 20)
    return waveform + background * level / background.square().mean().sqrt().clamp_min(1e-9)


def noise(samples: int, slope: float, rng: np.random.Generator) -> Tensor:
    """Noise whose power falls with the frequency to the power of `slope`: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequencies = np.maximum(np.fft.rfftfreq(samples, 1 / RATE), 20.0)
    shaped = np.fft.irfft(spectrum * frequencies ** (-slope / 2), samples)
    return torch.from_numpy((shaped / shaped.std()).astype(np.float32))


def babble(samples: int, voices: int, rng: np.random.Generator) -> Tensor:
    """People talking at once: `voices` chains of syllables, each a pulse train through random formants."""
    together = sum(_voice(samples, rng) * rng.uniform(0.4, 1.0) for _ in range(voices))
    return torch.from_numpy((together / np.std(together)).astype(np.float32))


def _voice(samples: int, rng: np.random.Generator) -> np.ndarray:
    """One speaker: voiced and unvoiced syllables with pauses (source and filter; Fant 1960)."""
    pitch = rng.choice([110.0, 200.0]) * rng.uniform(0.8, 1.25)
    speech = np.zeros(samples + RATE)
    start, phase = 0, 0.0
    while start < samples:
        length = int(RATE / SPEECH_PEAK_HZ * rng.uniform(0.5, 1.4))
        if rng.random() < 0.85:
            glide = pitch * rng.uniform(0.85, 1.2) * np.linspace(1, rng.uniform(0.8, 1.15), length)
            phases = phase + np.cumsum(glide) / RATE
            pulses = np.diff(np.floor(phases), prepend=np.floor(phase))
            phase = float(phases[-1] % 1)
            source = rng.standard_normal(length) / 8 if rng.random() < 0.25 else pulses
            syllable = _through_formants(source, rng)[:length] * np.hanning(length) * rng.uniform(0.3, 1)
            speech[start : start + length] += syllable[: len(speech) - start]
        start += length
    return speech[:samples]


def _through_formants(source: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random vowel: three resonances, each an octave or so above the one before."""
    n = 1 << (len(source) - 1).bit_length()
    frequencies = np.maximum(np.fft.rfftfreq(n, 1 / RATE), 50.0)
    formants = rng.uniform([300, 900, 2_200], [900, 2_200, 3_500])
    octaves = np.log2(frequencies[:, None] / formants)
    shape = (np.exp(-((octaves / 0.2) ** 2)) * [1.0, 0.6, 0.3]).sum(axis=1) + 0.02
    return np.fft.irfft(np.fft.rfft(source, n) * shape, n)


def _fitted(waveform: Tensor, samples: int) -> Tensor:
    return torch.nn.functional.pad(waveform, (0, max(0, samples - len(waveform))))[:samples]
