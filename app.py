"""The web app: `python app.py` serves it on GRADIO_SERVER_PORT (7860 if unset)."""

import argparse
import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported

import math
import tempfile
import wave
from array import array
from pathlib import Path

import gradio as gr

from genre_models.classify import classify
from genre_models.hub import (
    BUNDLED_WEIGHTS,
    MELODY_FOLDER,
    Ensemble,
    WeightsError,
    load_ensemble,
    load_melody,
)
from genre_models.melody import MelodyTransformer
from genre_models.melody.tunes import Heard, load_heard
from genre_models.metrics import Measured, measured
from genre_models.plots.look import CSS
from genre_models.ui import report as view
from genre_models.ui.classify import ClassifyTab
from genre_models.ui.examples import EXAMPLES
from genre_models.ui.melody import MelodyTab
from genre_models.ui.theme import FAVICON, css, head, theme

TITLE = "Deep Learning for Audio"
MAX_FILE_SIZE = "200mb"  # 10 minutes of 48 kHz 24-bit stereo are 173 MB
QUEUE_SIZE = 100
CACHE_SWEEP_S = 3600
CACHE_AGE_S = 24 * 3600
WARM_UP_RATE = 44_100


def build(ensemble: Ensemble, quality: Measured, melody: MelodyTransformer | None, heard: Heard) -> gr.Blocks:
    """The whole page, ready to launch; `quality` is what was measured of these models.

    `melody` carries tunes on, if there is one, and was trained on what it `heard`.
    """
    with gr.Blocks(
        title=TITLE, delete_cache=(CACHE_SWEEP_S, CACHE_AGE_S), analytics_enabled=False, fill_width=True
    ) as demo:
        gr.HTML(view.header(TITLE, len(ensemble.models), melody is not None), apply_default_css=False)
        with gr.Tabs():
            with gr.Tab("Classify", id="classify"):
                ClassifyTab(demo, ensemble, quality)
            with gr.Tab("Melody", id="melody"):
                MelodyTab(melody, heard)
    return demo.queue(max_size=QUEUE_SIZE)


def warm_up(ensemble: Ensemble) -> None:
    """Ask once about a tone, so that the first visitor does not wait for first-use set-up."""
    tone = array("h", (int(9000 * math.sin(0.06 * i)) for i in range(2 * WARM_UP_RATE)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tone.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, WARM_UP_RATE, 0, "NONE", ""))
            file.writeframes(tone.tobytes())
        classify(path, ensemble)


def main() -> None:
    """Load the weights and serve until stopped."""
    parser = argparse.ArgumentParser(description="Serve the web app.")
    parser.add_argument(
        "--models",
        type=Path,
        default=Path(os.environ.get("GENRE_MODELS", BUNDLED_WEIGHTS)),
        help="folder with one sub-folder per model (default: $GENRE_MODELS, else the bundled weights)",
    )
    folder = parser.parse_args().models
    try:
        ensemble, melody = load_ensemble(folder), load_melody(folder)
    except WeightsError as error:
        parser.error(str(error))
    quality = measured() if folder.resolve() == BUNDLED_WEIGHTS else Measured()
    warm_up(ensemble)
    port = int(os.environ.get("GRADIO_SERVER_PORT", "7860"))
    try:
        build(ensemble, quality, melody, load_heard(folder / MELODY_FOLDER)).launch(
            server_port=port,
            show_error=False,
            ssr_mode=False,
            max_file_size=MAX_FILE_SIZE,
            allowed_paths=[str(EXAMPLES)],
            footer_links=["api", "gradio"],
            theme=theme(),
            css=css() + CSS,
            head=head(),
            favicon_path=FAVICON,
        )
    except OSError as error:
        parser.error(f"Port {port} cannot be used; set GRADIO_SERVER_PORT to another one. ({error})")


if __name__ == "__main__":
    main()
