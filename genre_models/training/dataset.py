"""A whole data set as the models hear it: extracted in parallel, cached per recording, held in tensors."""

import hashlib
import inspect
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache as once
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import soxr
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from genre_models import audio, decoding, features, musicnn, parallel
from genre_models.classifiers import GENRES
from genre_models.hub import bundled_ear
from genre_models.musicnn import Heard, MusiCNN
from genre_models.teach import fingerprint
from genre_models.training import augment, recording, recording_conditions
from genre_models.training.files import DataError, file_digest
from genre_models.training.gtzan import Recording
from genre_models.training.recording_conditions import CLEAN, CONDITIONS

N_VARIANTS = 8
"""Augmented variants of each recording beside the clean one."""

N_HEARD_VARIANTS = 3
"""How many of them the pretrained network listens to, which takes ten times as long as an MFCC."""

UNLABELLED_MOST = 30
"""Segments of an unlabelled file, evenly over its length: few long files shall not be most of the data."""
SILENT_DBFS = -60.0
UNLABELLED_SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".au"}

PARAMETERS = {
    "version": 3,
    "sample_rate": audio.SAMPLE_RATE,
    "segment_samples": audio.SEGMENT_SAMPLES,
    "n_fft": features.N_FFT,
    "hop_length": features.HOP_LENGTH,
    "n_mels": features.N_MELS,
    "n_mfcc": features.N_MFCC,
    "ear": [musicnn.SAMPLE_RATE, musicnn.N_FFT, musicnn.HOP_LENGTH, musicnn.N_MELS, musicnn.LEVEL_DBFS],
    "variants": [N_VARIANTS, N_HEARD_VARIANTS],
    "changes": [inspect.getsource(module) for module in (recording, augment, recording_conditions)],
}


def digest(value: object) -> str:
    """A short name for a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


@once
def _ear() -> MusiCNN:
    return bundled_ear().unrestored()


@once
def _published_ear() -> MusiCNN:
    return _ear().as_published()


@once
def ear_digest() -> str:
    """Which ear it is that listens, denoiser and all."""
    return fingerprint(_ear())


def cache_file(recording: Recording, cache: Path) -> Path:
    """Where a recording's MFCCs are kept: another file, other parameters or another ear, another place."""
    key = digest([file_digest(recording.path), recording.kind])
    return cache / digest([PARAMETERS, ear_digest()]) / f"{recording.track}-{key}.safetensors"


