"""What generated sounds are made of: wandering values, shaped noise, periodic waves, grains in time."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genre_models import audio

RATE = audio.SAMPLE_RATE
Wave = NDArray[np.floating[Any]]
Generator = Callable[[np.random.Generator, int], Wave]
"""Draws a sound of that many samples at RATE, at any level."""


def times(n: int) -> Wave:
    """Seconds from the start, (n,)."""
    return np.arange(n) / RATE


def wander(rng: np.random.Generator, n: int, per_s: float) -> Wave:
    """A smooth random curve (n,) of about unit deviation with `per_s` independent values a second."""
    knots = rng.standard_normal(int(n / RATE * per_s) + 4)
    place = np.linspace(1, len(knots) - 3, n)
    i, x = place.astype(int), place % 1
    before, start, end, after = knots[i - 1], knots[i], knots[i + 1], knots[np.minimum(i + 2, len(knots) - 1)]
    slope = (end - before) / 2
    rise = 3 * (end - start) - 2 * slope - (after - start) / 2
    return start + x * (slope + x * (rise + x * (end - start - slope - rise)))  # Catmull and Rom's spline


def shaped_noise(rng: np.random.Generator, n: int, gain: Callable[[Wave], Wave]) -> Wave:
    """Gaussian noise (n,) of unit RMS whose spectrum follows gain(frequencies in Hz)."""
    spectrum = np.fft.rfft(rng.standard_normal(n)) * gain(np.fft.rfftfreq(n, 1 / RATE))
    return unit(np.fft.irfft(spectrum, n))


def band(low: float, high: float, slope: float = 4.0) -> Callable[[Wave], Wave]:
    """Gains of a band from `low` to `high` Hz with Butterworth-like skirts of that order."""
    return lambda f: (
        1 / np.sqrt((1 + (f / high) ** (2 * slope)) * (1 + (low / np.maximum(f, 1e-3)) ** (2 * slope)))
    )


def unit(wave: Wave) -> Wave:
    """The wave at an RMS of 1."""
    return wave / max(float(np.sqrt(np.mean(wave**2))), 1e-12)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def phase_of(frequency: Wave) -> Wave:
    """Cycles passed (n,) under a frequency in Hz (n,)."""
    return np.cumsum(frequency) / RATE


def harmonics(cycles: Wave, frequency: float, amplitudes: Iterable[float]) -> Wave:
    """A sum of harmonics (n,) of `cycles`, those above the Nyquist frequency of `frequency` left out."""
    kept = [(k, a) for k, a in enumerate(amplitudes, 1) if k * frequency < 0.48 * RATE]
    return np.sum([a * np.sin(2 * np.pi * k * cycles) for k, a in kept], axis=0) if kept else 0 * cycles


def timbre(rng: np.random.Generator) -> Wave:
    """Amplitudes of 24 harmonics: of a sine, a square, a sawtooth, a triangle or anything."""
    k = np.arange(1, 25)
    odd = k % 2
    shapes = [k == 1, odd / k, 1 / k, odd / k**2, rng.random(24) / k ** rng.uniform(0.3, 2)]
    return np.asarray(shapes[rng.integers(len(shapes))], float)


def place(n: int, grains: Iterable[tuple[float, Wave]]) -> Wave:
    """Grains added at their seconds in a wave (n,)."""
    wave = np.zeros(n)
    for start_s, grain in grains:
        start = round(start_s * RATE)
        if 0 <= start < n:
            part = grain[: n - start]
            wave[start : start + len(part)] += part
    return wave


def fades(n: int, rise_s: float, fall_s: float) -> Wave:
    """1 with a linear rise and fall at the ends, (n,)."""
    t = times(n)
    return np.clip(np.minimum(t / rise_s, (t[-1] - t) / fall_s), 0, 1)


def resonances(rng: np.random.Generator, n: int, count: int, low: float, high: float, decay_s: float) -> Wave:
    """`count` decaying sines at random frequencies, (n,): what a struck object answers."""
    t = times(n)
    wave = np.zeros(n)
    for _ in range(count):
        f, d = log_uniform(rng, low, high), decay_s * rng.uniform(0.3, 1.5)
        wave += rng.standard_normal() * np.exp(-t / d) * np.sin(2 * np.pi * (f * t + rng.random()))
    return wave


def moments(rng: np.random.Generator, seconds: float, per_s: float, regularity: float) -> Wave:
    """Times of events: evenly spaced at regularity 1, by a Poisson process at 0, in between otherwise."""
    gaps = (regularity + (1 - regularity) * rng.exponential(1, int(2 * seconds * per_s) + 5)) / per_s
    starts = rng.random() * min(1 / per_s, seconds / 2) + np.cumsum(gaps) - gaps[0]
    return starts[starts < seconds]
