"""Generated sounds that are not music, wide in their parameters: what the detector of non-music learns from.

Physical or signal models in a few lines each, after Farnell, "Designing sound" (2010), where it has one.
"""

import numpy as np

from genre_models.training.waves import (
    RATE,
    Generator,
    Wave,
    band,
    fades,
    harmonics,
    log_uniform,
    moments,
    phase_of,
    place,
    resonances,
    shaped_noise,
    timbre,
    times,
    unit,
    wander,
)


def _gate(rng: np.random.Generator, n: int) -> Wave:
    """On and off, (n,): regular, or with random lengths."""
    period_s = log_uniform(rng, 0.12, 3)
    duty, loose = rng.uniform(0.15, 0.85), rng.choice([0, 0, 0.5])
    gate, at = np.zeros(n), rng.random() * period_s
    while at * RATE < n:
        length = period_s * (1 + loose * rng.uniform(-0.8, 0.8))
        on = max(int(length * duty * RATE), 200)
        start = int(at * RATE)
        gate[start : start + on] = fades(on, 0.004, 0.006)[: n - start]
        at += length
    return gate


def coloured_noise(rng: np.random.Generator, n: int) -> Wave:
    """Noise of any steady colour."""
    tilt = rng.uniform(-2.2, 0.6)  # white 0, pink -1/2 in amplitude, brown -1
    noise = shaped_noise(rng, n, lambda f: np.maximum(f, 20) ** (tilt / 2))
    return noise * (1 + rng.choice([0, 0, 0.3]) * np.tanh(wander(rng, n, rng.uniform(0.2, 3))))


def band_noise(rng: np.random.Generator, n: int) -> Wave:
    """Noise of one or two bands: hiss, rumble, a fan, an air conditioner."""
    wave = np.zeros(n)
    for _ in range(rng.integers(1, 4)):
        low = log_uniform(rng, 30, 5_000)
        gain = band(low, min(low * log_uniform(rng, 1.3, 12), 10_500), rng.uniform(1, 5))
        wave += rng.uniform(0.2, 1) * shaped_noise(rng, n, gain)
    return wave


def wind(rng: np.random.Generator, n: int) -> Wave:
    """Wind or surf: noise whose colour and level come and go."""
    wave, pace = np.zeros(n), log_uniform(rng, 0.1, 2)
    for centre in np.geomspace(80, 5_000, 7):
        gust = np.exp(rng.uniform(0.3, 1.3) * wander(rng, n, pace))
        wave += (
            gust
            * (centre / 80) ** rng.uniform(-1, 0)
            * shaped_noise(rng, n, band(centre / 1.7, centre * 1.7))
        )
    return wave


def rain(rng: np.random.Generator, n: int) -> Wave:
    """Many short drops over a bed of noise."""
    drops = place(
        n,
        (
            (
                at,
                rng.exponential()
                * resonances(rng, int(rng.uniform(0.003, 0.03) * RATE), 2, 600, 9_000, 0.006),
            )
            for at in moments(rng, n / RATE, log_uniform(rng, 15, 250), 0)
        ),
    )
    bed = shaped_noise(rng, n, band(rng.uniform(200, 1_500), rng.uniform(4_000, 10_000), 1))
    return unit(drops) + rng.uniform(0.05, 1.5) * bed


def steady_tone(rng: np.random.Generator, n: int) -> Wave:
    """One tone of any pitch and wave form, steady or with a slight tremor."""
    f = log_uniform(rng, 40, 8_000)
    tremor = 1 + rng.choice([0, 0, 0.3]) * np.sin(2 * np.pi * log_uniform(rng, 0.3, 12) * times(n))
    drift = 1 + rng.choice([0, 0, 0.01]) * wander(rng, n, 1)
    return tremor * harmonics(phase_of(f * drift), f, timbre(rng))


def hum(rng: np.random.Generator, n: int) -> Wave:
    """Mains hum or a transformer's buzz."""
    f = rng.choice([50.0, 60.0, 100.0, 120.0, 400.0]) * rng.uniform(0.98, 1.02)
    amplitudes = rng.random(40) / np.arange(1, 41) ** rng.uniform(0, 1.6)
    buzz = unit(harmonics(phase_of(np.full(n, f)), f, amplitudes))
    return buzz + rng.choice([0.001, 0.03, 0.3]) * shaped_noise(
        rng, n, lambda f: 1 / np.sqrt(np.maximum(f, 20))
    )


