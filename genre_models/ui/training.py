"""The Training tab: how the networks were trained, and how good that made them; all from metrics files."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from genre_models.classifiers import GENRES
from genre_models.history import Descents, History, Melody, Recipe, Result
from genre_models.plots.accuracy import by_split, confusion
from genre_models.plots.look import MODEL, MODELS, TEXT
from genre_models.plots.training import (
    EPOCHS,
    SECONDS,
    STEPS,
    Learning,
    descents,
    learning,
    learning_together,
    melody_losses,
)
from genre_models.ui.html import render
from genre_models.ui.models import in_conditions, title
from genre_models.ui.widgets import plain_html
from genre_models.verdict import list_in_words

TOGETHER = "together"
HONEST = "artist"
SPLIT_TITLES = {"segment": "by segment", "track": "by track", "artist": "by artist"}
SHARES, COUNTS = "shares", "counts"
EXAMPLE = "cnn"
"""The network in whose numbers the leaks are told."""
MELODY_TITLES = {"transformer": "Transformer", "lstm": "LSTM"}
MELODY_COLOURS = {"transformer": MODEL, "lstm": MODELS["lstm"]}


class TrainingTab:
    """All sections from top to bottom; those that nothing was measured for are left out."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.networks = _networks(history)
        with gr.Column(elem_id="training"):
            if not history:
                plain_html(render("training_unknown"))
                return
            if history.data and history.recipes:
                plain_html(
                    render(
                        "training_how",
                        history=history,
                        heard=heard,
                        title=title,
                        with_setting=partial(_with_setting, history.recipes),
                    )
                )
            if self.networks:
                self._build_learning()
            if history.descents is not None:
                self._build_descents(history.descents)
            if HONEST in history.splits:
                self._build_confusion(history.splits[HONEST])
                self._build_splits(history.splits)
            if history.references:
                plain_html(render("training_references", references=history.references), elem_id="references")
            if history.melody is not None:
                self._build_melody(history.melody)

    # The sections ---------------------------------------------------------------------------------------

    def _build_learning(self) -> None:
        with gr.Column(elem_classes="training-card"):
            plain_html(render("training_learning"))
            choices = [("All on one", TOGETHER), *((one.title, name) for name, one in self.networks.items())]
            network = gr.Radio(choices, value=TOGETHER, label="Network", elem_id="learning-network")
            plot = _plot(self.learning(TOGETHER), "learning-curves")
        _redraw(network, self.learning, [network], plot)

    def _build_descents(self, compared: Descents) -> None:
        with gr.Column(elem_classes="training-card"):
            plain_html(render("training_descents", compared=compared, title=title))
            choices = [("Epochs", EPOCHS), ("Steps", STEPS), ("Seconds", SECONDS)]
            against = gr.Radio(choices, value=EPOCHS, label="Compare by", elem_id="descents-axis")
            plot = _plot(descents(compared, EPOCHS), "descents-curves")
            plain_html(render("training_descents_table", compared=compared), elem_id="descents-table")
        _redraw(against, lambda by: descents(compared, by), [against], plot)

    def _build_confusion(self, systems: Mapping[str, Result]) -> None:
        with gr.Column(elem_classes="training-card"):
            some = next(iter(systems.values()))
            plain_html(render("training_confusion", shuffles=some.shuffles))
            first = "verdict" if "verdict" in systems else next(iter(systems))
            with gr.Row(elem_id="confusion-choice"):
                system = gr.Dropdown(
                    [(title(name), name) for name in systems], value=first, label="System", min_width=180
                )
                cells = gr.Radio(
                    [("Percent of the row", SHARES), ("Tracks", COUNTS)],
                    value=SHARES,
                    label="In the cells",
                    min_width=240,
                )
            plot = _plot(self.confusion(first, SHARES), "confusion-matrix")
        for choice in (system, cells):
            _redraw(choice, self.confusion, [system, cells], plot)

    def _build_splits(self, splits: Mapping[str, Mapping[str, Result]]) -> None:
        accuracies = {
            SPLIT_TITLES[split]: {name: one.accuracy for name, one in systems.items()}
            for split, systems in splits.items()
        }
        systems = splits[HONEST]
        with gr.Column(elem_classes="training-card"):
            plain_html(render("training_splits", splits=splits, example=EXAMPLE, title=title))
            titles = {name: title(name) for name in systems}
            colours = {name: MODELS.get(name, TEXT) for name in systems}
            _plot(by_split(accuracies, titles, colours), "split-accuracy")

    def _build_melody(self, melody: Melody) -> None:
        curves = {
            MELODY_TITLES.get(name, name): (MELODY_COLOURS.get(name, TEXT), curve)
            for name, curve in melody.curves.items()
        }
        with gr.Column(elem_classes="training-card"):
            plain_html(render("training_melody", melody=melody, titles=MELODY_TITLES))
            _plot(melody_losses(curves), "melody-losses")

    # What the visitor does ------------------------------------------------------------------------------

    def learning(self, network: str) -> go.Figure:
        """Another network's curves, or all together."""
        if network == TOGETHER:
            return learning_together(list(self.networks.values()))
        return learning(self.networks[network])

    def confusion(self, system: str, cells: str) -> go.Figure:
        """Another matrix, or other numbers in its cells."""
        counts = np.array(self.history.splits[HONEST][system].confusion)
        return confusion(counts, GENRES, title(system), MODELS.get(system, TEXT), cells == SHARES)


def _networks(history: History) -> dict[str, Learning]:
    """The networks whose learning was watched and whose recipe is known."""
    return {
        name: Learning(title(name), name, folds, history.recipes[name].epochs)
        for name, folds in history.learning.items()
        if name in history.recipes
    }


ALTERED = "altered: speed, tone, room, noise, telephone, codecs"


def heard(recipe: Recipe) -> list[str]:
    """What a model heard of each recording in training, in words."""
    settings = recipe.settings
    if "C" in settings:
        conditions = in_conditions(settings)
        parts = ["clean", *([ALTERED] if settings["variants"] else []), *conditions]
        distant = in_conditions(settings.get("distant") or {})
        if settings.get("experts"):
            parts.append("each of these for a head of its own above all")
        return [*parts, *([f"for a head of its own: {', '.join(distant)}"] if distant else [])]
    parts = [f"clean and {ALTERED}" if settings["variants"] else "clean"]
    if settings.get("pretrained"):
        parts.insert(0, "free music before")
    parts.append("segments cut anew in every epoch")
    if settings["shuffle_block"]:
        parts.append("frames in random order")
    if settings["mixup"]:
        parts.append("pairs mixed into each other")
    if settings["label_smoothing"]:
        parts.append(f"targets softened by {settings['label_smoothing']:.0%}")
    if settings["soft_labels"]:
        parts.append("mixtures, with another model’s probabilities as targets")
    return parts


def _with_setting(recipes: Mapping[str, Recipe], setting: str) -> str:
    """Titles of the models whose recipe has a setting switched on, as a list in words; empty for none."""
    names = [title(name) for name, recipe in recipes.items() if recipe.settings.get(setting)]
    return list_in_words(names, "and") if names else ""


def _redraw(choice: gr.Radio | gr.Dropdown, draw: Any, inputs: list[Any], plot: gr.Plot) -> None:
    choice.input(
        draw, inputs, plot, show_progress="hidden", api_visibility="private", trigger_mode="always_last"
    )


def _plot(drawn: go.Figure, elem_id: str) -> gr.Plot:
    return gr.Plot(drawn, show_label=False, container=False, buttons=[], elem_id=elem_id)
