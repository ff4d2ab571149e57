"""Where the Transformer encoder looks in the chosen segment."""

from typing import Any, cast

import gradio as gr
import plotly.graph_objects as go

from genre_models.attention import EncoderLayer
from genre_models.classifiers import TransformerClassifier
from genre_models.inside.attention import SegmentAttention, attend
from genre_models.plots.attention import small_multiples
from genre_models.plots.frames import HEIGHT, over_frames
from genre_models.ui.inside_figure import drawing, drawn
from genre_models.ui.inside_place import PLAYER, Place, place
from genre_models.ui.report import render
from genre_models.ui.session import Session
from genre_models.ui.widgets import clicks_on, plain_html

ALL = 0
"""Of layers or heads: their mean."""
PLAIN, CARRIED = "plain", "carried"
COUNTED = (("The weights alone", PLAIN), ("Times the size of the values carried", CARRIED))
MAPS_HEIGHT = 272

Update = Any
Updates = dict[Any, Update]


class AttentionPanel:
    """All layers and heads as small multiples, and one of them in detail under the segment's MFCCs."""

    def __init__(self, model: TransformerClassifier) -> None:
        self.model = model
        self.layers = len(model.encoder)
        self.heads = cast(EncoderLayer, model.encoder[0]).attention.heads
        plain_html(render("inside_attention", layers=self.layers, heads=self.heads))
        self.counted = gr.Radio(list(COUNTED), value=PLAIN, label="What is counted", elem_id="inside-counted")
        self.every = drawing("inside-maps", MAPS_HEIGHT)
        self.clicks = clicks_on("inside-maps")
        with gr.Row(elem_id="inside-map-choice"):
            self.layer = gr.Dropdown(_numbered(self.layers), value=ALL, label="Layer", min_width=130)
            self.head = gr.Dropdown(_numbered(self.heads), value=ALL, label="Head", min_width=130)
        self.one = drawing("inside-map", HEIGHT)

    @property
    def inputs(self) -> list[Any]:
        """What `show` takes after the place."""
        return [self.counted, self.layer, self.head]

    @property
    def outputs(self) -> list[Any]:
        """What `show` changes."""
        return [self.every, self.one]

    def connect(self, where: list[Any], quick: dict[str, Any]) -> None:
        """`where` are the session and the segment, `quick` the settings of an event."""
        given = [*where, *self.inputs]
        self.counted.input(self.on_counted, given, self.outputs, **quick)
        self.clicks.select(self.on_map, None, [self.layer, self.head], **quick).success(
            self.on_one, given, self.one, **quick
        )
        for choice in (self.layer, self.head):
            choice.input(self.on_one, given, self.one, **quick)

    def on_counted(
        self, session: Session, segment: int, counted: str, layer: int, head: int
    ) -> Updates | Update:
        """The weights alone, or times what they carry."""
        at = place(session, segment)
        return gr.skip() if at is None else self.show(at, counted, layer, head)

    def on_map(self, event: gr.EventData) -> list[int]:
        """One of the small maps was pressed."""
        layer, head = divmod(event.curve, self.heads)
        return [layer + 1, head + 1]

    def on_one(self, session: Session, segment: int, counted: str, layer: int, head: int) -> Update:
        """Another layer or head."""
        at = place(session, segment)
        if at is None:
            return gr.skip()
        return drawn(_one(at, self._attend(at, counted), layer, head))

    def show(self, at: Place, counted: str, layer: int, head: int) -> Updates:
        """The maps of a segment."""
        attention = self._attend(at, counted)
        return {
            self.every: drawn(small_multiples(attention.layers)),
            self.one: drawn(_one(at, attention, layer, head)),
        }

    def _attend(self, at: Place, counted: str) -> SegmentAttention:
        return attend(self.model, at.clip, at.segment, weighted=counted == CARRIED)


def _one(at: Place, attention: SegmentAttention, layer: int, head: int) -> go.Figure:
    """One map, or the mean where layer or head is `ALL`."""
    chosen = (layer - 1 if layer else None, head - 1 if head else None)
    words = f"{f'layer {layer}' if layer else 'all layers'}, {f'head {head}' if head else 'all heads'}"
    return over_frames(
        attention.chosen(*chosen),
        attention.received(*chosen),
        at.clip.mfccs[at.segment].T.numpy(),  # (13, 130)
        attention.times_s,
        words.capitalize(),
        PLAYER,
    )


def _numbered(n: int) -> list[tuple[str, int]]:
    return [("mean of all", ALL), *((str(i), i) for i in range(1, n + 1))]
