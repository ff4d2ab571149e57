"""A tiny genre data set made on the fly: ten kinds of synthetic sound, one track an artist."""

from pathlib import Path

import numpy as np
import soundfile

from genre_models.audio import SAMPLE_RATE, SEGMENT_S
from genre_models.classifiers import GENRES
from genre_models.training.dataset import Dataset, extract_all, load_dataset
from genre_models.training.gtzan import Recording


def sound(genre: int, seed: int, seconds: float) -> np.ndarray:
    """A chord and noise whose pitch and pulse depend on the genre."""
    rng = np.random.default_rng(1_000 * genre + seed)
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = 110 * 2 ** (genre / 3) * rng.uniform(0.97, 1.03)
    tone = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 5))
    pulse = 0.55 + 0.45 * np.sign(np.sin(2 * np.pi * (1 + genre / 2) * t))
    noise = rng.standard_normal(len(t)) * (0.02 + 0.02 * (genre % 3))
    return 0.2 * (tone * pulse + noise) / np.abs(tone).max()


def write_dataset(folder: Path, artists: int = 4) -> Path:
    """`clips/` and `excerpts/` with one folder per genre and an `artists.tsv`; returns `folder`.

    Of each genre, the first artist's clip has two segments, those after it have one, and the last's is an
    excerpt.
    """
    rows = ["track\tartist"]
    for g, genre in enumerate(GENRES):
        for artist in range(artists):
            track = f"{genre}.{artist:05}"
            last = artist == artists - 1
            seconds = 2.5 if last else SEGMENT_S + (artist == 0)
            path = folder / ("excerpts" if last else "clips") / genre / f"{track}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, sound(g, artist, seconds), SAMPLE_RATE)
            rows.append(f"{track}\t{genre}-{artist}")
    (folder / "artists.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def prepare(recordings: list[Recording], cache: Path) -> tuple[Dataset, dict[Recording, str]]:
    """The data set of all recordings that can be read, and what is wrong with the others."""
    broken = extract_all(recordings, cache)
    return load_dataset([one for one in recordings if one not in broken], cache), broken
