"""The rearranged MusiCNN beside its layers as described, on a 30 s clip, turn by turn in one run.

`python -m tests.benchmarks.ear` prints both times, their ratio, the largest difference between the answers,
and the time of the denoiser that hears the clip first; the figures go to `assets/metrics/ear.json`.
"""

import json
import statistics
import time

import torch

from genre_models import musicnn
from genre_models.hub import bundled_ear
from tests import plain_musicnn
from tests.benchmarks.beside import machine, write
from tests.sounds import sound

RUNS = 15
WARM_UPS = 3


def main() -> None:
    """Measure, print and keep."""
    ran_on = machine(runs=RUNS)
    denoised = bundled_ear()
    ear = denoised.as_published()
    waveform = torch.from_numpy(sound(5, 0, 30.0)).float()
    segments = waveform[: 5 * 96_000].unflatten(0, (5, -1))  # the rate does not matter here
    patches = musicnn.patches(musicnn.log_mel(musicnn.levelled(segments))).flatten(0, 1)
    before = denoised.denoiser or torch.nn.Identity()
    rivals = {"ours": lambda: ear(patches), "as described": lambda: plain_musicnn.hear(ear, patches)}
    answers = {name: answer() for name, answer in rivals.items()}
    log_mels = patches.unflatten(0, (5, 2)).flatten(1, 2)
    timed = {**rivals, "denoiser": lambda: before(log_mels)}
    difference = max(
        float((getattr(answers["ours"], part) - getattr(answers["as described"], part)).abs().max())
        for part in ("tags", "embedding", "pooled")
    )
    times: dict[str, list[float]] = {name: [] for name in timed}
    with torch.inference_mode():
        for run in range(WARM_UPS + RUNS):
            for name, answer in timed.items():
                start = time.perf_counter()
                answer()
                if run >= WARM_UPS:
                    times[name].append(1e3 * (time.perf_counter() - start))
    medians = {name: round(statistics.median(values), 1) for name, values in times.items()}
    content = {
        "machine": ran_on,
        "median_ms": medians,
        "fastest_ms": {name: round(min(values), 1) for name, values in times.items()},
        "ours_over_described": round(medians["ours"] / medians["as described"], 2),
        "largest_difference": difference,
    }
    print(json.dumps(content, indent=1))
    write("ear", content)


if __name__ == "__main__":
    main()
