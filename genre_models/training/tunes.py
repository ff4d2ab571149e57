"""Generated music: teaches the detector of non-music that a synthetic sound may well be music."""

import numpy as np

from genre_models.training.waves import (
    RATE,
    Generator,
    Wave,
    band,
    fades,
    harmonics,
    phase_of,
    place,
    resonances,
    shaped_noise,
    timbre,
    times,
    unit,
    wander,
)

SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 6, 7, 10))
CHORDS = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 11), (0, 3, 7, 10), (0, 5, 7), (0, 4, 7, 14))


def _hz(key: float) -> float:
    return 440 * 2 ** ((key - 69) / 12)


def _note(rng: np.random.Generator, key: float, seconds: float, amplitudes: Wave, plucked: bool) -> Wave:
    n = max(int(seconds * RATE), 400)
    f, t = _hz(key), times(n)
    vibrato = 1 + rng.choice([0, 0.004]) * np.sin(2 * np.pi * 5.5 * t)
    tone = harmonics(phase_of(f * vibrato), f, amplitudes) * fades(n, 0.008, 0.03)
    return tone * np.exp(-t * rng.uniform(2, 6)) if plucked else tone


def _steps(rng: np.random.Generator, n: int, beat_s: float) -> list[tuple[float, float]]:
    """Notes' starts and lengths in seconds, on a grid of half and quarter beats."""
    steps, at = [], 0.0
    while at < n / RATE:
        length = beat_s * rng.choice([0.25, 0.5, 0.5, 1, 1, 2])
        steps.append((at, length))
        at += length
    return steps


def melody(rng: np.random.Generator, n: int) -> Wave:
    """One voice on a scale: a flute, a piano's right hand, a synthesiser."""
    scale, root = SCALES[rng.integers(len(SCALES))], int(rng.integers(45, 70))
    amplitudes, plucked = timbre(rng), rng.random() < 0.5
    degree, notes = int(rng.integers(0, 10)), []
    for at, length in _steps(rng, n, rng.uniform(0.35, 0.9)):
        degree = int(np.clip(degree + rng.integers(-3, 4), -3, 14))
        key = root + 12 * (degree // len(scale)) + scale[degree % len(scale)]
        if rng.random() < 0.9:
            notes.append((at, _note(rng, key, length * rng.uniform(0.7, 1.4), amplitudes, plucked)))
    return place(n, notes)


def chords(rng: np.random.Generator, n: int) -> Wave:
    """A progression: struck, broken or held."""
    beat_s, root = rng.uniform(0.4, 1.6), rng.integers(45, 62)
    amplitudes, plucked, spread_s = timbre(rng), rng.random() < 0.6, rng.choice([0, 0.02, 0.15])
    notes = []
    for at in np.arange(0, n / RATE, beat_s):
        base = root + rng.choice([0, 5, 7, 9, 2, 4])
        for i, key in enumerate(CHORDS[rng.integers(len(CHORDS))]):
            notes.append((at + i * spread_s, _note(rng, base + key, beat_s * 1.1, amplitudes, plucked)))
    return place(n, notes)


def pad(rng: np.random.Generator, n: int) -> Wave:
    """Ambient: slow swelling chords, perhaps over soft noise."""
    wave = np.zeros(n)
    root = rng.integers(38, 60)
    for key in rng.choice([0, 3, 4, 7, 10, 12, 14, 19, 24, -12], rng.integers(4, 8), replace=False):
        f = _hz(root + key)
        swell = np.clip(wander(rng, n, rng.uniform(0.25, 0.8)) + 0.4, 0, None)
        detuned = sum(
            harmonics(phase_of(np.full(n, f * d)), f, timbre(rng)) for d in (1, 1 + rng.uniform(0, 0.006))
        )
        wave += swell * unit(np.asarray(detuned)) / (1 + key / 24)
    return wave + rng.choice([0, 0.1]) * shaped_noise(rng, n, band(200, 4_000, 1))


def drums(rng: np.random.Generator, n: int) -> Wave:
    """A drum kit alone, a pattern of bass drum, snare, toms and cymbals."""
    step_s = rng.uniform(0.1, 0.2)

    def kick() -> Wave:
        t = times(int(0.25 * RATE))
        return 1.5 * np.sin(2 * np.pi * (50 * t + 6 * (1 - np.exp(-t * 30)))) * np.exp(-t * 14)

    def snare() -> Wave:
        length = int(0.2 * RATE)
        noise = shaped_noise(rng, length, band(400, 8_000, 1)) * np.exp(-times(length) * 22)
        return 0.6 * noise + 0.4 * resonances(rng, length, 3, 170, 350, 0.06)

    def hat() -> Wave:
        length = int(rng.choice([0.05, 0.05, 0.3]) * RATE)
        return (
            0.3
            * shaped_noise(rng, length, band(5_000, 10_000, 3))
            * np.exp(-times(length) * 4 * RATE / length)
        )

    def tom() -> Wave:
        return unit(resonances(rng, int(0.3 * RATE), 2, 80, 300, 0.12))

    kit, hits = (kick, snare, hat, tom), []
    pattern = rng.random((4, 16)) < np.array([[0.3], [0.2], [0.55], [0.12]])
    pattern[0, 0] = pattern[1, 4] = pattern[1, 12] = True
    for step, at in enumerate(np.arange(0, n / RATE, step_s)):
        fill = rng.random(4) < 0.04
        hits += [(at, rng.uniform(0.6, 1) * kit[i]()) for i in range(4) if pattern[i, step % 16] or fill[i]]
    return place(n, hits)


def singing(rng: np.random.Generator, n: int) -> Wave:
    """A voice alone that holds notes of a scale: a buzz with vibrato through the formants of vowels."""
    scale, root = SCALES[rng.integers(3)], int(rng.integers(45, 66))
    vowels = (
        (700, 1_200, 2_600),
        (400, 2_000, 2_600),
        (300, 870, 2_300),
        (450, 800, 2_800),
        (300, 2_300, 3_000),
    )
    degree, notes = 3, []
    for at, length in _steps(rng, n, rng.uniform(0.5, 1.1)):
        degree = int(np.clip(degree + rng.integers(-2, 3), 0, 10))
        f = _hz(root + 12 * (degree // len(scale)) + scale[degree % len(scale)])
        samples = max(int(length * 0.98 * RATE), 1_000)
        t = times(samples)
        bend = -0.04 * np.exp(-t * 25) + rng.uniform(0.003, 0.015) * np.sin(2 * np.pi * 5.5 * t) * np.clip(
            t * 3, 0, 1
        )
        k = np.arange(1, 40) * f
        formants = np.array(vowels[rng.integers(len(vowels))])
        gains = np.exp(-(((k - formants[:, None]) / 130) ** 2)).sum(axis=0)
        tone = harmonics(phase_of(f * (1 + bend)), f, gains + 0.02)
        notes.append((at, unit(tone) * fades(samples, 0.04, 0.05)))
    return place(n, notes) + 0.01 * rng.standard_normal(n)


def band_of_all(rng: np.random.Generator, n: int) -> Wave:
    """Drums, chords and a melody together."""
    return sum((rng.uniform(0.3, 1) * unit(part(rng, n)) for part in (drums, chords, melody)), np.zeros(n))


TUNES: dict[str, Generator] = {
    "melody": melody,
    "chords": chords,
    "pad": pad,
    "drums": drums,
    "singing": singing,
    "band": band_of_all,
}
