"""From upload to answer in a real browser, beside librosa on the same clip in the same run.

`python -m tests.benchmarks.answer [CLIP]` starts the app, uploads a 30 s clip several times and prints how
long it takes until verdict, timeline and all model cards are painted; then what librosa takes to load that
clip and to extract the MFCCs of its five segments. The figures go to `assets/metrics/answer.json`.
"""

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import librosa
import soundfile
from playwright.sync_api import Page

from genre_models import audio
from genre_models.classify import classify
from genre_models.features import mfcc
from genre_models.hub import load_ensemble
from tests.benchmarks.beside import compared, keep, machine, turns
from tests.benchmarks.page import clear, opened_page
from tests.conftest import music

RUNS = 15
WARM_UPS = 3
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
    times = []
    with opened_page() as page:
        for _ in range(WARM_UPS + RUNS):
            start = time.perf_counter()
            upload(page, clip)
            times.append(1e3 * (time.perf_counter() - start))
            clear(page)
    return times[WARM_UPS:]


def summary(times: list[float]) -> dict[str, float]:
    """Median, fastest and slowest, in milliseconds."""
    return {
        "median_ms": round(statistics.median(times), 1),
        "fastest_ms": round(min(times), 1),
        "slowest_ms": round(max(times), 1),
    }


def main() -> None:
    """Measure, print and keep."""
    ran_on = machine(runs=RUNS)
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
    keep("answer", ran_on, [row], **results, ours_over_librosa=round(ratio, 2))


if __name__ == "__main__":
    main()
