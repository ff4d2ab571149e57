"""MusiCNN's first convolutions of bad recordings, which a restorer learns from and is asked about.

They are what takes long to hear, and neither the denoiser nor they change with a restorer: of each recording
they are kept in the cache once, for all training sides.
"""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache as once
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from genre_models import audio
from genre_models.denoiser import MENDED
from genre_models.hub import bundled_ear
from genre_models.musicnn import AT_ONCE, MusiCNN, levelled_patches
from genre_models.training import augment, degrading
from genre_models.training.dataset import (
    PARAMETERS,
    Dataset,
    Work,
    at_16_khz,
    digest,
    ear_digest,
    exactly,
    fill,
)
from genre_models.training.degrading import DRAWS
from genre_models.training.files import DataError, file_digest
from genre_models.training.gtzan import Recording
from genre_models.training.recording_conditions import CLEAN, CONDITIONS

PATCHES = 2
"""Of a segment."""
GOOD = "good"
DRAWN = "drawn"
DRAWN_NAMES = tuple(f"{DRAWN} {i}" for i in range(len(DRAWS)))
"""Of what chance degrades, beside the recording conditions."""

Rows = Mapping[str, list[int]]
"""By condition, clean ones too, those of a recording's segments that are distant."""


@once
def _ear() -> MusiCNN:
    return bundled_ear().unrestored()


def _patches(segments: Tensor) -> Tensor:
    """Segments (n, 132300) at 22,050 Hz as MusiCNN takes them in, (n, 2, 187, 96)."""
    return levelled_patches(at_16_khz(segments))


@torch.inference_mode()
def _front(segments: Tensor, denoised: bool = True) -> Tensor:
    """First convolutions of segments, (n, 132300) -> (n, 2, 187, 561) in bfloat16."""
    parts = _patches(segments).split(AT_ONCE)
    heard = [_ear().denoised(part) if denoised else part for part in parts]
    fronts = [_ear().front(part.flatten(0, 1)).bfloat16() for part in heard]
    return torch.cat(fronts).unflatten(0, (-1, PATCHES))


def extract(recording: Recording, rows: Rows) -> dict[str, Tensor]:
    """The first convolutions of one recording, (segments, 2, 187, 561) each.

    "<condition>" is those of the segments in `rows` under it, "good" those of all segments as they are.
    "drawn <i>" is those of the recording begun at another place and degraded by chance, "good <i>" those of
    the same as it is.
    """
    waveform = audio.load(recording.path)
    clean = audio.segment(waveform).waveforms
    n, label = len(clean), f"{recording.track} {recording.kind}"
    kept = {GOOD: _front(clean, denoised=False)}
    for name, chosen in rows.items():
        if chosen:
            sound = waveform
            if name != CLEAN:
                sound = CONDITIONS[name].apply(waveform, augment.generator(f"{label} {name}"))
            kept[name] = _front(exactly(sound, n)[chosen])
    for i, degrade in enumerate(DRAWS):
        rng = augment.generator(f"{label} drawn {i}")
        begun = waveform.roll(int(rng.integers(len(waveform))))
        kept[f"{DRAWN} {i}"] = _front(exactly(degrade(begun, rng), n))
        kept[f"{GOOD} {i}"] = _front(exactly(begun, n), denoised=False)
    return kept


def _file(recording: Recording, rows: Rows, cache: Path) -> Path:
    key = digest([file_digest(recording.path), recording.kind, dict(rows)])
    made = digest(
        [PARAMETERS, ear_digest(), [inspect.getsource(one) for one in (extract, _front, degrading)]]
    )
    return cache / made / "fronts" / f"{recording.track}-{key}.safetensors"


@dataclass(frozen=True)
class Fronts:
    """Of each recording of a data set, in its order: the file and which of its segments are distant."""

    files: list[Path]
    rows: list[Rows]

    def distant(self, recording: int) -> Iterator[tuple[str, Tensor]]:
        """Conditions, and the first convolutions (n, 2, 187, 561) of a recording's distant segments."""
        kept = load_file(self.files[recording])
        for name, rows in self.rows[recording].items():
            if rows:
                yield name, kept[name]

    def drawn(self, recording: int) -> Iterator[tuple[str, Tensor]]:
        """What chance made of a recording: names, and first convolutions (segments, 2, 187, 561)."""
        kept = load_file(self.files[recording])
        for name in DRAWN_NAMES:
            yield name, kept[name]


class Examples:
    """Segments of bad recordings, and the same of good ones: all that is kept of some recordings.

    They are read from the files when they are asked for, since they would fill gigabytes.
    """

    def __init__(self, fronts: Fronts, recordings: np.ndarray) -> None:
        self._open = ExitStack()
        self._bad: list[tuple[Any, int]] = []
        self._good: list[tuple[Any, int]] = []
        for recording in recordings:
            file = self._open.enter_context(safe_open(fronts.files[recording], framework="pt"))
            pairs = {name: (GOOD, rows) for name, rows in fronts.rows[recording].items()}
            segments = list(range(file.get_slice(GOOD).get_shape()[0]))
            pairs |= {f"{DRAWN} {i}": (f"{GOOD} {i}", segments) for i in range(len(DRAWS))}
            for name, (good, rows) in pairs.items():
                if rows:
                    bad_part, good_part = file.get_slice(name), file.get_slice(good)
                    self._bad += [(bad_part, row) for row in range(len(rows))]
                    self._good += [(good_part, row) for row in rows]

    def __len__(self) -> int:
        return len(self._bad)

    def __getitem__(self, chosen: np.ndarray) -> tuple[Tensor, Tensor]:
        """First convolutions of bad and good recordings, (n, 2, 187, 561) each, in bfloat16."""
        bad, good = (
            torch.stack([part[row] for part, row in (places[i] for i in chosen)])
            for places in (self._bad, self._good)
        )
        return bad, good


def fronts(dataset: Dataset, cache: Path) -> Fronts:
    """All of a data set, through the cache. Raises `DataError` where a recording cannot be read any more."""
    rows: list[Rows] = []
    files = []
    for i, recording in enumerate(dataset.recordings):
        segments = dataset.segments_of(np.array([i]))
        rows.append(
            {
                name: np.flatnonzero(dataset.mended[name][segments].numpy() > MENDED).tolist()
                for name in (CLEAN, *CONDITIONS)
            }
        )
        files.append(_file(recording, rows[i], cache))
    work: dict[Recording, Work] = {
        recording: (file, partial(extract, recording, of))
        for recording, file, of in zip(dataset.recordings, files, rows, strict=True)
    }
    for recording, problem in fill(work, "listening to bad recordings").items():
        raise DataError(f"{recording.path}: {problem}")
    return Fronts(files, rows)
