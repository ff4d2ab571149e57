"""What changes each model's answer when a part of the chosen segment is taken away."""

from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from genre_models.classifiers import GENRES, GenreClassifier, MFCCClassifier, MusiCNNClassifier
from genre_models.inside.denoised import denoised
from genre_models.inside.occlusion import occlude
from genre_models.inside.occlusion_musicnn import MelOcclusion, occlude_mel
from genre_models.plots import denoised as denoised_plot
from genre_models.plots.occlusion import HEIGHT, MEL_HEIGHT, Occluded, mel_occlusion, occlusion
from genre_models.ui.html import render
from genre_models.ui.inside_figure import drawing, drawn
from genre_models.ui.inside_place import PLAYER, Place, place
from genre_models.ui.session import Session
from genre_models.ui.widgets import plain_html

Update = Any
Updates = dict[Any, Update]


class OcclusionPanel:
    """Curves and bars for the networks on MFCCs; time by mel band for MusiCNN, on request."""

    def __init__(self, models: Mapping[str, GenreClassifier]) -> None:
        self.models = [model for model in models.values() if isinstance(model, MFCCClassifier)]
        ears = [model for model in models.values() if isinstance(model, MusiCNNClassifier)]
        self.ear = ears[0] if ears else None
        plain_html(render("inside_occlusion"))
        self.genre = gr.Dropdown(
            list(GENRES), label="The probability of", elem_id="inside-genre", min_width=160
        )
        self.picture = drawing("inside-occlusion", HEIGHT)
        self.button = gr.Button(
            "Look at MusiCNN too (takes some seconds)", elem_id="inside-musicnn", visible=self.ear is not None
        )
        with gr.Column(visible=False, elem_id="inside-mel") as self.on_request:
            plain_html(render("inside_denoised"))
            self.denoised = drawing("inside-denoised", denoised_plot.HEIGHT)
            self.status = plain_html(elem_id="inside-mel-status")
            self.mel = drawing("inside-mel-map", MEL_HEIGHT)

    @property
    def outputs(self) -> list[Any]:
        """What `show` changes."""
        return [self.picture, self.on_request]

    def connect(self, where: list[Any], quick: dict[str, Any], slow: dict[str, Any]) -> Any:
        """`where` are the session and the segment; returns the event that another choice cancels."""
        asked = [*where, self.genre]
        answered = [self.on_request, self.denoised, self.status, self.mel]
        looking = self.button.click(self.on_musicnn, asked, answered, **slow)
        self.genre.input(self.on_genre, asked, self.outputs, cancels=[looking], **quick)
        return looking

    def on_genre(self, session: Session, segment: int, genre: str) -> Updates | Update:
        """Another genre's probability."""
        at = place(session, segment)
        return gr.skip() if at is None else self.show(at, genre)

    def on_musicnn(self, session: Session, segment: int, genre: str) -> Iterator[Updates | Update]:
        """What the pretrained network gets to hear, then its answer cell by cell."""
        at = place(session, segment)
        if at is None or self.ear is None:
            yield gr.skip()
            return
        heard = denoised_plot.denoised(denoised(self.ear, at.clip, at.segment), PLAYER)
        shown = {self.on_request: gr.Column(visible=True), self.denoised: drawn(heard)}
        for so_far in occlude_mel(self.ear, at.clip, at.segment, genre):
            status = render("inside_mel", so_far=so_far, name=self.ear.name, title=self.ear.title)
            yield shown | {self.status: status, self.mel: drawn(_mel(self.ear.name, so_far))}
            shown = {}

    def show(self, at: Place, genre: str) -> Updates:
        """A segment; what was asked of MusiCNN was about another, so it goes."""
        found = [(model, occlude(model, at.clip, genre, [at.segment])) for model in self.models]
        occluded = [
            Occluded(model.name, model.title, one.times_s[0], one.by_time[0], one.by_coefficient[0])
            for model, one in found
        ]
        updates: Updates = {self.on_request: gr.Column(visible=False)}
        if occluded:
            updates[self.picture] = drawn(occlusion(occluded, genre, at.span_s, PLAYER))
        return updates


def _mel(name: str, so_far: MelOcclusion) -> go.Figure:
    edges = so_far.time_edges_s, so_far.frequency_edges_hz
    return mel_occlusion(name, so_far.change, *edges, so_far.genre, PLAYER)
