"""A process that reads sound files for another one: `python -m genre_models.decoding.reader SOCKET MEMORY`.

The arguments are descriptors that it inherits. Requests and answers are JSON on the socket, samples lie in
the shared memory. It ends when the other side of the socket is closed, or where a file makes it spend more
than the limits allow.
"""

import json
import sys
from multiprocessing.connection import Connection
from typing import Any, BinaryIO

from genre_models.decoding.bounded import decode_within, prepare
from genre_models.decoding.limits import MAX_MEMORY, AudioError
from genre_models.memory import keep_freed


def serve(connection: "Connection[Any, Any]", memory: BinaryIO) -> None:
    """Answer requests until there will be no more."""
    keep_freed()
    prepare()
    connection.send_bytes(b"ready")
    while True:
        try:
            request = json.loads(connection.recv_bytes())
        except EOFError:
            return
        connection.send_bytes(json.dumps(_answer(request, memory)).encode())


def _answer(request: dict[str, Any], memory: BinaryIO) -> dict[str, Any]:
    try:
        decoded = decode_within(request["cpu_s"], MAX_MEMORY, request["path"], request["sample_rates"])
    except AudioError as error:
        return {"problem": str(error)}
    memory.seek(0)
    for waveform in decoded.waveforms:
        waveform.tofile(memory)
    return {"samples": [len(waveform) for waveform in decoded.waveforms], "warnings": decoded.warnings}


if __name__ == "__main__":
    with (
        Connection(int(sys.argv[1])) as socket,
        open(int(sys.argv[2]), "r+b", buffering=0) as shared,  # noqa: PTH123 - a descriptor, not a path
    ):
        serve(socket, shared)
