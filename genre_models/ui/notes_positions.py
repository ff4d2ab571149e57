"""The positional formula beside the Transformer encoder."""

from typing import Any

import gradio as gr
import plotly.graph_objects as go

from genre_models.audio import SEGMENT_S
from genre_models.classifiers import TransformerClassifier
from genre_models.inside import positions
from genre_models.plots.positions import positions as draw
from genre_models.ui.html import render
from genre_models.ui.widgets import plain_html

STEP_S = 0.05
MIDDLE_S = SEGMENT_S / 2


class PositionsPanel:
    """A closed fold: what the formula adds to each frame, and which frames it makes alike."""

    def __init__(self, model: TransformerClassifier) -> None:
        self.positions = positions.positions(model)
        with gr.Accordion("Where am I? The positional formula", open=False, elem_id="positions") as fold:
            plain_html(render("notes_positions"))
            self.time = gr.Slider(
                *(0, SEGMENT_S, MIDDLE_S),
                step=STEP_S,
                label="Compare with the frame at, in seconds",
                buttons=[],
                elem_id="positions-time",
            )
            self.plot = gr.Plot(show_label=False, container=False, buttons=[], elem_id="positions-plot")
        light: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        fold.expand(self.show, self.time, self.plot, **light)
        self.time.input(self.show, self.time, self.plot, trigger_mode="always_last", **light)

    def show(self, time_s: float) -> go.Figure:
        """The figure, with the likeness to the frame at this time."""
        known = self.positions
        frame = known.nearest(time_s)
        return draw(known.times_s, known.pattern, frame, known.likeness(frame))
