"""From verdict to a complete Inside tab in a real browser.

`python -m tests.benchmarks.inside` starts the app, has it answer one clip of 30 s after another, opens the
Inside tab as soon as the answer is painted, and prints how long it takes until features, attention, occlusion
and layers are all drawn; then what the library takes to work them out. The figures go to
`assets/metrics/inside.json`.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from playwright.sync_api import Page

from genre_models import audio
from genre_models.classifiers import CNN, MFCCClassifier, TransformerClassifier
from genre_models.hub import Ensemble, load_ensemble
from genre_models.inside.attention import attend
from genre_models.inside.clip import open_clip
from genre_models.inside.layers import feature_maps
from genre_models.inside.occlusion import occlude
from tests.benchmarks.answer import RUNS, WARM_UPS, repeat, summary, upload
from tests.benchmarks.beside import keep, machine
from tests.benchmarks.page import clear, opened_page
from tests.conftest import music

CLIP_S = 30
FIGURES = ["inside-clip", "inside-maps", "inside-map", "inside-occlusion", "inside-pictures"]
COUNT = """
(figures) => {
  const missing = new Set(figures);
  window.complete = new Promise((resolve) => {
    document.addEventListener("figure-drawn", ({ target }) => {
      missing.delete(target.closest("[id^=inside-]").id);
      if (!missing.size) requestAnimationFrame(() => setTimeout(resolve, 0));
    });
  });
}
"""


def clips(folder: Path) -> Iterator[Path]:
    """Clips without end, each another, so that nothing that was worked out before can be shown again."""
    recording = music(CLIP_S, audio.SAMPLE_RATE)
    for number in range(10**6):
        path = folder / f"clip{number}.flac"
        soundfile.write(path, np.roll(recording, number * audio.SAMPLE_RATE // 2), audio.SAMPLE_RATE)
        yield path


def open_inside(page: Page) -> float:
    """Milliseconds from the press on the tab to the last figure."""
    page.evaluate(COUNT, FIGURES)
    start = time.perf_counter()
    page.get_by_role("tab", name="Inside").click()
    page.evaluate("window.complete")
    return 1e3 * (time.perf_counter() - start)


def in_browser(fresh: Iterator[Path]) -> list[float]:
    """Milliseconds from a painted answer to the complete tab, for one clip after another."""
    times = []
    with opened_page() as page:
        for _ in range(WARM_UPS + RUNS):
            upload(page, next(fresh))
            times.append(open_inside(page))
            page.get_by_role("tab", name="Classify").click()
            clear(page)
    return times[WARM_UPS:]


def work_out(ensemble: Ensemble, clip: Path) -> None:
    """What is shown first of a clip."""
    opened = open_clip(clip)
    for model in ensemble.models.values():
        if isinstance(model, TransformerClassifier):
            attend(model, opened, 0)
        if isinstance(model, CNN):
            feature_maps(model, opened, 0)
        if isinstance(model, MFCCClassifier):
            occlude(model, opened, model.genres[0], [0])


def main() -> None:
    """Measure, print and keep."""
    ran_on = machine(runs=RUNS)
    with tempfile.TemporaryDirectory() as folder:
        fresh = clips(Path(folder))
        ensemble = load_ensemble()
        ready = iter([next(fresh) for _ in range(WARM_UPS + RUNS)])
        results = {
            "verdict to complete Inside tab": summary(in_browser(fresh)),
            "working it out, without the page": summary(repeat(lambda: work_out(ensemble, next(ready)))),
        }
    for name, figures in results.items():
        print(
            f"{name:40s} {figures['median_ms']:8.1f} ms ({figures['fastest_ms']} to {figures['slowest_ms']})"
        )
    keep("inside", ran_on, [], clip_s=CLIP_S, **results)


if __name__ == "__main__":
    main()
