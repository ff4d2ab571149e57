"""From starting the app to its first answer, and the memory that it takes at rest.

`python -m tests.benchmarks.startup [CLIP]` starts `app.py` several times, waits until the page is served,
asks it through the API about a clip of 30 s, and after half a minute without work adds up the memory of the
app and of the processes that read sound for it, pages that they share counted once. The figures go to
`assets/metrics/startup.json`.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import soundfile
from gradio_client import Client, handle_file

from genre_models import audio
from tests import free_port, memory
from tests.benchmarks.beside import Row, keep, machine
from tests.conftest import ROOT, music, wait_for

ROUNDS = 3
REST_S = 30
CLIP_S = 30


def start(clip: Path, rest_s: float) -> tuple[float, float, float]:
    """Seconds until the page is served and until the first answer, and megabytes after resting."""
    port = free_port()
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port)}
    began = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        url = wait_for(port, server)
        served = time.perf_counter() - began
        client = Client(url, verbose=False)
        client.predict(handle_file(clip), api_name="/classify")
        answered = time.perf_counter() - began
        time.sleep(rest_s)
        return served, answered, sum(map(megabytes, [server.pid, *memory.children(server.pid)]))
    finally:
        server.terminate()
        server.wait(timeout=20)


def megabytes(pid: int) -> float:
    """A process's share of memory (its proportional set size: shared pages are shared out)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    size = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(size[1]) / 1024 if size else 0.0


def main() -> None:
    """Measure, print and keep."""
    if not Path("/proc/self/smaps_rollup").exists():
        raise SystemExit("Memory is measured on Linux only.")
    ran_on = machine(rounds=ROUNDS)
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.flac"
        if len(sys.argv) > 1:
            shutil.copy(sys.argv[1], clip)
        else:
            soundfile.write(clip, music(CLIP_S, audio.SAMPLE_RATE), audio.SAMPLE_RATE)
        runs = [start(clip, REST_S if last else 0) for last in (False,) * (ROUNDS - 1) + (True,)]
    served, answered = (statistics.median(times) for times in list(zip(*runs, strict=True))[:2])
    rows = [
        Row("start of the app to the served page", "s", round(served, 2)),
        Row("start of the app to the first answer", "s", round(answered, 2)),
        Row("memory of the app at rest", "MB", round(runs[-1][2])),
    ]
    keep("startup", ran_on, rows, rest_s=REST_S)


if __name__ == "__main__":
    main()
