"""The web app: `python app.py` serves it on GRADIO_SERVER_PORT (7860 if unset)."""

import argparse
import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read when gradio is imported
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")  # it would keep 10,000 events, and sum them up
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(10**9))  # after each, which takes up to 15 ms

import math
import sys
import tempfile
import wave
from array import array
from pathlib import Path
from typing import Any

import gradio as gr

from genre_models import web
from genre_models.classify import classify
from genre_models.history import History, history
from genre_models.hub import Ensemble, WeightsError
from genre_models.paths import BUNDLED_WEIGHTS
from genre_models.plots.look import CSS
from genre_models.served import Served, serve
from genre_models.ui import report as view
from genre_models.ui.classify import ClassifyTab
from genre_models.ui.examples import EXAMPLES
from genre_models.ui.inside import InsideTab
from genre_models.ui.melody import MelodyTab
from genre_models.ui.page import Page
from genre_models.ui.source import fallback, source
from genre_models.ui.theme import FAVICON, css, head, theme
from genre_models.ui.tools import offer_tools
from genre_models.ui.training import TrainingTab
from genre_models.ui.words import WordsTab
from genre_models.words_measured import WordsMeasured, words_measured

TITLE = "Deep Learning for Audio"
MAX_FILE_SIZE = "200mb"  # 10 minutes of 48 kHz 24-bit stereo are 173 MB
QUEUE_SIZE = 100
VISITORS = 200  # at 0.4 MB each; of more, those who have done nothing for longest lose history and labels
CACHE_SWEEP_S = 3600
CACHE_AGE_S = 24 * 3600
WARM_UP_RATE = 44_100


def build(served: Served) -> gr.Blocks:
    """The whole page, ready to launch."""
    offer_tools()
    ensemble, quality, melody, heard = served.ensemble, served.quality, served.melody, served.repertoire
    with Page(
        title=TITLE, delete_cache=(CACHE_SWEEP_S, CACHE_AGE_S), analytics_enabled=False, fill_width=True
    ) as demo:
        said = view.header(TITLE, len(ensemble.models), melody is not None, served.translation is not None)
        gr.HTML(said, apply_default_css=False)
        if notice := fallback(served):
            gr.HTML(notice, apply_default_css=False)
        with gr.Tabs():
            with gr.Tab("Classify", id="classify"):
                classify_tab = ClassifyTab(demo, ensemble, quality)
            with gr.Tab("Inside", id="inside", render_children=True) as inside:
                InsideTab(inside, classify_tab, ensemble, served.recipes)
            with gr.Tab("Melody", id="melody"):
                MelodyTab(melody, heard)
            with gr.Tab("Words", id="words") as words:
                measured = words_measured() if served.source.is_bundled else WordsMeasured()
                WordsTab(words, served.translation, served.text, measured)
            with gr.Tab("Training", id="training"):
                TrainingTab(history() if served.source.is_bundled else History())
        gr.HTML(source(served), apply_default_css=False, elem_id="source")
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


def settings() -> dict[str, Any]:
    """How the page is served, whatever the port."""
    return {
        "show_error": False,
        "ssr_mode": False,
        "max_file_size": MAX_FILE_SIZE,
        "state_session_capacity": VISITORS,
        "enable_monitoring": False,
        "_frontend": False,  # else Gradio ends where a busy machine takes 3 s for the first page
        "mcp_server": True,
        "app_kwargs": dict(web.SETTINGS),  # Gradio adds to it at every launch
        "allowed_paths": [str(EXAMPLES)],
        "footer_links": ["api", "gradio"],
        "theme": theme(),
        "css": css() + CSS,
        "head": head(),
        "favicon_path": FAVICON,
    }


def main() -> None:
    """Load the weights and serve until stopped."""
    parser = argparse.ArgumentParser(description="Serve the web app.")
    parser.add_argument(
        "--models",
        default=os.environ.get("GENRE_MODELS") or str(BUNDLED_WEIGHTS),
        metavar="DIR|USER/NAME[@REVISION]",
        help="folder with one sub-folder per model, or such a repository on the Hugging Face Hub at a "
        "branch, tag or commit (default: $GENRE_MODELS, else the bundled weights)",
    )
    try:
        served = serve(parser.parse_args().models)
    except WeightsError as error:
        parser.error(str(error))
    if served.problem:
        sys.stderr.write(f"app.py: {served.problem} The bundled weights are used instead.\n")
    warm_up(served.ensemble)
    port = int(os.environ.get("GRADIO_SERVER_PORT", "7860"))
    try:
        build(served).launch(server_port=port, **settings())
    except OSError as error:
        parser.error(f"Port {port} cannot be used; set GRADIO_SERVER_PORT to another one. ({error})")


if __name__ == "__main__":
    main()