def beeps(rng: np.random.Generator, n: int) -> Wave:
    """One or two tones at once, on and off: alarms, telephones, Morse."""
    wave = np.zeros(n)
    for f in (log_uniform(rng, 250, 4_500) * r for r in (1, *rng.uniform(0.6, 1.7, rng.integers(0, 2)))):
        wave += harmonics(phase_of(np.full(n, f)), f, timbre(rng))
    return wave * _gate(rng, n)


def dialling(rng: np.random.Generator, n: int) -> Wave:
    """Keys of a telephone, two tones each, or data tones of a modem."""
    low, high = np.array([697, 770, 852, 941]), np.array([1_209, 1_336, 1_477, 1_633])
    step = rng.uniform(0.015, 0.05) if rng.random() < 0.3 else rng.uniform(0.12, 0.5)
    on = int(step * rng.uniform(0.4, 1) * RATE)
    t = times(on)
    keys = (
        np.sin(2 * np.pi * rng.choice(low) * t) + np.sin(2 * np.pi * rng.choice(high) * t)
        for _ in range(10**6)
    )
    starts = np.arange(0, n / RATE, step)
    return place(n, ((at, fades(on, 0.002, 0.003) * next(keys)) for at in starts))


def sweep(rng: np.random.Generator, n: int) -> Wave:
    """A tone that glides over a wide range, once or again and again."""
    low = log_uniform(rng, 40, 1_500)
    octaves = min(rng.uniform(1, 7), np.log2(9_000 / low))
    t, period_s = times(n), rng.choice([n / RATE, log_uniform(rng, 0.3, 8)])
    place_in_sweep = (t / period_s) % 1
    if rng.random() < 0.5:
        place_in_sweep = 1 - np.abs(2 * place_in_sweep - 1)
    if rng.random() < 0.3:
        place_in_sweep = 1 - place_in_sweep
    exponential = low * 2 ** (octaves * place_in_sweep)
    linear = low + low * (2**octaves - 1) * place_in_sweep
    return harmonics(
        phase_of(exponential if rng.random() < 0.6 else linear), low, timbre(rng)[: rng.integers(1, 12)]
    )


def siren(rng: np.random.Generator, n: int) -> Wave:
    """Wailing, yelping or two-tone sirens and horns."""
    t, rate = times(n), log_uniform(rng, 0.08, 6)
    swing = np.sin(2 * np.pi * (rate * t + rng.random()))
    if rng.random() < 0.4:
        swing = np.sign(swing)
    f = log_uniform(rng, 350, 1_600) * 2 ** (rng.uniform(0.15, 0.9) * swing)
    return harmonics(phase_of(f), float(f.max()), timbre(rng)) * (1 + 0.2 * wander(rng, n, 1))


def clicks(rng: np.random.Generator, n: int) -> Wave:
    """Clicks, ticks, a Geiger counter, a metronome without music."""
    grain_s = log_uniform(rng, 0.0005, 0.02)
    grain = resonances(rng, max(int(4 * grain_s * RATE), 8), int(rng.integers(1, 6)), 500, 9_000, grain_s)
    starts = moments(rng, n / RATE, log_uniform(rng, 0.7, 40), rng.choice([0, 0.5, 0.95, 1]))
    return place(n, ((at, grain * rng.uniform(0.5, 1)) for at in starts))


def knocks(rng: np.random.Generator, n: int) -> Wave:
    """Typing, footsteps, knocking, hammering: struck objects, each stroke a little different."""
    decay_s, regularity = log_uniform(rng, 0.01, 0.12), rng.choice([0, 0.3, 0.8])
    low = log_uniform(rng, 60, 1_500)
    state = rng.bit_generator.state

    def stroke() -> Wave:
        length = int(5 * decay_s * RATE)
        same = np.random.default_rng(state["state"]["state"] % 2**32)
        body = resonances(same, length, 8, low, low * 12, decay_s)
        thud = shaped_noise(rng, length, band(low, low * 8, 1)) * np.exp(-times(length) / decay_s / 0.5)
        return rng.uniform(0.3, 1) * (unit(body) * rng.uniform(0, 1) + thud)

    return place(n, ((at, stroke()) for at in moments(rng, n / RATE, log_uniform(rng, 1, 9), regularity)))


