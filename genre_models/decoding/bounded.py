"""Decoding in this process within limits, which end it where a file asks for more."""

import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

import numpy as np

from genre_models.decoding.container import BLOCK_FRAMES, HEAVY
from genre_models.decoding.limits import AudioError
from genre_models.decoding.mix import Decoded, decode

STATM = Path("/proc/self/statm")


def prepare() -> None:
    """Once for a process, before it decodes within limits."""
    # OpenBLAS takes its memory at the first product, and ends the process where it gets none.
    np.zeros((BLOCK_FRAMES, 2), np.float32) @ np.zeros(2, np.float32)
    _set_limit(resource.RLIMIT_CORE, 0)


def decode_within(cpu_s: int, memory: int, path: str | PathLike[str], sample_rates: Sequence[int]) -> Decoded:
    """As `decode`; raises AudioError also where all this process has would take more than `memory` bytes.

    More than `cpu_s` seconds of a processor end the process. Memory is limited on Linux alone: other systems
    do not enforce it, or refuse it.
    """
    with _limited(resource.RLIMIT_CPU, int(time.process_time()) + cpu_s), _limited_memory(memory):
        try:
            return decode(path, sample_rates)
        except MemoryError:
            raise AudioError(HEAVY) from None


def address_space() -> int:
    """Bytes of it that this process has taken, 0 where the system does not say."""
    if not STATM.exists():
        return 0
    return int(STATM.read_text(encoding="ascii").split()[0]) * resource.getpagesize()


@contextmanager
def _limited_memory(most: int) -> Iterator[None]:
    if sys.platform != "linux":
        yield
        return
    with _limited(resource.RLIMIT_AS, most):
        yield


@contextmanager
def _limited(kind: int, value: int) -> Iterator[None]:
    before, _ = resource.getrlimit(kind)
    _set_limit(kind, value)
    try:
        yield
    finally:
        _set_limit(kind, before)


def _set_limit(kind: int, value: int) -> None:
    _, most = resource.getrlimit(kind)
    resource.setrlimit(kind, (value if most == resource.RLIM_INFINITY else min(value, most), most))
