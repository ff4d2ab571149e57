"""Sounds that are not music, from generators the detector never learned from: what it is measured on.

By sox's synthesiser and effects, by espeak-ng in languages and voices kept for this, and a few by other means
than those of `noises`.
"""

import shutil
import subprocess

import numpy as np

from genre_models.training.files import DataError
from genre_models.training.speech import speak
from genre_models.training.waves import RATE, Generator, Wave

MISSING = "sox is not installed, and the detector is measured on its sounds: apt-get install sox."
LANGUAGES = ("it", "pl", "ru", "nl", "pt-br", "tr", "sv", "el", "en-us-nyc", "es-419", "hi", "fi")
VARIANTS = ("", "+m2", "+m5", "+f4", "+f5", "+Andy", "+Annie", "+klatt2", "+steph", "+michael")


def require_sox() -> None:
    """Raises `DataError`, in a sentence for a person, where sox is missing."""
    if shutil.which("sox") is None:
        raise DataError(MISSING)


def sox(n: int, effects: str) -> Wave:
    """What `sox -R -n ... EFFECTS` gives, (n,), repeated where it is shorter; the same every time."""
    command = ["sox", "-V1", "-R", "-n", "-r", str(RATE), "-c", "1", "-t", "f32", "-", *effects.split()]
    made = subprocess.run(command, capture_output=True, check=True).stdout
    return np.resize(np.frombuffer(made, np.float32).astype(float), n)


def _after(rng: np.random.Generator) -> str:
    """Effects that a recording of it may bring."""
    return str(rng.choice(["", "", "reverb 40", "reverb 80", "lowpass 3000", "highpass 300 lowpass 3400"]))


def _hz(rng: np.random.Generator, low: float, high: float) -> str:
    return f"{low * (high / low) ** rng.random():.1f}"


def speech(rng: np.random.Generator, n: int) -> Wave:
    """One person talks."""
    return speak(rng, n, str(rng.choice(LANGUAGES)) + str(rng.choice(VARIANTS)))


def conversation(rng: np.random.Generator, n: int) -> Wave:
    """Two to six people talk at once."""
    return np.sum([speech(rng, n) * rng.uniform(0.3, 1) for _ in range(rng.integers(2, 7))], axis=0)


def noise(rng: np.random.Generator, n: int) -> Wave:
    """White, pink, brown noise, plain or through a filter."""
    colour = rng.choice(["whitenoise", "pinknoise", "brownnoise", "tpdfnoise"])
    shape = rng.choice(["", "", "lowpass 800", "highpass 2000", f"band -n {_hz(rng, 200, 5000)} 600"])
    return sox(n, f"synth 60 {colour} trim {rng.uniform(0, 25):.2f} {n / RATE} {shape} {_after(rng)}")


def tone(rng: np.random.Generator, n: int) -> Wave:
    """One note held."""
    wave = rng.choice(["sine", "sine", "square", "sawtooth", "triangle", "trapezium", "exp"])
    return sox(
        n, f"synth {n / RATE} {wave} {_hz(rng, 55, 6000)} {rng.choice(['', '', 'tremolo 5 40', 'reverb 60'])}"
    )


def beeping(rng: np.random.Generator, n: int) -> Wave:
    """One or two tones on and off."""
    on, off = rng.uniform(0.05, 1), rng.uniform(0.05, 1.5)
    wave = rng.choice(["sine", "square", "triangle"])
    second = f"{wave} mix {_hz(rng, 300, 3000)}" if rng.random() < 0.4 else ""
    fade = f"fade t 0.005 {on:.3f} 0.005"
    return sox(
        n,
        f"synth {on:.3f} {wave} {_hz(rng, 300, 4000)} {second} {fade} pad 0 {off:.3f} repeat 60 "
        + _after(rng),
    )


def glide(rng: np.random.Generator, n: int) -> Wave:
    """A rising or falling sweep."""
    low, high = _hz(rng, 40, 600), _hz(rng, 1500, 9000)
    start, end = (low, high) if rng.random() < 0.6 else (high, low)
    length = n / RATE if rng.random() < 0.6 else rng.uniform(0.5, 4)
    wave = rng.choice(["sine", "sine", "triangle", "square"])
    return sox(
        n,
        f"synth {length:.3f} {wave} {start}{rng.choice([':', '+', '/', '-'])}{end} {_after(rng)}",
    )


def buzz(rng: np.random.Generator, n: int) -> Wave:
    """Mains hum with some hiss."""
    f = rng.choice([50, 60, 100, 120])
    wave = rng.choice(["sawtooth", "square", "exp", "trapezium"])
    return sox(n, f"synth {n / RATE} {wave} {f} lowpass {_hz(rng, 200, 4000)}") + 0.01 * noise(rng, n)


