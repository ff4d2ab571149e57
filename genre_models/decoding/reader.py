"""A process that reads sound files for another one: `python -m genre_models.decoding.reader SOCKET MEMORY`.

The arguments are descriptors that it inherits. Requests and answers are JSON on the socket, samples lie in
the shared memory. It ends when the other side of the socket is closed, or where a file makes it spend more
than the limits allow.
"""

import json
import resource
import sys
import time
from multiprocessing.connection import Connection
from typing import Any, BinaryIO

import numpy as np

from genre_models.decoding.container import BLOCK_FRAMES, HEAVY
from genre_models.decoding.limits import MAX_MEMORY, AudioError
from genre_models.decoding.mix import decode
from genre_models.memory import keep_freed


def serve(connection: "Connection[Any, Any]", memory: BinaryIO) -> None:
    """Answer requests until there will be no more."""
    keep_freed()
    # OpenBLAS takes its memory at the first product, and ends the process where it gets none.
    np.zeros((BLOCK_FRAMES, 2), np.float32) @ np.zeros(2, np.float32)
    _limit(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":  # others do not enforce it, or refuse it
        _limit(resource.RLIMIT_AS, MAX_MEMORY)
    connection.send_bytes(b"ready")
    while True:
        try:
            request = json.loads(connection.recv_bytes())
        except EOFError:
            return
        _limit(resource.RLIMIT_CPU, int(time.process_time()) + request["cpu_s"])
        connection.send_bytes(json.dumps(_answer(request, memory)).encode())


def _answer(request: dict[str, Any], memory: BinaryIO) -> dict[str, Any]:
    try:
        decoded = decode(request["path"], request["sample_rates"])
    except AudioError as error:
        return {"problem": str(error)}
    except MemoryError:
        return {"problem": HEAVY}
    memory.seek(0)
    for waveform in decoded.waveforms:
        waveform.tofile(memory)
    return {"samples": [len(waveform) for waveform in decoded.waveforms], "warnings": decoded.warnings}


def _limit(kind: int, value: int) -> None:
    _, most = resource.getrlimit(kind)
    resource.setrlimit(kind, (value if most == resource.RLIM_INFINITY else min(value, most), most))


if __name__ == "__main__":
    with (
        Connection(int(sys.argv[1])) as socket,
        open(int(sys.argv[2]), "r+b", buffering=0) as shared,  # noqa: PTH123 - a descriptor, not a path
    ):
        serve(socket, shared)
