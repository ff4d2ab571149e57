"""Changes to a recording that keep its genre: what training hears besides the clean one."""

from collections.abc import Callable
from hashlib import sha256

import numpy as np
import soxr
import torch
from torch import Tensor
from torchaudio.functional import bass_biquad, treble_biquad

from genre_models.training import recording
from genre_models.training.recording import RATE

Change = Callable[[Tensor, np.random.Generator], Tensor]


def _speed(waveform: Tensor, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(soxr.resample(waveform.numpy(), rng.uniform(0.94, 1.06), 1.0))


def _tone_controls(waveform: Tensor, rng: np.random.Generator) -> Tensor:
    bass = bass_biquad(waveform, RATE, rng.uniform(-6, 6), 200.0)
    return treble_biquad(bass, RATE, rng.uniform(-6, 6), 3_000.0)


def _room(waveform: Tensor, rng: np.random.Generator) -> Tensor:
    return recording.room(waveform, rng.uniform(0.15, 0.9), rng.uniform(-4, 12), rng)


def _background(waveform: Tensor, rng: np.random.Generator) -> Tensor:
    samples = len(waveform)
    if rng.random() < 0.3:
        background = recording.babble(samples, int(rng.integers(1, 8)), rng)
    else:
        background = recording.noise(samples, rng.uniform(0, 2), rng)
    return recording.with_background(waveform, background, rng.uniform(0, 30))


def _telephone(waveform: Tensor, rng: np.random.Generator) -> Tensor:
    return recording.telephone(waveform, rng.uniform(150, 400), rng.uniform(3_000, 5_500))


def _clip(waveform: Tensor, rng: np.random.Generator) -> Tensor:
    return recording.clip(waveform, 10 ** rng.uniform(-3, -1))


def _gain(waveform: Tensor, rng: np.random.Generator) -> Tensor:
    return recording.gain(waveform, rng.uniform(-30, 6))


def _codec(waveform: Tensor, rng: np.random.Generator) -> Tensor:
    name = str(rng.choice(["mp3", "opus", "aac"]))
    return recording.codec(waveform, name, 1_000 * int(rng.choice([24, 32, 48, 64, 96])))


CHANGES: dict[Change, float] = {
    _speed: 0.5,
    _tone_controls: 0.4,
    _room: 0.35,
    _background: 0.45,
    _telephone: 0.15,
    _clip: 0.1,
    _gain: 0.7,
    _codec: 0.35,
}
"""Each change, in the order in which sound meets them, with its probability."""


def generator(seed: str) -> np.random.Generator:
    """The same chance for the same words, on every machine."""
    return np.random.default_rng(int.from_bytes(sha256(seed.encode()).digest()[:8], "little"))


def change(waveform: Tensor, seed: str) -> Tensor:
    """A random variant of a recording (samples,), the same one for the same seed."""
    rng = generator(seed)
    for apply, probability in CHANGES.items():
        if rng.random() < probability:
            waveform = apply(waveform, rng)
    return waveform
