"""Reading sound files in other processes, which a bad file may crash or exhaust without harm to this one.

That this is needed was measured: a FLAC of 0.7 MB with 40,000 tags keeps FFmpeg busy for 49 s inside one
call, one of 16 MB for hours, and a MOV of 1.8 MB unpacks to 1.8 GB before its first sample can be asked for.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing import Pipe
from os import PathLike
from pathlib import Path
from queue import LifoQueue
from typing import Any, BinaryIO

import numpy as np

from genre_models.decoding.bounded import address_space, decode_within, prepare
from genre_models.decoding.container import HEAVY
from genre_models.decoding.limits import MAX_CPU_S, MAX_MEMORY, MAX_WAIT_S, AudioError
from genre_models.decoding.mix import Decoded

ROOT = Path(__file__).resolve().parent.parent.parent
READERS = os.cpu_count() or 1
KEPT_BYTES = 16 * 2**20  # of shared memory between two files: a minute and a half at the models' rates
ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG")  # no secrets: a file might take a reader over
GRACE_S = 1  # to end by itself, once nobody listens to it
KILLED = (-signal.SIGXCPU, -signal.SIGKILL)
BROKEN = "This file is damaged in a way that stops the reader; please export it again."


def read(path: str | PathLike[str], sample_rates: Sequence[int]) -> Decoded:
    """As `decode`, in another process; waits while as many as there are cores are at it. Raises AudioError.

    A file that takes the reader more than MAX_CPU_S or MAX_MEMORY, or crashes it, is an error like another.
    After `read_here` it is this process that reads.
    """
    if _reads_here:
        return decode_within(MAX_CPU_S, address_space() + MAX_MEMORY, path, sample_rates)
    reader = _idle.get()
    try:
        if not reader or not reader.is_ready:
            reader = _Reader()
        return reader.read(path, sample_rates)
    finally:
        if reader and not reader.is_ready:
            reader.stop()
            reader = None
        _idle.put(reader)


def read_here() -> None:
    """From now on read in this process, which a file that goes beyond the limits ends.

    For the processes of a pool, which may be lost: samples need not go from one process to another then.
    """
    global _reads_here
    _reads_here = True
    prepare()


class _Reader:
    """A process that reads one file after another, as long as it answers."""

    def __init__(self) -> None:
        self._is_waiting = True
        self._memory = _memory_file()
        self._socket, its_socket = Pipe()
        with its_socket:
            inherited = (its_socket.fileno(), self._memory.fileno())
            self._process = subprocess.Popen(
                [sys.executable, "-m", "genre_models.decoding.reader", *map(str, inherited)],
                pass_fds=inherited,
                stdin=subprocess.DEVNULL,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for the program, which ends this with itself
            )
        try:
            self._socket.recv_bytes()  # it is ready
        except EOFError:
            raise RuntimeError("the process that reads sound files does not start") from None

    def read(self, path: str | PathLike[str], sample_rates: Sequence[int]) -> Decoded:
        file = str(Path(path).absolute())
        answer = self._ask({"path": file, "sample_rates": list(sample_rates), "cpu_s": MAX_CPU_S})
        if answer is None:
            raise AudioError(HEAVY if self.stop() in KILLED else BROKEN)
        if "problem" in answer:
            raise AudioError(answer["problem"])
        self._memory.seek(0)
        waveforms = [np.fromfile(self._memory, np.float32, samples) for samples in answer["samples"]]
        self._memory.truncate(KEPT_BYTES)
        return Decoded(waveforms, tuple(answer["warnings"]))

    def _ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """The answer; None if it ended instead or had to be ended."""
        self._is_waiting = False
        try:
            self._socket.send_bytes(json.dumps(request).encode())
            if not self._socket.poll(MAX_WAIT_S):
                self._process.kill()
            answer: dict[str, Any] = json.loads(self._socket.recv_bytes())
        except (OSError, EOFError):
            return None
        self._is_waiting = True
        return answer

    @property
    def is_ready(self) -> bool:
        """Whether it waits for a file."""
        return self._is_waiting and self._process.poll() is None

    def stop(self) -> int:
        """End it; its exit status."""
        self._socket.close()
        self._memory.close()
        try:
            return self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _memory_file() -> BinaryIO:
    """A file without a name, in memory where the system has such files."""
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("sound"), "r+b", buffering=0)  # noqa: PTH123 - no path
    return tempfile.TemporaryFile(buffering=0)


def _environment() -> dict[str, str]:
    """What this program needs to be found by a reader."""
    kept = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "OMP_NUM_THREADS": "1"}


def _all_idle() -> "LifoQueue[_Reader | None]":
    queue: LifoQueue[_Reader | None] = LifoQueue()
    for _ in range(READERS):
        queue.put(None)  # not started yet
    return queue


def _begin_anew() -> None:
    """In a fork, which must not talk to the readers of the program it comes from."""
    global _idle
    _idle = _all_idle()


def _stop_all() -> None:
    while not _idle.empty():
        if reader := _idle.get():
            reader.stop()


_reads_here = False
_idle = _all_idle()
os.register_at_fork(after_in_child=_begin_anew)
atexit.register(_stop_all)
