"""The second half of the Words tab: a text carried on, piece by piece, and why these pieces."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import sleep
from typing import Any

import gradio as gr

from genre_models.plots.probabilities import next_word
from genre_models.plots.words import WordMaps
from genre_models.sampling import HOTTEST, MOST_SEED, RANDOM
from genre_models.ui.html import render
from genre_models.ui.inside_figure import drawing, drawn
from genre_models.ui.widgets import TRIGGER_SELECT, plain_html
from genre_models.ui.words_api import CONCURRENT_WORDS, ContinueEndpoint, begin
from genre_models.ui.words_look import CHOICES, CROSS, ENCODER, MASKED, Kind, LookPanel
from genre_models.ui.words_uses import SPACE, text_use
from genre_models.words import Continuation, NextPiece, TextTransformer
from genre_models.words.asking import MOST_CHARACTERS, MOST_PIECES
from genre_models.words.continue_text import DEFAULT_SAMPLING
from genre_models.words_measured import MeasuredText, Passage
from genre_models.worker import in_the_back

BEGINNING = "It was a cold morning, and the old man"
SHORTEST, USUAL = 8, 40
STATUS = "element.role = 'status';"
MOST_PASSAGES = 5
PAUSE_S = 0.04
"""Between pieces: faster than it can be read, a text cannot be stopped either."""
PART = "part of a letter"
KINDS = {
    CROSS: Kind("Cross: the new words at what was read", "Written", "Read"),
    MASKED: Kind("Masked: the new words at those before", "Written", "Written before"),
    ENCODER: Kind("Encoder: what was read at itself", "Read, looks", "Read, is looked at"),
}

Update = Any
Updates = dict[Any, Update]


@dataclass
class Written:
    """A text on its way: `given` by the visitor, and what the model has written so far.

    Setting `is_stopped` ends it after the piece at hand; `is_superseded` says that nobody waits for it.
    """

    given: str
    continuation: Continuation
    steps: list[NextPiece] = field(default_factory=list)
    is_stopped: bool = False
    is_superseded: bool = False

    @property
    def is_cut_off(self) -> bool:
        """Whether the text ends where the model would have gone on, perhaps within a word."""
        return self.is_stopped or len(self.steps) >= self.continuation.length

    def pieces(self) -> Iterator[None]:
        """Write on; yields after every piece."""
        steps = iter(self.continuation)
        while not self.is_stopped and (step := in_the_back(lambda: next(steps, None))) is not None:
            self.steps.append(step)
            yield

    @property
    def words(self) -> list[list[tuple[int, NextPiece]]]:
        """The pieces by words, each with its number; those without letters are left out."""
        cut = self.continuation.target.words
        numbered = list(enumerate(self.steps))
        words = [[one for one in numbered[word.first : word.last] if one[1].piece] for word in cut]
        return [word for word in words if word]


class ContinuePanel:
    """What a visitor types, the text while it is written, and why; `use` is where the lesson shows it.

    What was measured of the model brings passages of its books that it did not learn from.
    """

    def __init__(self, model: TextTransformer, measured: MeasuredText | None, use: gr.HTML) -> None:
        self.model, self.measured, self.use = model, measured, use
        self.passages = measured.examples[:MOST_PASSAGES] if measured else ()
        self.made = gr.State(None)
        with gr.Row(elem_classes="words-pair", elem_id="continue"):
            with gr.Column(scale=5, min_width=300, elem_classes="words-ask"):
                self._build_question()
            with gr.Column(scale=7, min_width=300, elem_classes="words-card"):
                self.prose = plain_html(
                    render("words_text", words=[]), elem_id="continue-prose", js_on_load=CHOICES
                )
                self.status = plain_html(elem_id="continue-status", js_on_load=STATUS)
                self.chosen = plain_html()
                self.chances = drawing("continue-chances", 0)
        with gr.Accordion(
            "Where the model looked: attention", open=False, visible=False, elem_id="continue-looks"
        ) as self.fold:
            explain = render("words_how", written="new", read="words that were read")
            self.look = LookPanel("continue", KINDS, model, explain)

    def _build_question(self) -> None:
        plain_html(render("words_continue", facts=self.model.card_facts(), measured=self.measured))
        self.text = gr.Textbox(
            BEGINNING,
            label="Your beginning",
            lines=2,
            max_lines=8,
            max_length=MOST_CHARACTERS,
            elem_id="continue-text",
        )
        with gr.Row(elem_id="continue-buttons"):
            self.go = gr.Button("Continue", variant="primary", elem_id="continue-go", scale=2, min_width=90)
            self.another = gr.Button("Another one", elem_id="continue-another", scale=2, min_width=100)
            self.halt = gr.Button("Stop", elem_id="continue-stop", scale=1, min_width=60)
        with gr.Column(elem_id="continue-settings"):
            self._build_settings()
            self.picker = plain_html(
                _choices(self.passages) if self.passages else "",
                elem_id="continue-passages",
                js_on_load=TRIGGER_SELECT,
            )

    def _build_settings(self) -> None:
        with gr.Row():
            self.length = gr.Slider(
                *(SHORTEST, MOST_PIECES, USUAL), step=1, label="Word pieces to add", min_width=190, buttons=[]
            )
            self.temperature = gr.Slider(
                *(0, HOTTEST, DEFAULT_SAMPLING.temperature),
                step=0.05,
                label="Temperature",
                info="0 takes the likeliest",
                min_width=190,
                buttons=[],
            )
        with gr.Row():
            self.top_p = gr.Slider(
                *(0.05, 1, DEFAULT_SAMPLING.top_p),
                step=0.05,
                label="Top-p",
                info="Of the likeliest that make up p",
                min_width=190,
                buttons=[],
            )
            self.seed = gr.Number(
                RANDOM,
                label="Seed",
                info="Same seed, same text; -1: a random one",
                precision=0,
                minimum=RANDOM,
                maximum=MOST_SEED,
                min_width=190,
                elem_id="continue-seed",
            )

    def connect(self) -> None:
        """What happens when the widgets are used."""
        light: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        working = light | {"concurrency_limit": CONCURRENT_WORDS, "concurrency_id": "words"}
        asked = [self.text, self.length, self.temperature, self.top_p]
        given = [self.made, *asked, self.seed, *self.look.inputs]
        of_piece = [self.prose, self.chosen, self.chances]
        outputs = [self.made, self.seed, self.status, *of_piece, self.fold, self.use, *self.look.outputs]
        for press in (self.go.click, self.text.submit):
            press(self.on_continue, given, outputs, **working)
        self.picker.select(self.on_passage, None, self.text, queue=False, **light).success(
            self.on_continue, given, outputs, **working
        )
        self.another.click(self.on_another, given, outputs, **working)
        self.halt.click(self.on_stop, self.made, queue=False, **light)
        self.prose.select(self.on_piece, self.made, of_piece, **working)
        self.look.connect([self.made], self._maps)
        ContinueEndpoint(self.model, asked)

    # What the visitor does ------------------------------------------------------------------------------

    def on_continue(self, before: Written | None, *asked: Any) -> Iterator[Updates]:
        """Write, and show the text while it is written."""
        text, length, temperature, top_p, seed, *look = asked
        try:
            continuation = begin(self.model, text, int(length), temperature, top_p, seed)
        except ValueError as error:
            yield {self.status: render("words_status", problem=str(error))}
            return
        if before is not None:
            before.is_stopped = before.is_superseded = True
        made = Written(text.strip(), continuation)
        yield {self.made: made, **self._progress(made)}
        for _ in made.pieces():
            yield self._progress(made)
            sleep(PAUSE_S)
        if not made.is_superseded:
            yield self._done(made, look)

    def on_another(self, before: Written | None, *asked: Any) -> Iterator[Updates]:
        """The same with the next seed."""
        *rest, seed, kind, layer, head = asked
        given = seed is not None and seed != RANDOM
        if before is not None:
            seed = (before.continuation.sampling.seed + 1) % (MOST_SEED + 1)
        for updates in self.on_continue(before, *rest, seed, kind, layer, head):
            yield updates | ({self.seed: seed} if given else {})

    def on_passage(self, event: gr.EventData) -> str:
        """A beginning from the books was picked."""
        return self.passages[event.index].given

    def on_stop(self, made: Written | None) -> None:
        """End the text with what is there."""
        if made is not None:
            made.is_stopped = True

    def on_piece(self, made: Written | None, event: gr.EventData) -> Updates:
        """A piece of the text was chosen."""
        if made is None or event.index >= len(made.steps):
            return gr.skip()
        return self._chances(made, event.index)

    # What the panel shows -------------------------------------------------------------------------------

    def _progress(self, made: Written) -> Updates:
        return {
            self.prose: render("words_text", made=made, words=made.words, writing=True),
            self.status: render("words_status", made=made, writing=True),
        }

    def _done(self, made: Written, look: list[Any]) -> Updates:
        updates = {
            self.status: render("words_status", made=made, goes_on=self._goes_on(made)),
            self.fold: gr.Accordion(visible=bool(made.words)),
            self.use: text_use(made.continuation),
        }
        maps = self._maps(made)
        if maps is None:
            return updates | {self.prose: render("words_text", made=made, words=[])}
        return updates | self._chances(made, len(made.steps) - 1) | self.look.show(maps, *look)

    def _goes_on(self, made: Written) -> str | None:
        """How the book goes on from what was given, if that is from one of the books."""
        return next((one.real.strip() for one in self.passages if one.given == made.given), None)

    def _chances(self, made: Written, place: int) -> Updates:
        step = made.steps[place]
        likely = {_label(piece): share for piece, share in reversed(step.likeliest)}
        chosen = _label(step.piece)
        figure = next_word(likely | {chosen: step.probability}, chosen)
        return {
            self.prose: render("words_text", made=made, words=made.words, shown=place),
            self.chosen: render("words_chosen", place=place + 1, chosen=chosen, space=SPACE),
            self.chances: drawn(figure),
        }

    def _maps(self, made: Written | None) -> dict[str, WordMaps] | None:
        if made is None:
            return None
        continuation = made.continuation
        looks = in_the_back(continuation.looks)
        return None if looks is None else self.look.maps(looks, continuation.source, continuation.target)


def _choices(passages: Sequence[Passage]) -> str:
    return render(
        "words_examples",
        id="continue-passages",
        title="Passages held out of these books",
        words="It did not learn from them, though it did from other pages of the same books. These are the "
        f"first {len(passages)}, as they came.",
        examples=[(passage.given, "") for passage in passages],
    )


def _label(piece: str) -> str:
    """As it is shown beside its probability: a space is a dot."""
    return piece.replace(" ", SPACE).replace("\n", "↵") or PART
