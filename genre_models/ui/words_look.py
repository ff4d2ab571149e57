"""Which words looked at which: one attention as bands and as a map, and all layers and heads at a glance."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from genre_models.attention_maps import chosen_map, without_future
from genre_models.plots.attention import Labelled
from genre_models.plots.words import WordMaps, alignment, every_head
from genre_models.seq2seq import EncoderDecoder
from genre_models.ui.heads import ALL, HeadChoice, chosen
from genre_models.ui.html import render
from genre_models.ui.inside_figure import drawing, drawn
from genre_models.ui.widgets import TRIGGER_SELECT, clicks_on, plain_html
from genre_models.words import Cut
from genre_models.words.looking import Looks

CROSS, MASKED, ENCODER = "cross", "masked", "encoder"
MAP_HEIGHT, MAPS_HEIGHT = 500, 390
DECIMALS = 4
DRAW = """
const place = element.querySelector(".ribbon");
const draw = () => drawRibbon(place, props.value);
watch("value", draw);
draw();
"""
START = "(start)"
CHOICES = TRIGGER_SELECT + "keepPlace(element, watch);"
"""Of buttons, one of which is chosen at a time; see assets/words.js."""
HINT = "Point at a word or tap it; or press Tab, then the arrow keys."

Update = Any
Updates = dict[Any, Update]


@dataclass(frozen=True)
class Kind:
    """One of the attentions: its button's words, and what its queries and keys are called."""

    words: str
    queries: str
    keys: str


class LookPanel:
    """The attentions of a model in `kinds`; `name` leads the elements' ids.

    `explain` says how to read them; `first` are the layer and head, from 1, that are chosen at first.
    """

    def __init__(
        self,
        name: str,
        kinds: Mapping[str, Kind],
        model: EncoderDecoder,
        explain: str,
        first: tuple[int, int] = (ALL, ALL),
    ) -> None:
        self.kinds = kinds
        layers, heads = model.layers_and_heads
        plain_html(explain)
        with gr.Row(elem_classes="look-choice"):
            choices = [(kind.words, key) for key, kind in kinds.items()]
            self.kind = gr.Radio(choices, value=CROSS, label="Attention", scale=4, min_width=300)
            self.choice = HeadChoice(layers, heads, first)
        self.ribbon = _ribbon(f"{name}-ribbon")
        with gr.Row(elem_classes="look-maps"):
            with gr.Column(min_width=300, scale=6):
                plain_html(render("words_map"))
                self.map = drawing(f"{name}-map", MAP_HEIGHT)
            with gr.Column(min_width=300, scale=5):
                plain_html(render("words_heads", layers=layers, heads=heads))
                self.every = drawing(f"{name}-heads", MAPS_HEIGHT)
        self.clicks = clicks_on(f"{name}-heads")

    @property
    def inputs(self) -> list[Any]:
        """What `show` takes after the maps."""
        return [self.kind, *self.choice.fields]

    @property
    def outputs(self) -> list[Any]:
        """What `show` changes."""
        return [self.every, self.ribbon, self.map]

    def connect(self, where: list[Any], maps: Callable[..., Mapping[str, WordMaps] | None]) -> None:
        """`maps` gives the attentions by kind of what the widgets `where` hold, or None."""

        def show(*values: Any) -> Updates | Update:
            found = maps(*values[: len(where)])
            return gr.skip() if found is None else self.show(found, *values[len(where) :])

        latest: dict[str, Any] = {
            "show_progress": "hidden",
            "api_visibility": "private",
            "trigger_mode": "always_last",
        }
        given = [*where, *self.inputs]
        self.kind.input(show, given, self.outputs, **latest)
        self.choice.connect(self.clicks, show, given, self.outputs, **latest)

    def show(self, maps: Mapping[str, WordMaps], kind: str, layer: int, head: int) -> Updates:
        """All maps of one kind, and the one that was chosen."""
        found = maps[kind]
        which = chosen(layer, head, len(found.layers))
        weights = chosen_map(found.layers, *which)
        title = f"{self.kinds[kind].words}, {which.words}"
        return {
            self.every: drawn(every_head(found, *which)),
            self.ribbon: _bands(weights, found.queries, found.keys, title),
            self.map: drawn(alignment(weights, found.queries, found.keys, title)),
        }

    def maps(self, looks: Looks, source: Cut, target: Cut) -> dict[str, WordMaps]:
        """Attention between the words of a source and a target, by kind."""
        read, written = ([word.text for word in cut.words] for cut in (source, target))
        words = looks.words
        found = {
            CROSS: (words.cross, written, read),
            MASKED: (without_future(words.decoder), written, [START, *written]),
            ENCODER: (words.encoder, read, read),
        }
        maps = {}
        for name, (weights, queries, keys) in found.items():
            kind = self.kinds[name]
            maps[name] = WordMaps(weights, _axis(kind.queries, queries), _axis(kind.keys, keys))
        return maps


def _ribbon(elem_id: str) -> gr.HTML:
    """A place for two sentences and the bands between them, which stays; see assets/words.js."""
    return gr.HTML(
        "",
        html_template='<div class="ribbon model-transformer"></div>',
        js_on_load=DRAW,
        elem_id=elem_id,
        apply_default_css=False,
    )


def _bands(weights: np.ndarray, queries: Labelled, keys: Labelled, title: str) -> str:
    shares = np.round(np.nan_to_num(weights), DECIMALS)
    return json.dumps(
        {
            "queries": list(queries.labels),
            "keys": list(keys.labels),
            "titles": {"queries": queries.title, "keys": keys.title},
            "weights": shares.tolist(),
            "hint": HINT,
            "alt": f"Words and what they look at. {title}",
        }
    )


def _axis(title: str, words: Sequence[str]) -> Labelled:
    return Labelled(title, words, [f"{word} ({place})" for place, word in enumerate(words, start=1)])
