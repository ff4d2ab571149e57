"""Why these notes: what the model held likely, and where it looked."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
import plotly.graph_objects as go
from gradio.events import Dependency

from genre_models.attention_maps import chosen_map
from genre_models.melody import MelodyTransformer
from genre_models.melody.compose import WINDOW_NOTES
from genre_models.melody.looking import Group, Looks, NoteMaps, likely, looks
from genre_models.melody.tunes import Composition, what_follows
from genre_models.plots.attention import Labelled, detail, small_multiples
from genre_models.plots.probabilities import next_note
from genre_models.plots.roll import piano_roll, with_arcs
from genre_models.ui.heads import HeadChoice, chosen
from genre_models.ui.html import render
from genre_models.ui.widgets import clicks_on, plain_html
from genre_models.worker import in_the_back

CROSS, MASKED, ENCODER = "cross", "masked", "encoder"
KINDS = (
    ("Cross: the new notes at what was read", CROSS),
    ("Masked: the new notes at the new ones before", MASKED),
    ("Encoder: what was read at itself", ENCODER),
)
ARCS = (("at what it read (cross)", CROSS), ("at new notes (masked)", MASKED), ("no arcs", ""))

Update = Any
Updates = dict[Any, Update]


class LookPanel:
    """Probabilities and attention of the tune in `made`, with arcs over its `roll`.

    The model was trained on so many `tunes`, if that is known.
    """

    def __init__(self, model: MelodyTransformer, made: gr.State, roll: gr.Plot, tunes: int | None) -> None:
        self.model, self.made, self.roll = model, made, roll
        self.is_open = gr.State(False)
        with gr.Column(visible=False, elem_id="melody-look") as self.panel:
            plain_html(render("melody_look", tunes=tunes))
            self._build_choice()
            with gr.Row(elem_id="chances"):
                with gr.Column(min_width=300):
                    self.chosen_title = plain_html()
                    self.chosen = _plot("chosen-chances")
                with gr.Column(min_width=300):
                    plain_html(render("melody_title", words="What would follow the last note"))
                    self.following = _plot("next-chances")
            with gr.Accordion("Where the model looked: attention", open=False, elem_id="attention") as fold:
                self._build_attention()
        self._connect(fold)

    def _build_choice(self) -> None:
        with gr.Row(elem_id="note-choice"):
            self.note = gr.Slider(
                1, 2, 1, step=1, label="Note of the tune", buttons=[], elem_id="melody-note", scale=3
            )
            self.arcs = gr.Radio(list(ARCS), value=CROSS, label="Arcs: where it looked", scale=3)
            self.go_on = gr.Button("Continue from here", elem_id="go-on", scale=1, min_width=170)
        self.roll_clicks = clicks_on("melody-roll")

    def _build_attention(self) -> None:
        self.kind = gr.Radio(list(KINDS), value=CROSS, label="Attention", elem_id="attention-kind")
        self.every = _plot("attention-all")
        self.map_clicks = clicks_on("attention-all")
        with gr.Row(elem_id="attention-choice"):
            self.choice = HeadChoice(*self.model.layers_and_heads)
        self.one = _plot("attention-one")

    @property
    def outputs(self) -> list[Any]:
        """What `show` changes."""
        return [self.panel, self.note, self.following, *self._of_note]

    @property
    def _where(self) -> list[Any]:
        return [self.made, self.note, self.kind, *self.choice.fields]

    @property
    def _maps(self) -> list[Any]:
        return [self.every, self.one]

    @property
    def _of_note(self) -> list[Any]:
        return [self.chosen_title, self.chosen]

    def _connect(self, fold: gr.Accordion) -> None:
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        latest = quiet | {"trigger_mode": "always_last"}
        where = self._where
        choice = [self.made, self.note, self.arcs, *self.choice.fields]
        maps = self._maps
        self.note.input(self.on_note, choice, [*self._of_note, self.roll], **latest)
        self.arcs.input(self.on_arcs, choice, self.roll, **latest)
        self.roll_clicks.select(self.on_roll, [self.made], self.note, **quiet).success(
            self.on_note, choice, [*self._of_note, self.roll], **latest
        )
        fold.expand(lambda: True, None, self.is_open, **quiet).then(self.on_maps, where, maps, **quiet)
        fold.collapse(lambda: False, None, self.is_open, **quiet)
        self.kind.input(self.on_maps, where, maps, **latest)
        self.choice.connect(self.map_clicks, self.on_one, where, self.one, **latest)

    def refresh(self, written: Dependency) -> None:
        """After a tune is written, draw its maps where they are in sight."""
        written.then(
            self.on_written,
            [self.is_open, *self._where],
            self._maps,
            show_progress="hidden",
            api_visibility="private",
        )

    # What the visitor does ------------------------------------------------------------------------------

    def on_note(self, made: Composition | None, note: int, arcs: str, layer: int, head: int) -> Updates:
        """A note was chosen: what it was chosen from, and where the model looked for it."""
        if made is None or not made.row.notes:
            return gr.skip()
        return self._chances(made, int(note)) | {self.roll: self.on_arcs(made, note, arcs, layer, head)}

    def on_arcs(self, made: Composition | None, note: int, arcs: str, layer: int, head: int) -> Update:
        """Other arcs were asked for."""
        if made is None or not made.row.notes:
            return gr.skip()
        roll = piano_roll(made.notes, made.n_seed, made.request.metre)
        if not arcs:
            return roll
        maps = _maps(self._looks(made, int(note)), arcs)
        place = int(note) - 1
        which = chosen(layer, head, len(maps.layers))
        weights = chosen_map(maps.layers, *which)
        seen = maps.over_tune(weights, place, len(made.notes))
        return with_arcs(roll, made.notes, place, seen)

    def on_roll(self, made: Composition | None, event: gr.EventData) -> Update:
        """A bar of the roll was pressed."""
        if made is None or event.curve > 1:
            return gr.skip()
        places = range(made.n_seed, len(made.notes)) if event.curve else range(made.n_seed)
        notes = made.notes
        place = [i for i in places if notes[i].pitch is not None][event.point]
        if place < made.n_seed:
            gr.Info("This note was given: the model chose those after it.")
            return gr.skip()
        return place + 1

    def on_maps(self, made: Composition | None, note: int, kind: str, layer: int, head: int) -> Updates:
        """All maps of one kind, and the one in detail."""
        if made is None or not made.row.notes:
            return gr.skip()
        maps = _maps(self._looks(made, int(note)), kind)
        return {self.every: small_multiples(maps.layers), self.one: _detail(maps, layer, head)}

    def on_written(
        self, is_open: bool, made: Composition | None, note: int, kind: str, layer: int, head: int
    ) -> Updates:
        """A tune is written."""
        return self.on_maps(made, note, kind, layer, head) if is_open else gr.skip()

    def on_one(self, made: Composition | None, note: int, kind: str, layer: int, head: int) -> Update:
        """Another layer or head."""
        if made is None or not made.row.notes:
            return gr.skip()
        return _detail(_maps(self._looks(made, int(note)), kind), layer, head)

    # What the panel shows -------------------------------------------------------------------------------

    def show(self, made: Composition) -> Updates:
        """A new tune: its last note is the chosen one."""
        n_notes = len(made.notes)
        if n_notes == made.n_seed:
            return {self.panel: gr.Column(visible=False)}
        follows = what_follows(self.model, made)
        return self._chances(made, n_notes) | {
            self.panel: gr.Column(visible=True),
            self.note: gr.Slider(minimum=made.n_seed + 1, maximum=n_notes, value=n_notes),
            self.following: next_note(*likely(follows, made.request.flat)),
        }

    def _chances(self, made: Composition, note: int) -> Updates:
        chosen = made.row.notes[note - 1 - made.n_seed]
        name, length = chosen.note.name, str(chosen.note.length)
        words = f"How note {note} was chosen: {name}, {length}"
        figure = next_note(*likely(chosen, chosen.note.flat or made.request.flat), (name, length))
        return {self.chosen_title: render("melody_title", words=words), self.chosen: figure}

    def _looks(self, made: Composition, note: int) -> Looks:
        """Attention in the window that a note was written in."""
        place = (note - 1 - made.n_seed) // WINDOW_NOTES
        return in_the_back(lambda: looks(self.model, made.notes, made.n_seed, made.row.windows, place))


def _maps(looked: Looks, kind: str) -> NoteMaps:
    return {CROSS: looked.cross, MASKED: looked.decoder, ENCODER: looked.encoder}[kind]


def _detail(maps: NoteMaps, layer: int, head: int) -> go.Figure:
    which = chosen(layer, head, len(maps.layers))
    return detail(
        chosen_map(maps.layers, *which),
        _axis("Note that looks", maps.queries),
        _axis("Note that is looked at", maps.keys),
        which.words.capitalize(),
    )


def _axis(title: str, groups: Sequence[Group]) -> Labelled:
    return Labelled(title, [group.label for group in groups], [group.name for group in groups])


def _plot(elem_id: str) -> gr.Plot:
    return gr.Plot(show_label=False, container=False, buttons=[], elem_id=elem_id)
