"""Any sound file -> a mono waveform as a tensor."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

import torch
from torch import Tensor

from genre_models import decoding
from genre_models.audio.limits import SAMPLE_RATE


@dataclass(frozen=True)
class Clip:
    """A recording made mono. `warnings` are sentences for a person."""

    waveform: Tensor  # (samples,), float32, full scale +-1
    sample_rate: int
    warnings: tuple[str, ...]

    @property
    def duration_s(self) -> float:
        """Length of the waveform in seconds."""
        return len(self.waveform) / self.sample_rate


def load(path: str | PathLike[str], sample_rate: int = SAMPLE_RATE) -> Tensor:
    """Return the waveform of `read`: (samples,), mono float32. Raises AudioError."""
    return read(path, sample_rate).waveform


def read(path: str | PathLike[str], sample_rate: int = SAMPLE_RATE) -> Clip:
    """Read the first MAX_S seconds of any sound file as mono, resampled once from the file's own rate.

    The channels' mean is taken, or the loudest channel where they cancel each other out. What is left of a
    damaged or cut-off file is used, with a warning, if it is MIN_S or more; otherwise that is an error.
    Time and memory are bounded while decoding, whatever the file holds: another process does it, at most
    for MAX_CPU_S within MAX_MEMORY. Raises AudioError.
    """
    return read_at(path, [sample_rate])[0]


def read_at(path: str | PathLike[str], sample_rates: Sequence[int]) -> list[Clip]:
    """As `read`, at several sample rates from one decoding, each resampled from the file's own rate."""
    decoded = decoding.read(path, sample_rates)
    return [
        Clip(torch.from_numpy(waveform), rate, decoded.warnings)
        for waveform, rate in zip(decoded.waveforms, sample_rates, strict=True)
    ]
