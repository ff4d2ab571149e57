"""Which words looked at which: one attention as bands and as a map, and all layers and heads at a glance."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from genre_models.melody.tunes import layers_and_heads
from genre_models.plots.attention import Labelled
from genre_models.plots.words import WordMaps, alignment, every_head, without_future
from genre_models.seq2seq import EncoderDecoder
from genre_models.ui.inside_figure import drawing, drawn
from genre_models.ui.report import render
from genre_models.ui.widgets import TRIGGER_SELECT, clicks_on, plain_html
from genre_models.words import Cut
from genre_models.words.looking import Looks

CROSS, MASKED, ENCODER = "cross", "masked", "encoder"
ALL = 0
"""Of layers or heads: their mean."""
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
        self.layers, self.heads = layers_and_heads(model)
        plain_html(explain)
        with gr.Row(elem_classes="look-choice"):
            choices = [(kind.words, key) for key, kind in kinds.items()]
            self.kind = gr.Radio(choices, value=CROSS, label="Attention", scale=4, min_width=300)
            self.layer = gr.Dropdown(_numbered(self.layers), value=first[0], label="Layer", min_width=130)
            self.head = gr.Dropdown(_numbered(self.heads), value=first[1], label="Head", min_width=130)
        self.ribbon = _ribbon(f"{name}-ribbon")
        with gr.Row(elem_classes="look-maps"):
            with gr.Column(min_width=300, scale=6):
                plain_html(render("words_map"))
                self.map = drawing(f"{name}-map", MAP_HEIGHT)
            with gr.Column(min_width=300, scale=5):
                plain_html(render("words_heads", layers=self.layers, heads=self.heads))
                self.every = drawing(f"{name}-heads", MAPS_HEIGHT)
        self.clicks = clicks_on(f"{name}-heads")

    @property
    def inputs(self) -> list[Any]:
        """What `show` takes after the maps."""
        return [self.kind, self.layer, self.head]

    @property
    def outputs(self) -> list[Any]:
        """What `show` changes."""
        return [self.every, self.ribbon, self.map]

    def connect(self, where: list[Any], maps: Callable[..., Mapping[str, WordMaps] | None]) -> None:
        """`maps` gives the attentions by kind of what the widgets `where` hold, or None."""

        def show(*values: Any) -> Updates | Update:
            found = maps(*values[: len(where)])
            return gr.skip() if found is None else self.show(found, *values[len(where) :])

        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        given = [*where, *self.inputs]
        self.clicks.select(self.on_map, None, [self.layer, self.head], **quiet).success(
            show, given, self.outputs, **quiet
        )
        for choice in self.inputs:
            choice.input(show, given, self.outputs, trigger_mode="always_last", **quiet)

    def on_map(self, event: gr.EventData) -> list[int]:
        """One of the small maps was pressed."""
        layer, head = divmod(event.curve, self.heads)
        return [layer + 1, head + 1]

    def show(self, maps: Mapping[str, WordMaps], kind: str, layer: int, head: int) -> Updates:
        """All maps of one kind, and the one that was chosen."""
        chosen = maps[kind]
        layer = min(layer, len(chosen.layers))
        place = (layer - 1 if layer else None, head - 1 if head else None)
        weights = chosen.chosen(*place)
        which = f"{f'layer {layer}' if layer else 'all layers'}, {f'head {head}' if head else 'all heads'}"
        title = f"{self.kinds[kind].words}, {which}"
        return {
            self.every: drawn(every_head(chosen, *place)),
            self.ribbon: _bands(weights, chosen.queries, chosen.keys, title),
            self.map: drawn(alignment(weights, chosen.queries, chosen.keys, title)),
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


def _numbered(n: int) -> list[tuple[str, int]]:
    return [("mean of all", ALL), *((str(i), i) for i in range(1, n + 1))]
