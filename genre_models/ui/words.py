"""The Words tab: the melody's Transformer on words, which translates a phrase and carries a text on."""

from typing import Any

import gradio as gr
import plotly.graph_objects as go

from genre_models.ui.html import panel, render
from genre_models.ui.widgets import plain_html
from genre_models.ui.words_continue import ContinuePanel
from genre_models.ui.words_scores import build_scores
from genre_models.ui.words_translate import TranslatePanel
from genre_models.ui.words_uses import melody_use, passage_use
from genre_models.words import TextTransformer, TranslationTransformer
from genre_models.words_measured import WordsMeasured

NO_MODEL = (
    "There are no trained models of words yet",
    "Train them with “python train.py translate” and “python train.py text”, then start the app again.",
)


class WordsTab:
    """All sections from top to bottom; those that there is no model for are left out."""

    def __init__(
        self,
        tab: gr.Tab,
        translation: TranslationTransformer | None,
        text: TextTransformer | None,
        measured: WordsMeasured,
    ) -> None:
        if translation is None and text is None:
            plain_html(panel(*NO_MODEL))
            return
        self.plotly = gr.Plot(visible="hidden", show_label=False, container=False)
        with gr.Column(elem_id="words"):
            plain_html(render("words_intro"))
            self._build(tab, translation, text, measured)
        tab.select(
            go.Figure, None, self.plotly, queue=False, show_progress="hidden", api_visibility="private"
        )

    def _build(
        self,
        tab: gr.Tab,
        translation: TranslationTransformer | None,
        text: TextTransformer | None,
        measured: WordsMeasured,
    ) -> None:
        passages = measured.text.examples[:1] if measured.text else ()
        prose = passage_use(text.vocabulary, passages[0]) if text is not None and passages else ""
        uses: dict[str, Any] = {
            name: gr.HTML(value, render=False, apply_default_css=False, elem_classes="use-place")
            for name, value in (("translation", ""), ("text", prose), ("music", melody_use()))
        }
        if translation is not None:
            translating = TranslatePanel(translation, measured.translation, uses["translation"])
            translating.connect(tab.select)
        if text is not None:
            continuing = ContinuePanel(text, measured.text, uses["text"])
            continuing.connect()
        with gr.Column(elem_classes="words-card", elem_id="words-uses"):
            plain_html(render("words_three"))
            for use in uses.values():
                use.render()
        if measured != WordsMeasured():
            build_scores(measured)
