"""MFCCs of a whole data set: extracted in parallel, cached per recording, held in one tensor."""

import hashlib
import inspect
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from genre_models import audio, features
from genre_models.classifiers import GENRES
from genre_models.training import augment
from genre_models.training.gtzan import DataError, Recording

N_VARIANTS = 8
"""Augmented variants of each recording beside the clean one."""

CONDITIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "quiet": partial(augment.gain, decibels=-20.0),
    "mp3": partial(augment.mp3, bit_rate=64_000, sample_rate=48_000, channels=2),
}
"""Changes of the test clips under which a verdict should hold: 20 dB down; 48 kHz stereo MP3 at 64 kbit/s."""

PARAMETERS = {
    "version": 1,
    "sample_rate": audio.SAMPLE_RATE,
    "segment_samples": audio.SEGMENT_SAMPLES,
    "n_fft": features.N_FFT,
    "hop_length": features.HOP_LENGTH,
    "n_mels": features.N_MELS,
    "n_mfcc": features.N_MFCC,
    "n_variants": N_VARIANTS,
    "augmentation": inspect.getsource(augment),
    "conditions": sorted(CONDITIONS),
}


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def cache_file(recording: Recording, cache: Path) -> Path:
    """Where a recording's MFCCs are kept: another file, or other parameters, means another place."""
    stat = recording.path.stat()
    key = _digest([str(recording.path.resolve()), recording.kind, stat.st_size, stat.st_mtime_ns])
    return cache / _digest(PARAMETERS) / f"{recording.track}-{key}.safetensors"


def _mfccs(waveform: Tensor, n_segments: int | None = None) -> Tensor:
    """(samples,) -> (segments, 130, 13); with `n_segments`, exactly that many."""
    if n_segments is not None:
        samples = n_segments * audio.SEGMENT_SAMPLES
        repeats = -(-samples // len(waveform))
        return features.mfcc(waveform.repeat(repeats)[:samples].unflatten(0, (n_segments, -1)))
    return features.mfcc(audio.segment(waveform).waveforms)


def extract(recording: Recording) -> dict[str, Tensor]:
    """MFCCs of one recording, clean (segments, 130, 13), under each condition, and augmented.

    "variants" is (variants, segments, 130, 13) in half precision, whose error of at most 0.25 in the
    level and 0.06 elsewhere is a hundredth of the coefficients' deviation.
    """
    waveform = audio.load(recording.path)
    clean = _mfccs(waveform)
    n = len(clean)
    seeds = [f"{recording.track} {recording.kind} {i}" for i in range(N_VARIANTS)]
    variants = torch.stack([_mfccs(augment.change(waveform, seed), n) for seed in seeds])
    changed = {name: _mfccs(apply(waveform), n) for name, apply in CONDITIONS.items()}
    return {"clean": clean, "variants": variants.half(), **changed}


def _extract_to_cache(recording: Recording, cache: Path) -> str | None:
    """Extract unless done before; returns what is wrong with the file, if anything."""
    torch.set_num_threads(1)
    target = cache_file(recording, cache)
    if target.is_file():
        return None
    try:
        tensors = extract(recording)
    except audio.AudioError as error:
        return str(error)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial_file = target.with_suffix(f".{os.getpid()}.part")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial_file)
    partial_file.replace(target)
    return None


def extract_all(
    recordings: Sequence[Recording], cache: Path, workers: int | None = None
) -> dict[Recording, str]:
    """Fill the cache in parallel, with a progress bar; returns what cannot be read, and why."""
    missing = [recording for recording in recordings if not cache_file(recording, cache).is_file()]
    broken: dict[Recording, str] = {}
    if not missing:
        return broken
    with ProcessPoolExecutor(workers or os.cpu_count()) as pool:
        futures = {pool.submit(_extract_to_cache, recording, cache): recording for recording in missing}
        try:
            for future in tqdm(as_completed(futures), total=len(futures), desc="MFCCs", unit="file"):
                if (problem := future.result()) is not None:
                    broken[futures[future]] = problem
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return broken


@dataclass(frozen=True)
class Dataset:
    """Every segment of every recording.

    `mfccs` holds "clean" and the conditions, (segments, 130, 13) each; `variants` is
    (segments, variants, 130, 13); `recording` (segments,) tells which recording a segment is of;
    `following` (segments,) is the segment after it in the same recording, or itself at the end.
    """

    recordings: list[Recording]
    mfccs: dict[str, Tensor]
    variants: Tensor
    recording: np.ndarray
    following: np.ndarray

    @property
    def genre(self) -> np.ndarray:
        """Genre index of each recording."""
        return np.array([GENRES.index(recording.genre) for recording in self.recordings])

    @property
    def labels(self) -> np.ndarray:
        """Genre index of each segment."""
        return self.genre[self.recording]

    def segments_of(self, recordings: np.ndarray) -> np.ndarray:
        """The segments of the recordings with these indices."""
        return np.flatnonzero(np.isin(self.recording, recordings))

    @property
    def tested(self) -> np.ndarray:
        """One recording per track: its clip where it has one, else its excerpt."""
        best: dict[str, int] = {}
        for i, recording in enumerate(self.recordings):
            if recording.track not in best or recording.kind == "clip":
                best[recording.track] = i
        return np.array(sorted(best.values()))


def load_dataset(recordings: Sequence[Recording], cache: Path) -> Dataset:
    """Read the cached MFCCs of all recordings (see `extract_all`)."""
    loaded = [load_file(cache_file(recording, cache)) for recording in recordings]
    if not loaded:
        raise DataError("No recording could be read.")
    lengths = [len(tensors["clean"]) for tensors in loaded]
    recording = np.repeat(np.arange(len(loaded)), lengths)
    last = np.cumsum(lengths) - 1
    following = np.minimum(np.arange(len(recording)) + 1, last[recording])
    return Dataset(
        recordings=list(recordings),
        mfccs={name: torch.cat([tensors[name] for tensors in loaded]) for name in ("clean", *CONDITIONS)},
        variants=torch.cat([tensors["variants"].transpose(0, 1) for tensors in loaded]),
        recording=recording,
        following=following,
    )
