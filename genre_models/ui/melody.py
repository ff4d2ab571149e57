"""The Melody tab: a few notes in, a tune out, while it is written; and the HTTP API's /generate."""

from collections.abc import Iterator
from dataclasses import replace
from time import perf_counter
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from genre_models.melody import MelodyTransformer, score
from genre_models.melody.compose import DEFAULT_SAMPLING
from genre_models.melody.notes import EXAMPLE, MOST_CHARACTERS, MOST_NOTES, NoteError, parse
from genre_models.melody.tune import DEFAULT_LENGTH, Note
from genre_models.melody.tunes import (
    KEYS_BY_NAME,
    METRES_BY_NAME,
    Composition,
    Repertoire,
    Wish,
)
from genre_models.plots.roll import piano_roll
from genre_models.sampling import HOTTEST, MOST_SEED, RANDOM
from genre_models.ui.html import panel, render
from genre_models.ui.keyboard import keyboard
from genre_models.ui.melody_api import CONCURRENT_TUNES, GenerateEndpoint
from genre_models.ui.melody_look import LookPanel
from genre_models.ui.melody_result import ResultPanel
from genre_models.ui.notes_melody import NotesPanel
from genre_models.ui.presets import PRESETS
from genre_models.ui.widgets import TRIGGER_SELECT, plain_html, refusal

SHORTEST, LONGEST, USUAL = 8, 512, 64
SLOWEST, FASTEST = 40, 240
FROM_THE_NOTES = "from the notes"
NO_MODEL = (
    "There is no trained melody model yet",
    "Train one with “python train.py melody”, then start the app again.",
)
SHORTEST_PAUSE_S = 0.1
PAUSE_S_PER_NOTE = 0.001
"""The longer a tune, the longer a browser takes to draw it, and what it cannot keep up with comes late."""

PROBLEM = 'role="alert"'
"""In what is said of the notes: that they cannot be read."""

Update = Any
"""What a handler sends to one component: a value or a Gradio update."""
Updates = dict[Any, Update]


