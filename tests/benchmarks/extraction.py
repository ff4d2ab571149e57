"""Indexing a data set and extracting its MFCCs from a cold cache, beside the course's loop with librosa.

`python -m tests.benchmarks.extraction` takes the clips of the data set in GTZAN_DIR (`../shared/gtzan` where
it is not set). Ours indexes the folder and extracts on all cores to files in a cache that is empty; the
course's loop goes from clip to clip, loads, cuts into five, extracts and makes lists. It is timed alone, and
with the JSON file that it ends in, written by the fastest encoder of the standard library, without the
course's indentation. The figures go to `assets/metrics/extraction.json`.
"""

import json
import os
import tempfile
from functools import partial
from pathlib import Path

import librosa
import torch

from genre_models import audio, features
from genre_models.training.dataset import keep as keep_tensors
from genre_models.training.dataset import on_all_cores
from genre_models.training.gtzan import Recording, index
from tests.benchmarks.beside import compared, keep, machine, turns
from tests.conftest import ROOT

ROUNDS = 3
GOAL = 3.0
SEGMENTS = 5
DATA = Path(os.environ.get("GTZAN_DIR", ROOT.parent / "shared" / "gtzan"))


def extract(cache: Path, recording: Recording) -> None:
    """A recording's MFCCs, (segments, 130, 13), to a file in the cache."""
    torch.set_num_threads(1)
    segments = audio.segment(audio.load(recording.path)).waveforms
    keep_tensors({"mfccs": features.mfcc(segments)}, cache / f"{recording.track}.safetensors")


def clips() -> list[Recording]:
    """The clips of the data set, without the excerpts."""
    return [one for one in index(DATA) if one.kind == "clip"]


def ours(folder: Path) -> None:
    """Index and extract on all cores."""
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        on_all_cores(partial(extract, Path(cache)), clips(), "ours", "file")


def the_course() -> dict[str, list[object]]:
    """One clip after another."""
    data: dict[str, list[object]] = {"labels": [], "mfcc": []}
    for clip in clips():
        samples, rate = librosa.load(clip.path, sr=audio.SAMPLE_RATE)
        for i in range(SEGMENTS):
            segment = samples[i * audio.SEGMENT_SAMPLES : (i + 1) * audio.SEGMENT_SAMPLES]
            mfcc = librosa.feature.mfcc(y=segment, sr=rate, n_mfcc=13, n_fft=2048, hop_length=1024)
            data["mfcc"].append(mfcc.T.tolist())
            data["labels"].append(clip.genre)
    return data


def main() -> None:
    """Measure, print and keep."""
    if not DATA.is_dir():
        raise SystemExit(f"There is no data set in {DATA}: set GTZAN_DIR.")
    ran_on, count = machine(rounds=ROUNDS), len(clips())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def the_course_to_its_file() -> None:
            (folder / "data.json").write_text(json.dumps(the_course()), encoding="utf-8")

        rows = [
            compared(
                f"{what} {count} clips, per clip",
                peer,
                turns(lambda: ours(folder), loop, ROUNDS),
                GOAL,
                count,
            )
            for what, peer, loop in (
                ("index, MFCCs and files of", "the course's loop and its JSON", the_course_to_its_file),
                ("index and MFCCs of", "the course's loop, nothing kept", the_course),
            )
        ]
    keep("extraction", ran_on, rows, clips=count, processes=os.cpu_count())


if __name__ == "__main__":
    main()
