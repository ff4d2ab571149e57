"""How the melody model works, shown on the visitor's own notes."""

from typing import Any

import gradio as gr

from genre_models.melody import MelodyTransformer
from genre_models.melody.forcing import FEWEST_NOTES, Lesson, lesson
from genre_models.melody.notes import parse
from genre_models.melody.tunes import KEYS_BY_NAME, METRES_BY_NAME
from genre_models.plots.masks import KINDS, mask
from genre_models.ui.html import render
from genre_models.ui.notes import explanation
from genre_models.ui.widgets import plain_html
from genre_models.worker import in_the_back

PADDING = 3
"""Tokens: a note."""
TOO_FEW = f"Type at least {FEWEST_NOTES} notes: a tune of one cannot be cut in two."

Updates = dict[Any, Any]


class NotesPanel:
    """A closed fold: the explanation, teacher forcing and the masks of the `notes` in the text field."""

    def __init__(
        self, model: MelodyTransformer, notes: gr.Textbox, key: gr.Dropdown, metre: gr.Dropdown
    ) -> None:
        self.model = model
        self.is_open = gr.State(False)
        fold = gr.Accordion("How it works", open=False, elem_id="melody-notes-fold")
        with fold, gr.Row(elem_id="melody-how"):
            with gr.Column(scale=5, min_width=320):
                plain_html(explanation("melody", model))
            with gr.Column(scale=6, min_width=320):
                self.forcing = plain_html(elem_id="melody-forcing")
                plain_html(render("notes_mask", kinds=KINDS))
                self.mask = gr.Plot(show_label=False, container=False, buttons=[], elem_id="melody-mask")
        self._connect(fold, [notes, key, metre])

    def _connect(self, fold: gr.Accordion, typed: list[Any]) -> None:
        shown = [self.forcing, self.mask]
        light: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        fold.expand(lambda: True, None, self.is_open, **light).then(self.show, typed, shown, **light)
        fold.collapse(lambda: False, None, self.is_open, **light)
        for widget in typed:
            widget.change(self.on_typed, [self.is_open, *typed], shown, trigger_mode="always_last", **light)

    def on_typed(self, is_open: bool, text: str, key: str, metre: str) -> Updates:
        """Notes, key or metre were changed."""
        return self.show(text, key, metre) if is_open else gr.skip()

    def show(self, text: str, key: str, metre: str) -> Updates:
        """The notes as a lesson; what cannot be read changes nothing, as the tab says what is wrong."""
        try:
            notes = parse(text)
        except ValueError:
            return gr.skip()
        if len(notes) < FEWEST_NOTES:
            return {self.forcing: render("notes_forcing", problem=TOO_FEW), self.mask: gr.skip()}
        taught = in_the_back(lambda: lesson(self.model, notes, METRES_BY_NAME[metre], KEYS_BY_NAME.get(key)))
        return {self.forcing: _table(taught), self.mask: _mask(taught)}


def _table(taught: Lesson) -> str:
    right = sum(step.is_right for step in taught.steps)
    return render("notes_forcing", lesson=taught, right=right)


def _mask(taught: Lesson) -> Any:
    labels = [step.fed for step in taught.steps] + ["padding"] * PADDING
    return mask(taught.visible(PADDING), labels, PADDING)
