"""Synthetic speech by espeak-ng, a tool that only training and testing need."""

import shutil
import subprocess

import numpy as np
import soxr

from genre_models.training.files import DataError
from genre_models.training.waves import RATE, Wave

ESPEAK_RATE = 22_050
MISSING = "espeak-ng is not installed, and speech is learned from its voices: apt-get install espeak-ng."
WORDS = (
    "the a and but or we they she he it was is had will would could of to in on at from with without morning "
    "water table window letter street engineer number question answer garden winter summer market people "
    "little great quiet early because before after under between seven twelve hundred yesterday tomorrow "
    "report weather station government doctor minutes please thank remember nothing something always never "
    "begins opened carried looked walked explained understood brought thought running reading listen"
)


def require_espeak() -> None:
    """Raises `DataError`, in a sentence for a person, where espeak-ng is missing."""
    if shutil.which("espeak-ng") is None:
        raise DataError(MISSING)


def text(rng: np.random.Generator) -> str:
    """Some sentences of random words and numbers; each voice reads numbers in its own language."""
    sentences = []
    for _ in range(6):
        words = [
            str(rng.integers(2, 3_000)) if rng.random() < 0.25 else str(rng.choice(WORDS.split()))
            for _ in range(rng.integers(3, 13))
        ]
        sentences.append(" ".join(words) + str(rng.choice([".", ".", "?", "!", ","])))
    return " ".join(sentences)


def speak(rng: np.random.Generator, n: int, voice: str) -> Wave:
    """Speech (n,) of an espeak-ng voice, such as "de+f2", at a random pace and pitch."""
    command = ["espeak-ng", "--stdin", "--stdout", "-v", voice]
    command += [
        "-s",
        str(rng.integers(110, 230)),
        "-p",
        str(rng.integers(15, 85)),
        "-g",
        str(rng.integers(0, 8)),
    ]
    said = subprocess.run(command, input=text(rng).encode(), capture_output=True, check=True).stdout
    samples = np.frombuffer(said[44 : len(said) // 2 * 2], "<i2").astype(float) / 2**15
    wave = samples if RATE == ESPEAK_RATE else soxr.resample(samples, ESPEAK_RATE, RATE)
    return np.resize(wave, n)