class MelodyTab:
    """The widgets of the tab and what happens when they are used."""

    def __init__(self, model: MelodyTransformer | None, repertoire: Repertoire) -> None:
        if model is None:
            plain_html(panel(*NO_MODEL))
            return
        self.model = model
        self.repertoire = repertoire
        self._build()
        self._connect()

    def _build(self) -> None:
        self.made = gr.State(None)
        with gr.Row(elem_id="melody"):
            with gr.Column(scale=5, min_width=320, elem_id="compose-column"):
                self._build_notes()
                with gr.Column(elem_id="melody-settings"):
                    self._build_settings()
            with gr.Column(scale=7, min_width=320, elem_id="tune-column"):
                notes = parse(EXAMPLE)
                with gr.Column(elem_id="roll-card"):
                    self.roll = gr.Plot(
                        _roll(notes, len(notes), USUAL),
                        show_label=False,
                        container=False,
                        elem_id="melody-roll",
                        buttons=[],
                    )
                    self.status = plain_html(
                        render("melody_status", tunes=self.repertoire.tunes), elem_id="melody-status"
                    )
                self.result = ResultPanel(self.made)
        self.result.build_sheet()
        self.look = LookPanel(self.model, self.made, self.roll, self.repertoire.tunes)
        NotesPanel(self.model, self.notes, self.key, self.metre)

    def _build_notes(self) -> None:
        self.picker = plain_html(
            render("melody_presets", presets=PRESETS), elem_id="presets", js_on_load=TRIGGER_SELECT
        )
        self.notes = gr.Textbox(
            EXAMPLE,
            label="Your notes",
            info="Letter and octave, lengths after a colon if you like: C#5 Bb4:1/4 R:1/8",
            lines=2,
            max_lines=6,
            max_length=MOST_CHARACTERS,
            elem_id="melody-notes",
            html_attributes=gr.InputHTMLAttributes(spellcheck=False, autocapitalize="off", autocorrect="off"),
        )
        self.said = plain_html(elem_id="melody-said")
        plain_html(keyboard(), elem_id="melody-keyboard")

        with gr.Row(elem_id="melody-go"):
            self.carry_on = gr.Button(
                "Carry it on", variant="primary", elem_id="carry-on", scale=2, min_width=130
            )
            self.another = gr.Button("Another one", elem_id="another", scale=2, min_width=110)
            self.halt = gr.Button("Stop", elem_id="melody-stop", scale=1, min_width=70)

    def _build_settings(self) -> None:
        with gr.Row():
            self.length = gr.Slider(
                *(SHORTEST, LONGEST, USUAL), step=1, label="Notes to add", min_width=190, buttons=[]
            )
            self.tempo = gr.Slider(
                *(SLOWEST, FASTEST, score.TEMPO), step=2, label="Quarters a minute", min_width=190, buttons=[]
            )
        with gr.Row():
            keys = [(FROM_THE_NOTES, ""), *((name, name) for name in KEYS_BY_NAME)]
            self.key = gr.Dropdown(keys, value="", label="Key", min_width=190)
            self.metre = gr.Dropdown(list(METRES_BY_NAME), value="4/4", label="Metre", min_width=190)
        self.stop = gr.Checkbox(False, label="Let the model end the tune sooner", container=False)
        with gr.Accordion("Temperature, top-k, top-p, seed", open=False, elem_id="drawing"), gr.Row():
            self.temperature = gr.Slider(
                *(0, HOTTEST, DEFAULT_SAMPLING.temperature),
                step=0.05,
                label="Temperature",
                info="0 takes the likeliest",
                buttons=[],
            )
            self.top_k = gr.Slider(
                *(0, 100, DEFAULT_SAMPLING.top_k or 0),
                step=1,
                label="Top-k",
                info="Of the k likeliest; 0: of all",
                buttons=[],
            )
            self.top_p = gr.Slider(
                *(0.05, 1, DEFAULT_SAMPLING.top_p),
                step=0.05,
                label="Top-p",
                info="Of the likeliest that make up p",
                buttons=[],
            )
            self.seed = gr.Number(
                RANDOM,
                label="Seed",
                info="Same seed, same tune; -1: a random one",
                precision=0,
                minimum=RANDOM,
                maximum=MOST_SEED,
                elem_id="melody-seed",
            )

    def _connect(self) -> None:
        wish = [self.notes, self.length, self.temperature, self.top_k, self.top_p, self.seed]
        wish += [self.key, self.metre, self.stop]
        writing: dict[str, Any] = {
            "outputs": [
                *(self.said, self.roll, self.status, self.made, self.seed),
                *self.result.outputs,
                *self.look.outputs,
            ],
            "show_progress": "hidden",
            "concurrency_limit": CONCURRENT_TUNES,
            "concurrency_id": "melody",
            "api_visibility": "private",
        }
        light: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        given = [self.made, self.tempo, *wish]
        self.look.refresh(self.carry_on.click(self.on_carry_on, given, **writing))
        self.look.refresh(self.another.click(self.on_another, given, **writing))
        going_on = self.look.go_on.click(
            self.on_go_on, [self.made, self.look.note], self.notes, **light | {"queue": True}
        )
        self.look.refresh(going_on.success(self.on_carry_on, given, **writing))
        self.halt.click(self.on_stop, self.made, **light)
        self.picker.select(self.pick, outputs=[self.notes, self.key, self.metre, self.tempo], **light)
        typed = [self.notes, self.metre, self.length, self.made, self.said]
        for changed in (self.notes.change, self.metre.input, self.length.release):
            changed(
                self.on_typed,
                typed,
                [self.said, self.roll, self.status],
                trigger_mode="always_last",
                **light,
            )
        self.tempo.release(
            self.on_tempo, [self.made, self.tempo], self.result.outputs, **light | {"queue": True}
        )
        asked = [self.notes, self.length, self.temperature, self.top_k, self.top_p]
        GenerateEndpoint(self.model, self.repertoire, asked, [self.key, self.metre])

    # What the visitor does ------------------------------------------------------------------------------

    def on_carry_on(self, made: Composition | None, tempo: int, *wish: Any) -> Iterator[Updates]:
        """Write a tune and show it while it is written."""
        yield from self._write(made, tempo, Wish(*wish))

    def on_another(self, made: Composition | None, tempo: int, *wish: Any) -> Iterator[Updates]:
        """The same with the next seed."""
        asked = Wish(*wish)
        given = asked.seed not in {None, RANDOM}
        seed = asked.seed if made is None else (made.seed + 1) % (MOST_SEED + 1)
        for updates in self._write(made, tempo, replace(asked, seed=seed)):
            yield updates | ({self.seed: seed} if given else {})

    def on_go_on(self, made: Composition | None, note: int) -> str:
        """What there is up to the chosen note becomes what is to be carried on."""
        if made is None:
            raise refusal("There is no tune to go on from yet: press “Carry it on” first.")
        text, left_out = made.up_to(int(note))
        if left_out:
            gr.Info(
                f"Of {int(note)} notes the first {left_out} are left out: {MOST_NOTES} can be carried on."
            )
        return text

    def on_stop(self, made: Composition | None) -> None:
        """End the tune with what is there."""
        if made is not None:
            made.is_stopped = True

    def pick(self, event: gr.EventData) -> list[Update]:
        """A beginning was chosen."""
        preset = PRESETS[event.index]
        return [preset.notes, preset.key, preset.metre, preset.tempo]

    def on_typed(
        self, text: str, metre: str, length: float, made: Composition | None, said: str
    ) -> list[Update]:
        """The notes were changed: show them, or whose tune there is, and warn of what was never heard.

        What cannot be read may be half typed, so it is named only where an error stands already.
        """
        try:
            notes = parse(text)
        except NoteError as error:
            problem = render("melody_said", problem=str(error)) if PROBLEM in said else gr.skip()
            return [problem, gr.skip(), gr.skip()]
        warnings = self._warnings(notes)
        if made is None:
            return [warnings, _roll(notes, len(notes), int(length), metre), gr.skip()]
        return [warnings, gr.skip(), self._whose(made, notes)]

    def on_tempo(self, made: Composition | None, tempo: int) -> Updates:
        """The tune is to be heard faster or slower."""
        return self.result.show(made, int(tempo)) if made is not None and made.row.notes else gr.skip()

    # What the page shows --------------------------------------------------------------------------------

    def _write(self, before: Composition | None, tempo: int, wish: Wish) -> Iterator[Updates]:
        try:
            composition = Composition(wish.request())
        except ValueError as error:
            yield {self.said: render("melody_said", problem=str(error))}
            return
        if before is not None:
            before.is_stopped = before.is_superseded = True
        yield {
            self.said: self._warnings(list(composition.request.notes)),
            self.made: composition,
            **self._progress(composition),
        }
        drawn = perf_counter()
        for _ in composition.batches(self.model):
            if composition.is_superseded:
                return
            pause = SHORTEST_PAUSE_S + PAUSE_S_PER_NOTE * len(composition.row.notes)
            if perf_counter() - drawn >= pause:
                drawn = perf_counter()
                yield self._progress(composition)
        yield self._done(composition)
        yield self.result.show(composition, int(tempo)) | self.look.show(composition)

    def _progress(self, made: Composition) -> Updates:
        status = render(
            "melody_status", writing=True, written=len(made.row.notes), length=made.request.length
        )
        return {self.roll: _composed(made, made.request.length), self.status: status}

    def _done(self, made: Composition) -> Updates:
        return {self.roll: _composed(made), self.status: self._told(made)}

    def _told(self, made: Composition, of_other_notes: bool = False) -> str:
        return render(
            "melody_status",
            written=len(made.row.notes),
            took=made.seconds,
            speed=made.tokens_per_second,
            seed=made.seed,
            ended=made.row.ended,
            stopped=made.is_stopped,
            of_other_notes=of_other_notes,
        )

    def _whose(self, made: Composition, notes: list[Note]) -> Update:
        """Whether the tune carries on these notes, once it is written."""
        return self._told(made, notes != made.request.notes) if made.is_written else gr.skip()

    def _warnings(self, notes: list[Note]) -> str:
        return render("melody_said", warnings=self.repertoire.warnings(notes))


def _roll(notes: list[Note], n_seed: int, length: int, metre: str = "4/4") -> go.Figure:
    """Notes with room for those to come."""
    end = sum((note.length for note in notes[:n_seed]), length * DEFAULT_LENGTH)
    return piano_roll(notes, n_seed, METRES_BY_NAME[metre], x_end=end)


def _composed(made: Composition, length: int = 0) -> go.Figure:
    """The tune so far, with room for `length` notes in all after the given ones."""
    return _roll(made.notes, made.n_seed, length, made.request.metre.name)
