"""The first half of the Words tab: a phrase and its translation, and which words looked at which."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import gradio as gr

from genre_models.plots.look import percent
from genre_models.plots.words import WordMaps
from genre_models.ui.heads import ALL
from genre_models.ui.html import render
from genre_models.ui.widgets import TRIGGER_SELECT, plain_html
from genre_models.ui.words_api import CONCURRENT_WORDS, TranslateEndpoint
from genre_models.ui.words_look import CHOICES, CROSS, ENCODER, MASKED, Kind, LookPanel
from genre_models.ui.words_uses import translation_use
from genre_models.words import Translation, TranslationTransformer, WordsError, translate
from genre_models.words.asking import MOST_CHARACTERS
from genre_models.words.model import LANGUAGES
from genre_models.words_measured import Example, MeasuredTranslation
from genre_models.worker import in_the_back

FEWEST_WORDS = 5
LIVE = "element.ariaLive = 'polite';"
EXACT = "letter by letter"
FIRST = "Please enter a valid date."

Update = Any
Updates = dict[Any, Update]


class TranslatePanel:
    """What a visitor types, what comes of it, and the attention; `use` is where the lesson shows it.

    What was measured of the model brings phrases that it did not learn from, and the head to look at first.
    """

    def __init__(
        self, model: TranslationTransformer, measured: MeasuredTranslation | None, use: gr.HTML
    ) -> None:
        self.model, self.measured, self.use = model, measured, use
        self.examples = measured.examples if measured else ()
        self.language = LANGUAGES.get(model.language or "", "Target")
        self.made = gr.State(None)
        self.shown = gr.State(0)
        with gr.Row(elem_classes="words-pair", elem_id="translate"):
            with gr.Column(scale=5, min_width=300, elem_classes="words-ask"):
                self._build_question()
            with gr.Column(scale=7, min_width=300, elem_classes="words-card"):
                self.answer = plain_html(
                    render("words_waiting"), elem_id="translate-answer", js_on_load=CHOICES + LIVE
                )
        with gr.Column(visible=False, elem_classes="words-card", elem_id="translate-looks") as self.card:
            pointer = measured.pointer if measured else None
            explain = render("words_how", written=self.language, read="English ones", pointer=pointer)
            first = (pointer.layer + 1, pointer.head + 1) if pointer else (ALL, ALL)
            self.look = LookPanel("translate", _kinds(self.language), model, explain, first)

    def _build_question(self) -> None:
        plain_html(render("words_translate", facts=self.model.card_facts(), measured=self.measured))
        self.text = gr.Textbox(
            _opening(self.examples),
            label="English",
            lines=1,
            max_lines=6,
            max_length=MOST_CHARACTERS,
            elem_id="translate-text",
        )
        self.go = gr.Button("Translate", variant="primary", elem_id="translate-go")
        self.picker = plain_html(
            _choices(self.examples) if self.examples else "",
            elem_id="translate-examples",
            js_on_load=TRIGGER_SELECT,
        )

    def connect(self, opened: Callable[..., Any]) -> None:
        """`opened` is the event of the tab's being opened, at which there is something to see."""
        light: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        working = light | {"concurrency_limit": CONCURRENT_WORDS, "concurrency_id": "words"}
        given = [self.text, *self.look.inputs]
        outputs = [self.made, self.shown, self.answer, self.card, self.use, *self.look.outputs]
        for asked in (self.go.click, self.text.submit):
            asked(self.on_translate, given, outputs, **working)
        self.picker.select(self.on_example, None, self.text, queue=False, **light).success(
            self.on_translate, given, outputs, **working
        )
        opened(self.on_open, [self.made, *given], outputs, **working)
        self.answer.select(
            self.on_candidate,
            [self.made, *self.look.inputs],
            [self.shown, self.answer, self.use, *self.look.outputs],
            **working,
        )
        self.look.connect([self.made, self.shown], self._maps)
        TranslateEndpoint(self.model, self.text)

    # What the visitor does ------------------------------------------------------------------------------

    def on_open(self, made: Translation | None, text: str, kind: str, layer: int, head: int) -> Updates:
        """The tab was opened: translate what stands there, unless something was translated before."""
        return gr.skip() if made is not None else self.on_translate(text, kind, layer, head)

    def on_example(self, event: gr.EventData) -> str:
        """An example was picked."""
        return self.examples[event.index].source

    def on_translate(self, text: str, kind: str, layer: int, head: int) -> Updates:
        """Translate, and show what looked at what."""
        began = perf_counter()
        try:
            made = in_the_back(lambda: translate(self.model, text))
        except WordsError as error:
            return {
                self.answer: render("words_answer", problem=str(error)),
                self.card: gr.Column(visible=False),
            }
        took_ms = 1000 * (perf_counter() - began)
        return {
            self.made: made,
            self.shown: 0,
            self.answer: self._answer(made, 0, took_ms),
            self.card: gr.Column(visible=bool(made.best.cut.ids)),
            self.use: translation_use(made, 0, self.language),
        } | self._look(made, 0, kind, layer, head)

    def on_candidate(
        self, made: Translation | None, kind: str, layer: int, head: int, event: gr.EventData
    ) -> Updates:
        """Another of the likeliest translations is to be looked at."""
        if made is None or event.index >= len(made.candidates):
            return gr.skip()
        return {
            self.shown: event.index,
            self.answer: self._answer(made, event.index),
            self.use: translation_use(made, event.index, self.language),
        } | self._look(made, event.index, kind, layer, head)

    # What the panel shows -------------------------------------------------------------------------------

    def _answer(self, made: Translation, shown: int, took_ms: float | None = None) -> str:
        references = {example.source: example.reference for example in self.examples}
        return render(
            "words_answer",
            language=self.language,
            code=self.model.language,
            candidates=made.candidates,
            shown=shown,
            doubt=made.doubt,
            reference=references.get(made.source.text),
            warnings=made.warnings,
            percent=percent,
            took=took_ms,
        )

    def _look(self, made: Translation, shown: int, kind: str, layer: int, head: int) -> Updates:
        maps = self._maps(made, shown)
        return {} if maps is None else self.look.show(maps, kind, layer, head)

    def _maps(self, made: Translation | None, shown: int) -> dict[str, WordMaps] | None:
        if made is None:
            return None
        candidate = made.candidates[shown]
        looks = in_the_back(lambda: made.looks_for(candidate))
        return None if looks is None else self.look.maps(looks, made.source, candidate.cut)


def _opening(examples: Sequence[Example]) -> str:
    """The sentence whose translation comes closest to what its translators wrote."""
    sentences = [one for one in examples if len(one.source.split()) >= FEWEST_WORDS]
    return max(sentences, key=lambda one: one.likeness).source if sentences else FIRST


def _choices(examples: Sequence[Example]) -> str:
    exact = sum(example.is_exact for example in examples)
    words = (
        f"The first {len(examples)} of those held out, as they came, good and bad. Letter by letter as their "
        f"translators wrote: {exact}. The tab opens with the sentence that came closest."
    )
    return render(
        "words_examples",
        id="translate-examples",
        title="Phrases it did not learn from",
        words=words,
        examples=[(example.source, EXACT if example.is_exact else "") for example in examples],
    )


def _kinds(language: str) -> dict[str, Kind]:
    written = f"{language}, written"
    return {
        CROSS: Kind(f"Cross: {language} at English", written, "English, read"),
        MASKED: Kind(f"Masked: {language} at {language} before", written, f"{language}, written before"),
        ENCODER: Kind("Encoder: English at itself", "English, looks", "English, is looked at"),
    }