def exactly(waveform: Tensor, n_segments: int) -> Tensor:
    """So many segments from the start of a waveform, repeated if need be, (samples,) -> (n, 132300)."""
    samples = n_segments * audio.SEGMENT_SAMPLES
    return waveform.repeat(-(-samples // len(waveform)))[:samples].unflatten(0, (n_segments, -1))


def at_16_khz(segments: Tensor) -> Tensor:
    """Segments (n, 132300) at 22,050 Hz as MusiCNN takes them in, (n, 96000)."""
    resampled = soxr.resample(segments.T.numpy(), audio.SAMPLE_RATE, musicnn.SAMPLE_RATE)
    return torch.from_numpy(np.ascontiguousarray(resampled.T))


def listen(segments: Tensor) -> Heard:
    """What the app's MusiCNN hears in segments (n, 132300) at 22,050 Hz, denoised and not restored."""
    return _ear().listen(at_16_khz(segments))


def _published_embedding(segments: Tensor) -> Tensor:
    """The embedding (n, 200) that MusiCNN was published with, of segments (n, 132300) at 22,050 Hz."""
    return _published_ear().listen(at_16_khz(segments)).embedding


def extract(recording: Recording) -> dict[str, Tensor]:
    """One recording as the models hear it, clean, augmented and under each condition.

    "<name>" is its MFCCs (segments, 130, 13), "<name>.heard" MusiCNN's pooled features (segments, 1506) and
    "<name>.mended" the denoiser's change (segments,), for "clean" and each condition; "clean.tags" is
    (segments, 50); "clean.embedding", (segments, 200), is heard without the denoiser, which clean recordings
    do not need. "variants" is (variants, segments, 130, 13) and "variants.heard" (heard variants, segments,
    1506), in half precision, whose error of at most 0.25 in the level and 0.06 elsewhere is a hundredth of
    the coefficients' deviation.
    """
    waveform = audio.load(recording.path)
    clean = audio.segment(waveform).waveforms
    n, label = len(clean), f"{recording.track} {recording.kind}"
    variants = [exactly(augment.change(waveform, f"{label} {i}"), n) for i in range(N_VARIANTS)]
    heard = listen(clean)
    tensors = {
        CLEAN: features.mfcc(clean),
        f"{CLEAN}.heard": heard.pooled,
        f"{CLEAN}.mended": heard.mended,
        f"{CLEAN}.tags": heard.tags,
        f"{CLEAN}.embedding": _published_embedding(clean),
        "variants": torch.stack([features.mfcc(one) for one in variants]).half(),
        "variants.heard": torch.stack([listen(one).pooled for one in variants[:N_HEARD_VARIANTS]]).half(),
    }
    for name, condition in CONDITIONS.items():
        changed = exactly(condition.apply(waveform, augment.generator(f"{label} {name}")), n)
        heard = listen(changed)
        tensors |= {
            name: features.mfcc(changed),
            f"{name}.heard": heard.pooled,
            f"{name}.mended": heard.mended,
        }
    return tensors


def nothing_heard() -> tuple[Tensor, Tensor]:
    """MFCCs and embedding of no music at all."""
    return torch.empty(0, features.N_FRAMES, features.N_MFCC), torch.empty(0, musicnn.EMBEDDING)


def _extract_unlabelled(path: Path) -> dict[str, Tensor]:
    """Segments of some music: "mfccs" (segments, 130, 13) and "embedding" (segments, 200)."""
    waveform = audio.load(path)
    n = len(waveform) // audio.SEGMENT_SAMPLES
    whole = waveform[: n * audio.SEGMENT_SAMPLES].reshape(n, audio.SEGMENT_SAMPLES)
    segments = whole[np.unique(np.linspace(0, n - 1, min(n, UNLABELLED_MOST)).astype(int))]
    segments = segments[segments.square().mean(dim=1) > 10 ** (SILENT_DBFS / 10)]
    if not len(segments):
        return dict(zip(("mfccs", "embedding"), nothing_heard(), strict=True))
    return {"mfccs": features.mfcc(segments), "embedding": _published_embedding(segments)}


def unlabelled_file(path: Path, cache: Path) -> Path:
    """Where what was heard of an unlabelled file is kept."""
    made = digest([PARAMETERS, inspect.getsource(_extract_unlabelled)])
    return cache / made / "unlabelled" / f"{file_digest(path)}.safetensors"


def keep(tensors: Mapping[str, Tensor], target: Path) -> None:
    """Write a safetensors file, which is there only once it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(f".{os.getpid()}.part")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, unfinished)
    unfinished.replace(target)


Item = TypeVar("Item")
Result = TypeVar("Result")
Key = TypeVar("Key")
Work = tuple[Path, Callable[[], dict[str, Tensor]]]
"""Where something belongs in the cache, and how it is made."""


def _to_cache(work: Work) -> str | None:
    """Extract unless done before; returns what is wrong with the file, if anything."""
    torch.set_num_threads(1)
    target, extract_one = work
    if target.is_file():
        return None
    try:
        keep(extract_one(), target)
    except audio.AudioError as error:
        return str(error)
    return None


def on_all_cores(
    function: Callable[[Item], Result], items: Iterable[Item], label: str, unit: str
) -> list[Result]:
    """As `parallel.run`, where `function` reads sound files and may be called again for an item.

    Each process decodes by itself. Where a file ends one, all is done again with decoders apart, in which
    such a file is an `AudioError`.
    """
    items = list(items)
    try:
        return parallel.run(function, items, label, unit, initializer=decoding.read_here)
    except BrokenProcessPool:
        return parallel.run(function, items, label, unit)


def fill(
    work: Mapping[Key, Work], label: str, run: parallel.Runner = on_all_cores, unit: str = "file"
) -> dict[Key, str]:
    """Do what is missing in parallel, with a progress bar; returns what cannot be read, and why."""
    missing = {key: one for key, one in work.items() if not one[0].is_file()}
    if not missing:
        return {}
    problems = run(_to_cache, missing.values(), label, unit)
    return {key: problem for key, problem in zip(missing, problems, strict=True) if problem is not None}


def extract_all(
    recordings: Sequence[Recording], cache: Path, run: parallel.Runner = on_all_cores
) -> dict[Recording, str]:
    """Fill the cache in parallel, with a progress bar; returns what cannot be read, and why.

    `run` does the work, by default on this machine's processors.
    """
    work: dict[Recording, Work] = {one: (cache_file(one, cache), partial(extract, one)) for one in recordings}
    return fill(work, "listening", run)


def music_below(folder: Path) -> list[Path]:
    """Every sound file in a folder and the folders in it."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in UNLABELLED_SUFFIXES)


def listen_to_unlabelled(folder: Path, cache: Path) -> tuple[Tensor, Tensor]:
    """MFCCs (m, 130, 13) and embedding (m, 200) of all music below `folder`, through the cache.

    Raises `DataError` where there is none; what cannot be read, is silent or too short is left out.
    """
    files = music_below(folder)
    work: dict[Path, Work] = {
        path: (unlabelled_file(path, cache), partial(_extract_unlabelled, path)) for path in files
    }
    broken = fill(work, "unlabelled music")
    heard = [load_file(unlabelled_file(path, cache)) for path in files if path not in broken]
    if not any(len(one["mfccs"]) for one in heard):
        raise DataError(f"There is no music of {audio.SEGMENT_S} s and more that can be read below {folder}.")
    return torch.cat([one["mfccs"] for one in heard]), torch.cat([one["embedding"] for one in heard])


@dataclass(frozen=True)
class Dataset:
    """Every segment of every recording.

    `mfccs` holds "clean" and the conditions, (segments, 130, 13) each, `heard` the same as MusiCNN's pooled
    features, (segments, 1506), and `mended` what the denoiser changed, (segments,); `tags`
    (segments, 50) and `embedding` (segments, 200; without the denoiser) are of the clean ones; `variants` is
    (segments, variants, 130, 13) and `heard_variants` (segments, fewer variants, 1506); `recording`
    (segments,) tells which recording a segment is of; `following` (segments,) is the segment after it in
    the same recording, or itself at the end. `unlabelled_mfccs` (m, 130, 13) and `unlabelled_embedding`
    (m, 200) are of other music, whose genre nobody told.
    """

    recordings: list[Recording]
    mfccs: dict[str, Tensor]
    heard: dict[str, Tensor]
    mended: dict[str, Tensor]
    tags: Tensor
    embedding: Tensor
    variants: Tensor
    heard_variants: Tensor
    recording: np.ndarray
    following: np.ndarray
    unlabelled_mfccs: Tensor
    unlabelled_embedding: Tensor

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
        for i, one in enumerate(self.recordings):
            if one.track not in best or one.kind == "clip":
                best[one.track] = i
        return np.array(sorted(best.values()))


def load_dataset(
    recordings: Sequence[Recording], cache: Path, unlabelled: tuple[Tensor, Tensor] | None = None
) -> Dataset:
    """Read what is cached of all recordings (see `extract_all`), beside `unlabelled` music."""
    loaded = [load_file(cache_file(recording, cache)) for recording in recordings]
    if not loaded:
        raise DataError("No recording could be read.")

    def joined(name: str) -> Tensor:
        return torch.cat([tensors[name] for tensors in loaded])

    def joined_variants(name: str) -> Tensor:
        return torch.cat([tensors[name].transpose(0, 1) for tensors in loaded])

    names = (CLEAN, *CONDITIONS)
    nothing = nothing_heard()
    other_mfccs, other_embedding = nothing if unlabelled is None else unlabelled
    lengths = [len(tensors[CLEAN]) for tensors in loaded]
    recording = np.repeat(np.arange(len(loaded)), lengths)
    last = np.cumsum(lengths) - 1
    return Dataset(
        recordings=list(recordings),
        mfccs={name: joined(name) for name in names},
        heard={name: joined(f"{name}.heard") for name in names},
        mended={name: joined(f"{name}.mended") for name in names},
        tags=joined(f"{CLEAN}.tags"),
        embedding=joined(f"{CLEAN}.embedding"),
        variants=joined_variants("variants"),
        heard_variants=joined_variants("variants.heard"),
        recording=recording,
        following=np.minimum(np.arange(len(recording)) + 1, last[recording]),
        unlabelled_mfccs=other_mfccs,
        unlabelled_embedding=other_embedding,
    )
