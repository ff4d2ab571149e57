"""The example clips: whole, credited, and of the styles they are said to be documented as."""

import json
import shutil
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import soundfile

from genre_models.classifiers import GENRES
from genre_models.hub import load_ensemble
from genre_models.metrics import Measured
from genre_models.ui.classify import ClassifyTab
from genre_models.ui.examples import find_example, load_examples

FOLDER = Path(__file__).parents[1] / "assets" / "examples"
ENTRIES: list[dict[str, Any]] = json.loads((FOLDER / "examples.json").read_text(encoding="utf-8"))
FIELDS = {
    "file", "title", "artist", "style", "style_source", "source", "source_url",
    "licence", "licence_url", "from_s", "to_s",
}  # fmt: skip
FREE_LICENCES = {"CC0-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "MIT"}
each_clip = pytest.mark.parametrize("entry", ENTRIES, ids=[entry["file"] for entry in ENTRIES])


def test_folder_and_list_name_the_same_clips() -> None:
    listed = [entry["file"] for entry in ENTRIES]
    assert sorted(listed) == sorted(path.name for path in FOLDER.glob("*.ogg"))


def test_at_least_four_documented_styles_and_two_unknowns() -> None:
    styles = [entry["style"] for entry in ENTRIES]
    assert len({style for style in styles if style}) >= 4
    assert styles.count(None) >= 2


@each_clip
def test_clip_is_audible_and_unclipped(entry: dict[str, Any]) -> None:
    samples, rate = soundfile.read(FOLDER / entry["file"], dtype="float32", always_2d=True)
    assert (rate, samples.shape[1]) == (44100, 2)
    assert 15 <= len(samples) / rate <= 30
    assert np.abs(samples).max() < 1
    seconds = samples[: len(samples) // rate * rate].reshape(-1, rate, 2)
    loudness = np.sqrt((seconds**2).mean(axis=(1, 2)))
    assert loudness.min() > 0.02, "a second of silence"


@each_clip
def test_clip_is_as_long_as_its_entry_says(entry: dict[str, Any]) -> None:
    duration = soundfile.info(FOLDER / entry["file"]).duration
    assert duration == pytest.approx(entry["to_s"] - entry["from_s"], abs=0.01)


@each_clip
def test_clip_is_small_enough_to_ship(entry: dict[str, Any]) -> None:
    assert (FOLDER / entry["file"]).stat().st_size < 2**20


@each_clip
def test_style_is_documented_or_left_open(entry: dict[str, Any]) -> None:
    assert entry["style"] is None or entry["style"] in GENRES
    assert bool(entry["style"]) == bool(entry["style_source"])


@each_clip
def test_entry_gives_the_credit_its_licence_asks_for(entry: dict[str, Any]) -> None:
    assert set(entry) == FIELDS
    assert all(entry[field] for field in ("title", "artist", "source", "licence_url"))
    assert entry["licence"] in FREE_LICENCES
    row = next(
        line for line in (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| [{entry['file']}]")
    )  # fmt: skip
    assert all(entry[field] in row for field in ("title", "artist", "licence_url", "source"))


def test_a_copy_of_an_example_is_known_and_a_namesake_is_not(tmp_path: Path) -> None:
    examples = load_examples()
    copied = tmp_path / examples[0].path.name
    shutil.copy(examples[0].path, copied)
    assert find_example(copied, examples) == examples[0]
    copied.write_bytes(examples[1].path.read_bytes())
    assert find_example(copied, examples) is None
    assert find_example(tmp_path / "audio.wav", examples) is None


def test_an_example_is_answered_once_for_all_visitors(tmp_path: Path) -> None:
    with gr.Blocks() as page:
        tab = ClassifyTab(page, load_ensemble(), Measured())
    first = tab.classify(str(FOLDER / "west.ogg"), ["mlp"])
    copied = tmp_path / "west.ogg"
    shutil.copy(FOLDER / "west.ogg", copied)
    assert tab.classify(str(copied), ["mlp"]) == first  # to the millisecond
    other = tab.classify(str(copied), ["mlp", "cnn"])
    assert [model["name"] for model in other["models"]] == ["mlp", "cnn"]
