"""Changes to a waveform that keep its genre: what training hears besides the clean recording."""

import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import soxr
import torch
from torch import Tensor
from torchaudio.functional import bass_biquad, treble_biquad

from genre_models import audio

Change = Callable[[Tensor, random.Random], Tensor]


def gain(waveform: Tensor, decibels: float) -> Tensor:
    """Change the level, then round to 16 bits as a recorder does; what passes full scale is clipped."""
    scaled = (waveform * 10 ** (decibels / 20)).clamp(-1.0, 1.0 - 2**-15)
    return (scaled * 2**15).round() / 2**15


def mp3(waveform: Tensor, bit_rate: int, sample_rate: int = 48_000, channels: int = 2) -> Tensor:
    """Through an MP3 file and back, at `bit_rate` bits per second; same rate and length as before."""
    samples = soxr.resample(waveform.numpy(), audio.SAMPLE_RATE, sample_rate).clip(-1, 1)
    planes = np.tile(samples, (channels, 1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp3")
        with av.open(str(path), "w") as container:
            layout = "stereo" if channels == 2 else "mono"
            stream = container.add_stream("mp3", rate=sample_rate, layout=layout, bit_rate=bit_rate)
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
            frame.sample_rate = sample_rate
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        decoded = audio.load(path)
    return torch.nn.functional.pad(decoded, (0, max(0, len(waveform) - len(decoded))))[: len(waveform)]


def _speed(waveform: Tensor, rng: random.Random) -> Tensor:
    return torch.from_numpy(soxr.resample(waveform.numpy(), rng.uniform(0.94, 1.06), 1.0))


def _tone_controls(waveform: Tensor, rng: random.Random) -> Tensor:
    bass = bass_biquad(waveform, audio.SAMPLE_RATE, rng.uniform(-6, 6), 200.0)
    return treble_biquad(bass, audio.SAMPLE_RATE, rng.uniform(-6, 6), 3_000.0)


def _noise(waveform: Tensor, rng: random.Random) -> Tensor:
    level = waveform.square().mean().sqrt() * 10 ** (-rng.uniform(15, 50) / 20)
    generator = torch.Generator().manual_seed(rng.getrandbits(32))
    return waveform + level * torch.randn(len(waveform), generator=generator)


def _gain(waveform: Tensor, rng: random.Random) -> Tensor:
    return gain(waveform, rng.uniform(-30, 6))


def _mp3(waveform: Tensor, rng: random.Random) -> Tensor:
    sample_rate = rng.choice([22_050, 44_100, 48_000])
    return mp3(waveform, 1_000 * rng.choice([24, 32, 48, 64, 96]), sample_rate, channels=1)


CHANGES: dict[Change, float] = {_speed: 0.6, _tone_controls: 0.5, _noise: 0.3, _gain: 0.7, _mp3: 0.5}
"""Each change, in the order in which sound meets them, with its probability."""


def change(waveform: Tensor, seed: str) -> Tensor:
    """A random variant of a recording (samples,), the same one for the same seed."""
    rng = random.Random(seed)
    for apply, probability in CHANGES.items():
        if rng.random() < probability:
            waveform = apply(waveform, rng)
    return waveform