def ticks(rng: np.random.Generator, n: int) -> Wave:
    """A clock, a dripping tap, a turn signal."""
    length, gap = rng.uniform(0.002, 0.03), rng.uniform(0.08, 1.1)
    what = rng.choice(["whitenoise", "square 1800", "sine 2500", "pinknoise"])
    return sox(
        n,
        f"synth {length:.4f} {what} fade h 0 {length:.4f} {length / 2:.4f} pad 0 {gap:.3f} repeat 300 "
        + _after(rng),
    )


def alarm(rng: np.random.Generator, n: int) -> Wave:
    """A siren that goes between two pitches, or sweeps between them."""
    f, period = float(_hz(rng, 400, 1200)), rng.uniform(0.3, 3)
    g, wave = f * rng.uniform(1.2, 1.9), rng.choice(["sine", "square", "triangle"])
    if rng.random() < 0.5:
        two = np.concatenate([sox(int(period / 2 * RATE), f"synth {period / 2} {wave} {h}") for h in (f, g)])
        return np.resize(two, n)
    up = sox(int(period / 2 * RATE), f"synth {period / 2} {wave} {f}+{g}")
    return np.resize(np.concatenate([up, up[::-1]]), n)


def propeller(rng: np.random.Generator, n: int) -> Wave:
    """A helicopter, a motor boat, a lawn mower: noise and a low saw under a fast tremolo."""
    rate = rng.uniform(8, 30)
    rumble = sox(n, f"synth 40 brownnoise trim {rng.uniform(0, 9):.2f} {n / RATE} tremolo {rate:.1f} 85")
    return rumble + rng.uniform(0, 0.2) * sox(n, f"synth {n / RATE} sawtooth {rate * 4:.1f} lowpass 900")


def water(rng: np.random.Generator, n: int) -> Wave:
    """A brook: bubbles whose pitch rises, each by itself, over hiss."""
    wave = 0.02 * noise(rng, n)
    for start in rng.integers(0, n - 3_000, int(n / RATE * rng.uniform(10, 60))):
        t = np.arange(2_500) / RATE
        bubble = np.sin(2 * np.pi * rng.uniform(300, 2_500) * t * (1 + rng.uniform(2, 9) * t)) * np.exp(
            -t * rng.uniform(25, 120)
        )
        wave[start : start + 2_500] += rng.exponential() * bubble
    return wave


def footsteps(rng: np.random.Generator, n: int) -> Wave:
    """Steps on gravel or boards, or keys being typed."""
    gap, f = rng.uniform(0.12, 0.7), float(_hz(rng, 80, 2500))
    dust = sox(n, f"synth 40 brownnoise trim {rng.uniform(0, 9):.2f} {n / RATE} bandpass {f:.0f} 2q")
    since = np.full(n, 9.0)
    at = 0.1
    while at < n / RATE - 0.1:
        since[int(at * RATE) :] = np.arange(n - int(at * RATE)) / RATE
        at += gap * rng.uniform(0.7, 1.3)
    return dust * np.exp(-since * rng.uniform(15, 60)) + 1e-4 * rng.standard_normal(n)


def insects(rng: np.random.Generator, n: int) -> Wave:
    """Crickets or a bird that repeats itself: a high tone, modulated twice."""
    t = np.arange(n) / RATE
    trill = np.clip(np.sin(2 * np.pi * rng.uniform(12, 45) * t), 0, 1)
    pauses = np.sin(2 * np.pi * rng.uniform(0.4, 2) * t) > rng.uniform(-0.5, 0.3)
    bend = rng.choice([0, 8, 40]) * np.sin(2 * np.pi * rng.uniform(3, 9) * t)
    return trill * pauses * np.sin(
        2 * np.pi * rng.uniform(1_800, 5_500) * t + bend
    ) + 0.01 * rng.standard_normal(n)


def keypad(rng: np.random.Generator, n: int) -> Wave:
    """A telephone number being dialled, or its ringing tone."""
    if rng.random() < 0.4:
        return sox(n, f"synth 1 sine 440 sine mix 480 pad 0 {rng.uniform(0.5, 3):.2f} repeat 9")
    keys = []
    for _ in range(12):
        low, high = rng.choice([697, 770, 852, 941]), rng.choice([1209, 1336, 1477])
        keys.append(
            sox(int(0.3 * RATE), f"synth 0.2 sine {low} sine mix {high} fade 0.01 0.2 0.01 pad 0 0.1")
        )
    return np.resize(np.concatenate(keys), n)


UNHEARD: dict[str, tuple[str, Generator]] = {
    "speech": ("speech", speech),
    "conversation": ("speech", conversation),
    "noise": ("noise", noise),
    "held note": ("tone", tone),
    "mains buzz": ("tone", buzz),
    "beeping": ("signal", beeping),
    "glide": ("signal", glide),
    "alarm": ("signal", alarm),
    "keypad": ("signal", keypad),
    "insects": ("signal", insects),
    "ticks": ("knocks", ticks),
    "footsteps": ("knocks", footsteps),
    "propeller": ("noise", propeller),
    "water": ("noise", water),
}
"""Name -> what it should be called, and what makes it."""
