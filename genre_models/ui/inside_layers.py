"""Each network layer by layer: the sizes that flow through it, and pictures of what does for one segment."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2
from typing import Any

import gradio as gr

from genre_models.classifiers import (
    CNN,
    GENRES,
    LSTM,
    MLP,
    GenreClassifier,
    LayerSize,
    TransformerClassifier,
)
from genre_models.inside.layers import SizeFormula, activations, feature_maps, formulas, lstm_states
from genre_models.plots.layers import Picture, feature_pictures, neuron_pictures, pictures, state_pictures
from genre_models.ui.html import render
from genre_models.ui.inside_figure import drawing, drawn
from genre_models.ui.inside_place import Place, place
from genre_models.ui.models import ModelCard
from genre_models.ui.notes import explanation
from genre_models.ui.notes_positions import PositionsPanel
from genre_models.ui.session import Session
from genre_models.ui.widgets import plain_html

FIRST = "cnn"
PIXELS_A_DOUBLING = 10
MOST_SHEETS = 5
SHEET_STEP = 3  # pixels

Update = Any
Updates = dict[Any, Update]


@dataclass(frozen=True)
class Drawn:
    """A layer's output as a pile of rectangles; sides grow by so many pixels whenever a size doubles."""

    width: float
    height: float
    sheets: int

    @property
    def box(self) -> tuple[float, float]:
        """Of the whole pile."""
        behind = SHEET_STEP * (self.sheets - 1)
        return self.width + behind + 2, self.height + behind + 2


@dataclass(frozen=True)
class Step:
    """One layer of the drawing."""

    size: LayerSize
    drawn: Drawn
    formula: SizeFormula | None


class LayersPanel:
    """The network that is chosen, and what flowed through it."""

    def __init__(
        self,
        models: Mapping[str, GenreClassifier],
        cards: Mapping[str, ModelCard],
        recipes: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self.models, self.cards, self.recipes = models, cards, recipes
        first = FIRST if FIRST in models else next(iter(models))
        plain_html(render("inside_layers"))
        self.model = gr.Radio(
            [(card.title, name) for name, card in cards.items()],
            value=first,
            label="Network",
            elem_id="inside-model",
        )
        with gr.Row(elem_id="inside-network"):
            with gr.Column(scale=5, min_width=320):
                self.network = plain_html(self._network(first))
            with gr.Column(scale=6, min_width=320):
                self.note = plain_html(self._note(first))
        self.words = plain_html(elem_id="inside-flow")
        self.pictures = drawing("inside-pictures", 400)
        with gr.Column(visible=False) as self.positions:
            transformer = models.get(TransformerClassifier.name)
            if isinstance(transformer, TransformerClassifier):
                PositionsPanel(transformer)

    @property
    def outputs(self) -> list[Any]:
        """What `show` changes."""
        return [self.words, self.pictures]

    def connect(self, where: list[Any], quick: dict[str, Any]) -> None:
        """`where` are the session and the segment."""
        described = [self.network, self.note, self.positions]
        self.model.input(self.on_model, [*where, self.model], [*described, *self.outputs], **quick)

    def on_model(self, session: Session, segment: int, name: str) -> Updates:
        """Another network."""
        at = place(session, segment)
        described = {
            self.network: self._network(name),
            self.note: self._note(name),
            self.positions: gr.Column(visible=name == TransformerClassifier.name),
        }
        return described if at is None else described | self.show(at, name)

    def show(self, at: Place, name: str) -> Updates:
        """What flows through one network for a segment."""
        shown = _pictures(self.models[name], at)
        alt = f"What leaves the layers of the {self.cards[name].title} for segment {at.segment + 1}."
        return {
            self.words: render("inside_pictures", name=name),
            self.pictures: drawn(pictures(name, shown, alt)) if shown else "",
        }

    def _note(self, name: str) -> str:
        return explanation(name, self.models[name], self.recipes.get(name))

    def _network(self, name: str) -> str:
        card, model = self.cards[name], self.models[name]
        waiting = formulas(model) if isinstance(model, CNN) else []
        steps = []
        for size in card.layers:
            fits = bool(waiting) and waiting[0].layer == size.layer
            steps.append(Step(size, _drawn(size.output), waiting.pop(0) if fits else None))
        return render("inside_network", card=card, steps=steps, sheet_step=SHEET_STEP)


def _pictures(model: GenreClassifier, at: Place) -> list[Picture]:
    if isinstance(model, CNN):
        maps = feature_maps(model, at.clip, at.segment)
        return feature_pictures([(one.layer, one.times_s, one.maps) for one in maps])
    if isinstance(model, LSTM):
        first, second = lstm_states(model, at.clip, at.segment)
        shown = {
            "First layer, state h": first.hidden,
            "Second layer, forget gate": second.forget_gate,
            "Second layer, memory cell c": second.cell,
            "Second layer, state h": second.hidden,
        }
        return state_pictures(shown, at.clip.frame_times_s(at.segment))
    if isinstance(model, MLP):
        layers = activations(model, at.clip, at.segment)
        return neuron_pictures([(one.layer, one.values) for one in layers], GENRES)
    return []


def _drawn(shape: tuple[int, ...]) -> Drawn:
    """Of (channels, frames, rows), (frames, rows) or (numbers,): frames across, rows up, channels behind."""
    sides = [max(3.0, PIXELS_A_DOUBLING * log2(size)) for size in shape]
    if len(shape) == 1:
        return Drawn(sides[0], 5, 1)
    sheets = min(MOST_SHEETS, 1 + int(log2(shape[0]) / 2)) if len(shape) == 3 else 1
    return Drawn(sides[-2], sides[-1], sheets)
