"""How good the models of words are, on what was held out."""

from collections.abc import Mapping

import gradio as gr

from genre_models.plots.look import MODEL, TEXT
from genre_models.plots.words import scores
from genre_models.ui.html import render
from genre_models.ui.widgets import plain_html
from genre_models.words_measured import MeasuredText, MeasuredTranslation, Score, WordsMeasured

TITLES = {
    "greedy": "Transformer, greedy",
    "beam search": "Transformer, beam",
    "nearest training phrase": "nearest phrase",
    "copy of the source": "English copied",
    "transformer": "Transformer",
}
AGAINST = {
    "nothing": "Nothing",
    "unlikely pieces": "Unlikely pieces",
    "unseen words": "Half of the words never seen",
}


def build_scores(measured: WordsMeasured) -> None:
    """A card with a figure for each measure."""
    with gr.Column(elem_classes="words-card", elem_id="words-scores"):
        plain_html(render("words_scores"))
        if measured.translation is not None:
            _translation(measured.translation)
        if measured.text is not None:
            _text(measured.text)


def _translation(measured: MeasuredTranslation) -> None:
    plain_html(render("words_scores_translation", measured=measured, titles=TITLES))
    with gr.Row(elem_classes="look-maps"):
        for by_system, measure in ((measured.chrf, "chrF (0 to 100)"), (measured.bleu, "BLEU (0 to 100)")):
            with gr.Column(min_width=300):
                _plot(by_system, TITLES, measure)
    plain_html(render("words_scores_doubt", measured=measured, against=AGAINST))


def _text(measured: MeasuredText) -> None:
    titles = TITLES | {"n-gram": f"{measured.order}-gram"}
    plain_html(render("words_scores_text", measured=measured, titles=titles))
    with gr.Row(elem_classes="look-maps"):
        for by_system, unit in ((measured.per_word, "word"), (measured.per_piece, "piece")):
            with gr.Column(min_width=300):
                _plot(by_system, titles, f"Perplexity per {unit} (less is better)")


def _plot(by_system: Mapping[str, Score], titles: Mapping[str, str], measure: str) -> None:
    named = {titles.get(name, name): score for name, score in by_system.items()}
    colours = {name: MODEL if name.startswith("Transformer") else TEXT for name in named}
    gr.Plot(scores(named, colours, measure), show_label=False, container=False, buttons=[])
