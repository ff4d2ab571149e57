"""From upload to answer in a real browser, beside librosa on the same clip in the same run.

`python -m tests.benchmarks.answer [CLIP]` starts the app, uploads a 30 s clip several times and prints how
long it takes until verdict, timeline and all model cards are painted; then what librosa takes to load that
clip and to extract the MFCCs of its five segments. The figures go to `assets/metrics/answer.json`.
"""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import librosa
import soundfile
from playwright.sync_api import Page, sync_playwright

from genre_models import audio
from genre_models.classify import classify
from genre_models.features import mfcc
from genre_models.hub import ASSETS, load_ensemble
from tests.benchmarks.beside import compared, line, turns
from tests.conftest import ROOT, free_port, music, wait_for

RUNS = 15
WARM_UPS = 3
RESULT = ASSETS / "metrics" / "answer.json"
PAINTED = """
() => new Promise((resolve) => {
  const done = () => document.querySelector("#verdict .verdict h2")
    && document.querySelectorAll("#side-by-side .cards .card").length === 5
    && document.querySelectorAll("#timeline .heat").length === 10;
  const painted = () => requestAnimationFrame(() => setTimeout(resolve, 0));
  const look = () => done() ? painted() : requestAnimationFrame(look);
  look();
})
"""


def repeat(action: Callable[[], object]) -> list[float]:
    """Milliseconds of each run, after the warm-ups."""
    times = []
    for _ in range(WARM_UPS + RUNS):
        start = time.perf_counter()
        action()
        times.append(1e3 * (time.perf_counter() - start))
    return times[WARM_UPS:]


def with_librosa(clip: Path) -> None:
    """What the course's notebook does with a clip: load at 22,050 Hz, MFCCs of five segments."""
    samples, rate = librosa.load(clip, sr=audio.SAMPLE_RATE)
    for i in range(5):
        segment = samples[i * audio.SEGMENT_SAMPLES : (i + 1) * audio.SEGMENT_SAMPLES]
        librosa.feature.mfcc(y=segment, sr=rate, n_mfcc=13, n_fft=2048, hop_length=1024)


def upload(page: Page, clip: Path) -> None:
    """One visitor's upload, until the answer is painted."""
    page.set_input_files("#clip input[type=file]", clip)
    page.evaluate(PAINTED)


def in_browser(clip: Path) -> list[float]:
    """Milliseconds from choosing the file to the painted answer, for one upload after another."""
    port = free_port()
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port)}
    server = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        url = wait_for(port, server)
        with sync_playwright() as playwright:
            executable = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(url)
            page.wait_for_selector("#ask")
            page.locator("#clip").get_by_label("Upload file").click()
            times = []
            for _ in range(WARM_UPS + RUNS):
                start = time.perf_counter()
                upload(page, clip)
                times.append(1e3 * (time.perf_counter() - start))
                page.locator("#clip").get_by_label("Clear").click()
                page.locator("#verdict .empty").wait_for()
            return times[WARM_UPS:]
    finally:
        server.terminate()
        server.wait(timeout=20)


def summary(times: list[float]) -> dict[str, float]:
    """Median, fastest and slowest, in milliseconds."""
    return {
        "median_ms": round(statistics.median(times), 1),
        "fastest_ms": round(min(times), 1),
        "slowest_ms": round(max(times), 1),
    }


def main() -> None:
    """Measure, print and keep."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.flac"
        if len(sys.argv) > 1:
            shutil.copy(sys.argv[1], clip)
        else:
            soundfile.write(clip, music(30, audio.SAMPLE_RATE), audio.SAMPLE_RATE)
        ensemble = load_ensemble()
        results = {
            "upload to painted answer, five models": summary(in_browser(clip)),
            "the library's classify() alone": summary(repeat(lambda: classify(clip, ensemble))),
        }
        pairs = turns(
            lambda: mfcc(audio.segment(audio.load(clip)).waveforms),
            lambda: with_librosa(clip),
            RUNS,
            WARM_UPS,
        )
    ours, librosas = ([1e3 * seconds for seconds in times] for times in zip(*pairs, strict=True))
    results |= {"our load and MFCCs": summary(ours), "librosa's load and MFCCs": summary(librosas)}
    row = compared("load and MFCCs of a 30 s clip", "librosa", pairs)
    ratio = results["our load and MFCCs"]["median_ms"] / results["librosa's load and MFCCs"]["median_ms"]
    for name, figures in results.items():
        print(
            f"{name:40s} {figures['median_ms']:8.1f} ms ({figures['fastest_ms']} to {figures['slowest_ms']})"
        )
    print(line(row))
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "runs": RUNS}
    content = {"machine": machine, **results, "ours_over_librosa": round(ratio, 2), "rows": [asdict(row)]}
    RESULT.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
