"""No test asks the real Hub: its client is told, before it is imported, of a server that a test starts."""

import atexit
import os
import random
import shutil
import signal
import socket
import tempfile

SERVERS_PORTS = range(20_000, 32_000)
"""Below those that Linux lends to connections: one of them could take a port before its server starts."""


def free_port() -> int:
    """A port that nothing listens on."""
    for port in random.SystemRandom().sample(SERVERS_PORTS, len(SERVERS_PORTS)):
        with socket.socket() as free:
            if free.connect_ex(("127.0.0.1", port)):
                return port
    raise OSError("no port is free")


# Where a script runs the suite in the background, Ctrl-C is ignored, and what the suite starts inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

HUB_PORT = free_port()
HUB_HOME = tempfile.mkdtemp(prefix="hub-")
atexit.register(shutil.rmtree, HUB_HOME, ignore_errors=True)

os.environ.pop("HF_TOKEN", None)
os.environ |= {
    "HF_ENDPOINT": f"http://127.0.0.1:{HUB_PORT}",
    "HF_HOME": HUB_HOME,
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_XET": "1",  # large files go through LFS, which the server speaks
}
