"""Music as it is, and as a microphone far from it may have heard it: what the denoiser learns from."""

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from genre_models import audio
from genre_models.musicnn import N_MELS, PATCH_FRAMES, levelled_patches
from genre_models.training import recording
from genre_models.training.augment import generator
from genre_models.training.dataset import PARAMETERS, Work, at_16_khz, digest, fill, music_below
from genre_models.training.files import DataError, file_digest

FRAMES = 2 * PATCH_FRAMES
"""Of a segment: its two patches."""
BLOCK_SEGMENTS = 4
"""Consecutive segments that are recorded in the same way."""
BLOCK_SAMPLES = BLOCK_SEGMENTS * audio.SEGMENT_SAMPLES
MOST_BLOCKS = 12
"""Of one file, evenly over its length, so that a few long files are not most of the data."""
SILENT_DBFS = -60.0
VALIDATION_STEP = 25
"""One file in so many is held back for validation."""

Degrade = Callable[[Tensor, np.random.Generator], Tensor]


def _background(samples: int, rng: np.random.Generator) -> Tensor:
    if rng.random() < 0.2:
        return recording.babble(samples, int(rng.integers(2, 8)), rng)
    return recording.noise(samples, rng.uniform(0.0, 2.0), rng)


def all_at_once(waveform: Tensor, rng: np.random.Generator) -> Tensor:
    """In a room, with noise or voices, and mostly through a narrow band."""
    heard = recording.room(waveform, rng.uniform(0.3, 0.9), rng.uniform(-3, 4), rng)
    heard = recording.with_background(heard, _background(len(heard), rng), rng.uniform(5, 18))
    if rng.random() < 0.85:
        heard = recording.telephone(heard, rng.uniform(200, 400), rng.uniform(3_000, 4_000))
    return heard


def in_parts(waveform: Tensor, rng: np.random.Generator) -> Tensor:
    """Some of that, to some degree, and at times clipped."""
    if rng.random() < 0.6:
        waveform = recording.room(waveform, rng.uniform(0.2, 0.9), rng.uniform(-3, 8), rng)
    if rng.random() < 0.65:
        background = _background(len(waveform), rng)
        waveform = recording.with_background(waveform, background, rng.uniform(4, 25))
    if rng.random() < 0.5:
        waveform = recording.telephone(waveform, rng.uniform(150, 400), rng.uniform(3_000, 5_000))
    if rng.random() < 0.15:
        waveform = recording.clip(waveform, 10 ** rng.uniform(-3, -1))
    return waveform


DRAWS: tuple[Degrade, ...] = (all_at_once, all_at_once, in_parts)


@dataclass(frozen=True)
class Pairs:
    """Log-mels of the same music: clean (n, 374, 96) and degraded (draws, n, 374, 96), in half precision."""

    clean: Tensor
    degraded: Tensor

    def __len__(self) -> int:
        return len(self.clean)


@dataclass(frozen=True)
class Music:
    """What the denoiser learns from and is validated on, and the names of the files."""

    learned: Pairs
    validated: Pairs
    files: list[str]


def _log_mels(block: Tensor) -> Tensor:
    """A block (samples,) at 22,050 Hz as MusiCNN takes in its segments, (segments, 374, 96)."""
    segments = at_16_khz(block.unflatten(0, (BLOCK_SEGMENTS, -1)))
    return levelled_patches(segments).flatten(1, 2).half()


def _blocks(waveform: Tensor) -> dict[int, Tensor]:
    """Blocks (samples,) of a piece that are not silent, by number."""
    n_blocks = len(waveform) // BLOCK_SAMPLES
    blocks = waveform[: n_blocks * BLOCK_SAMPLES].reshape(n_blocks, BLOCK_SAMPLES)
    chosen = np.linspace(0, n_blocks - 1, min(n_blocks, MOST_BLOCKS)).astype(int)
    loud = 10 ** (SILENT_DBFS / 10)
    return {int(i): blocks[i] for i in np.unique(chosen) if blocks[i].square().mean() >= loud}


def extract(path: Path) -> dict[str, Tensor]:
    """The blocks of a file: "clean" (segments, 374, 96) and "degraded" (draws, segments, 374, 96)."""
    clean = [torch.empty(0, FRAMES, N_MELS).half()]
    degraded = [torch.empty(len(DRAWS), 0, FRAMES, N_MELS).half()]
    for number, block in _blocks(audio.load(path)).items():
        rng = generator(f"{path.name} {number}")
        clean.append(_log_mels(block))
        degraded.append(torch.stack([_log_mels(degrade(block, rng)) for degrade in DRAWS]))
    return {"clean": torch.cat(clean), "degraded": torch.cat(degraded, dim=1)}


def pairs_file(path: Path, cache: Path) -> Path:
    """Where what was made of a file is kept: another file, or another way to make it, means another place."""
    key = digest([path.name, file_digest(path)])
    made = digest([PARAMETERS, inspect.getsource(sys.modules[__name__])])
    return cache / made / "pairs" / f"{key}.safetensors"


def _joined(files: Sequence[Path], cache: Path) -> Pairs:
    loaded = [load_file(pairs_file(file, cache)) for file in files]
    clean = torch.cat([one["clean"] for one in loaded])
    return Pairs(clean, torch.cat([one["degraded"] for one in loaded], dim=1))


def music(folder: Path, cache: Path) -> Music:
    """All music below `folder`, through the cache; files that cannot be read, or are too short, tell nothing.

    Raises `DataError` where there is too little.
    """
    files = music_below(folder)
    work: dict[Path, Work] = {file: (pairs_file(file, cache), partial(extract, file)) for file in files}
    broken = fill(work, "degrading music")
    usable = [file for file in files if file not in broken]
    held_back = usable[::VALIDATION_STEP]
    learned = [file for file in usable if file not in set(held_back)]
    if not learned:
        raise DataError(f"There is too little music that can be read below {folder}.")
    found = Music(
        _joined(learned, cache),
        _joined(held_back, cache),
        [str(file.relative_to(folder)) for file in usable],
    )
    if not len(found.learned) or not len(found.validated):
        seconds = BLOCK_SEGMENTS * audio.SEGMENT_S
        raise DataError(f"The music below {folder} is too short: pieces of {seconds} s and more are needed.")
    return found