def engine(rng: np.random.Generator, n: int) -> Wave:
    """A motor: pulses of wandering speed through resonances, with noise."""
    f0 = log_uniform(rng, 12, 150)
    f = f0 * np.exp(rng.uniform(0.01, 0.35) * wander(rng, n, rng.uniform(0.2, 1.5)))
    pulses = np.diff(np.floor(phase_of(f)), prepend=0) * np.exp(0.3 * rng.standard_normal(n))
    length = int(0.1 * RATE)
    ring = resonances(rng, length, 10, 40, 2_500, log_uniform(rng, 0.003, 0.03))
    motor = np.fft.irfft(np.fft.rfft(pulses, 2 * n) * np.fft.rfft(ring, 2 * n))[:n]
    return unit(motor) + rng.uniform(0.05, 1) * shaped_noise(rng, n, band(60, rng.uniform(500, 6_000), 1))


def machine(rng: np.random.Generator, n: int) -> Wave:
    """Noise that beats in a cycle: a washing machine, a helicopter, a train, a saw."""
    rate = log_uniform(rng, 0.5, 25)
    cycle = (phase_of(rate * (1 + 0.03 * wander(rng, n, 1))) + rng.random()) % 1
    beat = np.exp(-cycle * rng.uniform(1, 9)) + rng.uniform(0, 0.4)
    low = log_uniform(rng, 40, 2_500)
    f = log_uniform(rng, 60, 1_500)
    whine = rng.choice([0, 0, 0.5]) * unit(harmonics(phase_of(np.full(n, f)), f, timbre(rng)))
    return beat * (shaped_noise(rng, n, band(low, low * log_uniform(rng, 2, 20), 1)) + whine)


def bursts(rng: np.random.Generator, n: int) -> Wave:
    """Bursts of noise: breathing, sawing, shots, doors, waves on a beach."""
    gate_s = log_uniform(rng, 0.05, 1.5)
    low = log_uniform(rng, 60, 3_000)

    def burst() -> Wave:
        length = int(gate_s * rng.uniform(0.6, 1.5) * RATE) + 64
        t = np.linspace(0, 1, length)
        envelope = (
            np.minimum(t / rng.uniform(0.01, 0.5), 1)
            * np.exp(-t * rng.uniform(0, 6))
            * fades(length, 0.002, 0.02)
        )
        return (
            envelope * shaped_noise(rng, length, band(low, low * rng.uniform(2, 10), 1)) * rng.uniform(0.3, 1)
        )

    return place(
        n,
        (
            (at, burst())
            for at in moments(rng, n / RATE, rng.uniform(0.25, 1.2) / gate_s, rng.choice([0, 0.7]))
        ),
    )


def applause(rng: np.random.Generator, n: int) -> Wave:
    """Claps of a few or of hundreds of hands."""

    def clap() -> Wave:
        length = int(0.04 * RATE)
        centre = log_uniform(rng, 700, 2_500)
        return (
            rng.exponential()
            * shaped_noise(rng, length, band(centre / 1.6, centre * 1.6))
            * np.exp(-times(length) / 0.006)
        )

    claps = [clap() for _ in range(60)]
    per_s = log_uniform(rng, 5, 600)
    return place(n, ((at, claps[rng.integers(60)]) for at in moments(rng, n / RATE, per_s, 0)))


