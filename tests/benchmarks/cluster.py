"""Clips of 30 s heard per second on a local cluster of two workers, and what 100,000 of them would take.

`python -m tests.benchmarks.cluster` generates the clips, extracts them as `train.py extract --cluster` does
and prints what it measured; the figures go to `assets/metrics/cluster.json`.
"""

import json
import logging
import os
import tempfile
import time
from pathlib import Path

import soundfile
from distributed import LocalCluster

from genre_models.audio import SAMPLE_RATE
from genre_models.classifiers import GENRES
from genre_models.training.cluster import cluster
from genre_models.training.dataset import cache_file, extract_all
from genre_models.training.gtzan import Recording, index
from tests.benchmarks.beside import machine, write
from tests.sounds import sound

WORKERS = 2  # of one thread each
CLIPS = 6
CLIP_S = 30.0
COLLECTION = 100_000


def write_clips(folder: Path, clips: int, seconds: float) -> list[Recording]:
    """Generated clips, each of another genre."""
    for genre, name in enumerate(GENRES[:clips]):
        path = folder / name / f"{name}.flac"
        path.parent.mkdir(parents=True)
        soundfile.write(path, sound(genre, 0, seconds), SAMPLE_RATE)
    return index(folder)


def measure(folder: Path) -> tuple[float, int]:
    """Seconds for all clips once the workers are warm, and the bytes they take in the cache."""
    warm_up = write_clips(folder / "short", WORKERS, 2.5)
    recordings = write_clips(folder / "clips", CLIPS, CLIP_S)
    with (
        LocalCluster(
            n_workers=WORKERS, threads_per_worker=1, dashboard_address=":0", silence_logs=logging.CRITICAL
        ) as workers,
        cluster(workers.scheduler_address, [folder], folder / "cache") as run,
    ):
        extract_all(warm_up, folder / "cache", run)
        start = time.perf_counter()
        broken = extract_all(recordings, folder / "cache", run)
        seconds = time.perf_counter() - start
    if broken:
        raise SystemExit(f"{len(broken)} clips could not be read.")
    return seconds, sum(cache_file(one, folder / "cache").stat().st_size for one in recordings)


def main() -> None:
    """Measure, reckon, print and keep."""
    ran_on = machine()
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        seconds, size = measure(Path(folder))
    content = {
        "machine": ran_on,
        "workers": WORKERS,
        "clips": CLIPS,
        "clip_s": CLIP_S,
        "seconds": round(seconds, 1),
        "clips_per_second": round(CLIPS / seconds, 3),
        "megabytes_per_clip": round(size / CLIPS / 1e6, 2),
        "reckoned": {
            "clips": COLLECTION,
            "core_hours": round(COLLECTION * seconds * WORKERS / CLIPS / 3600),
            "gigabytes": round(COLLECTION * size / CLIPS / 1e9),
        },
    }
    print(json.dumps(content, indent=1))
    write("cluster", content)


if __name__ == "__main__":
    main()
