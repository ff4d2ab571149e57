"""No test asks the real Hub: its client is told, before it is imported, of a server that a test starts."""

import atexit
import os
import shutil
import socket
import tempfile

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    HUB_PORT = int(free.getsockname()[1])

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