def animals(rng: np.random.Generator, n: int) -> Wave:
    """Chirps, barks, crickets and crows: short calls with gliding pitch, repeated."""
    f0, length_s, rough = log_uniform(rng, 250, 6_000), log_uniform(rng, 0.03, 0.5), rng.choice([0, 0.4])
    amplitudes = timbre(rng)[: rng.integers(1, 12)]

    def call() -> Wave:
        length = int(length_s * rng.uniform(0.7, 1.3) * RATE)
        glide = 2 ** (rng.uniform(-0.8, 0.8) * np.linspace(-1, 1, length) + 0.2 * wander(rng, length, 8))
        f = f0 * rng.uniform(0.85, 1.2) * glide
        tone = unit(harmonics(phase_of(f), float(f.max()), amplitudes))
        return np.hanning(length) * (tone + rough * rng.standard_normal(length)) * rng.uniform(0.3, 1)

    starts = moments(rng, n / RATE, rng.uniform(0.3, 0.9) / length_s, rng.choice([0, 0.6, 0.95]))
    return place(n, ((at, call()) for at in starts))


def crackle(rng: np.random.Generator, n: int) -> Wave:
    """Fire, a worn record, radio static, paper."""
    spikes = (
        (rng.random(n) < log_uniform(rng, 5, 900) / RATE) * rng.standard_normal(n) * rng.exponential(1, n)
    )
    centre = log_uniform(rng, 700, 6_000)
    spectrum = np.fft.rfft(spikes) * band(centre / 3, centre * 2, 1)(np.fft.rfftfreq(n, 1 / RATE))
    bed = shaped_noise(rng, n, lambda f: np.maximum(f, 20) ** rng.uniform(-1, 0))
    return unit(np.fft.irfft(spectrum, n)) + rng.uniform(0, 0.5) * bed


def murmur(rng: np.random.Generator, n: int) -> Wave:
    """A crowd without words: many voices, each a buzz through wandering formants."""
    return np.sum([voice(rng, n) * rng.uniform(0.2, 1) for _ in range(rng.integers(3, 9))], axis=0)


def voice(rng: np.random.Generator, n: int) -> Wave:
    """Speech-like babble of one: syllables of gliding pitch, vowels by formants, fricatives, pauses."""
    f0 = log_uniform(rng, 80, 320)
    pitch = f0 * np.exp(0.15 * wander(rng, n, 3) + 0.06 * wander(rng, n, 9))
    cycles = phase_of(pitch)
    t_syllable = (phase_of(rng.uniform(3, 6.5) * (1 + 0.25 * wander(rng, n, 3)))) % 1
    talking = np.clip(3 * (wander(rng, n, rng.uniform(0.5, 1.5)) + 0.8), 0, 1)
    wave = np.zeros(n)
    buzz = harmonics(cycles, f0 * 1.6, 1 / np.arange(1, 40) ** 0.8)
    for low, high in ((280, 850), (850, 2_300), (2_300, 3_200)):
        formant = (low * high) ** 0.5 * (high / low) ** (0.4 * np.clip(wander(rng, n, 6), -1.2, 1.2))
        tuned = np.cos(2 * np.pi * phase_of(formant)) * np.abs((cycles % 1) - 1) ** rng.uniform(4, 9)
        wave += tuned * (300 / low) ** 0.5
    voiced = unit(wave) + 0.3 * unit(buzz)
    hiss = shaped_noise(rng, n, band(rng.uniform(2_000, 4_000), 9_000, 2)) * np.clip(
        wander(rng, n, 8) - 0.8, 0, 2
    )
    return talking * (np.sin(np.pi * t_syllable) ** 1.5 * voiced + rng.uniform(0.2, 0.8) * hiss)


NOISES: dict[str, tuple[str, Generator]] = {
    "coloured noise": ("noise", coloured_noise),
    "band noise": ("noise", band_noise),
    "wind": ("noise", wind),
    "rain": ("noise", rain),
    "applause": ("noise", applause),
    "crackle": ("noise", crackle),
    "engine": ("noise", engine),
    "machine": ("noise", machine),
    "bursts": ("noise", bursts),
    "steady tone": ("tone", steady_tone),
    "hum": ("tone", hum),
    "beeps": ("signal", beeps),
    "dialling": ("signal", dialling),
    "sweep": ("signal", sweep),
    "siren": ("signal", siren),
    "animals": ("signal", animals),
    "clicks": ("knocks", clicks),
    "knocks": ("knocks", knocks),
    "murmur": ("speech", murmur),
    "voice": ("speech", voice),
}
"""Name -> what to call it, and what makes it."""
