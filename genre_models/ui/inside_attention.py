"""Where the Transformer encoder looks in the chosen segment."""

from typing import Any, cast

import gradio as gr
import plotly.graph_objects as go

from genre_models.attention import EncoderLayer
from genre_models.attention_maps import chosen_map
from genre_models.classifiers import TransformerClassifier
from genre_models.inside.attention import SegmentAttention, attend
from genre_models.plots.attention import small_multiples
from genre_models.plots.frames import HEIGHT, over_frames
from genre_models.ui.heads import HeadChoice, chosen
from genre_models.ui.html import render
from genre_models.ui.inside_figure import drawing, drawn
from genre_models.ui.inside_place import PLAYER, Place, place
from genre_models.ui.session import Session
from genre_models.ui.widgets import clicks_on, plain_html

PLAIN, CARRIED = "plain", "carried"
COUNTED = (("The weights alone", PLAIN), ("Times the size of the values carried", CARRIED))
MAPS_HEIGHT = 272

Update = Any
Updates = dict[Any, Update]


class AttentionPanel:
    """All layers and heads as small multiples, and one of them in detail under the segment's MFCCs."""

    def __init__(self, model: TransformerClassifier) -> None:
        self.model = model
        layers, heads = len(model.encoder), cast(EncoderLayer, model.encoder[0]).attention.heads
        plain_html(render("inside_attention", layers=layers, heads=heads))
        self.counted = gr.Radio(list(COUNTED), value=PLAIN, label="What is counted", elem_id="inside-counted")
        self.every = drawing("inside-maps", MAPS_HEIGHT)
        self.clicks = clicks_on("inside-maps")
        with gr.Row(elem_id="inside-map-choice"):
            self.choice = HeadChoice(layers, heads)
        self.one = drawing("inside-map", HEIGHT)

    @property
    def inputs(self) -> list[Any]:
        """What `show` takes after the place."""
        return [self.counted, *self.choice.fields]

    @property
    def outputs(self) -> list[Any]:
        """What `show` changes."""
        return [self.every, self.one]

    def connect(self, where: list[Any], quick: dict[str, Any]) -> None:
        """`where` are the session and the segment, `quick` the settings of an event."""
        given = [*where, *self.inputs]
        self.counted.input(self.on_counted, given, self.outputs, **quick)
        self.choice.connect(self.clicks, self.on_one, given, self.one, **quick)

    def on_counted(
        self, session: Session, segment: int, counted: str, layer: int, head: int
    ) -> Updates | Update:
        """The weights alone, or times what they carry."""
        at = place(session, segment)
        return gr.skip() if at is None else self.show(at, counted, layer, head)

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
    which = chosen(layer, head, len(attention.layers))
    return over_frames(
        chosen_map(attention.layers, *which),
        attention.received(*which),
        at.clip.coefficients(at.segment),
        attention.times_s,
        which.words.capitalize(),
        PLAYER,
    )
