"""The panels of the Words tab and its endpoints, with models that were never trained."""

import json
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch

from genre_models.attention_maps import chosen_map
from genre_models.ui import words_continue, words_uses
from genre_models.ui.words import WordsTab
from genre_models.ui.words_api import ContinueEndpoint, TranslateEndpoint
from genre_models.ui.words_continue import ContinuePanel, Written
from genre_models.ui.words_look import MASKED
from genre_models.ui.words_translate import TranslatePanel
from genre_models.words import TextTransformer, TranslationTransformer, Vocabulary, translate
from genre_models.words_measured import Example, MeasuredTranslation, Passage, Pointer, Score, WordsMeasured

PHRASES = ["Save the file.", "Open a new file.", "Enregistrer le fichier.", "Ouvrir un nouveau fichier."]
SIZES: dict[str, Any] = {"d_model": 16, "heads": 2, "encoder_layers": 1, "decoder_layers": 2, "d_ff": 32}
SEEN = frozenset({"save", "open", "the", "a", "new", "file"})
LOOK = ("cross", 0, 0)
ASKED = ("Save the", 12, 1.0, 1.0, 3, *LOOK)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.learn(PHRASES, 320)


@pytest.fixture(scope="module")
def translator(vocabulary: Vocabulary) -> TranslationTransformer:
    """One that was never trained; its seed is one with four different candidates."""
    torch.manual_seed(0)
    return TranslationTransformer(len(vocabulary), "fr", **SIZES).with_words(vocabulary, SEEN)


@pytest.fixture(scope="module")
def writer(vocabulary: Vocabulary) -> TextTransformer:
    """One that was never trained."""
    torch.manual_seed(0)
    return TextTransformer(len(vocabulary), **SIZES).with_words(vocabulary, SEEN)


@pytest.fixture(scope="module")
def translating(translator: TranslationTransformer) -> TranslatePanel:
    with gr.Blocks():
        return TranslatePanel(translator, None, gr.HTML())


@pytest.fixture(scope="module")
def continuing(writer: TextTransformer) -> ContinuePanel:
    with gr.Blocks():
        return ContinuePanel(writer, None, gr.HTML())


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting for readers."""
    monkeypatch.setattr(words_continue, "PAUSE_S", 0)


def named(updates: dict[Any, Any]) -> dict[str, Any]:
    """Updates by the ids of what they change."""
    return {getattr(widget, "elem_id", None) or str(widget): value for widget, value in updates.items()}


def test_without_weights_the_tab_says_how_to_get_them() -> None:
    with gr.Blocks() as page, gr.Tab("Words") as tab:
        WordsTab(tab, None, None, WordsMeasured())
    assert "train.py translate" in json.dumps(page.get_config_file())


def test_one_model_is_enough(translator: TranslationTransformer) -> None:
    with gr.Blocks() as page, gr.Tab("Words") as tab:
        WordsTab(tab, translator, None, WordsMeasured())
    names = {function.api_name for function in page.fns.values() if function.api_visibility == "public"}
    assert names == {"translate"}


def test_a_translation_comes_with_its_rivals_warnings_and_attention(translating: TranslatePanel) -> None:
    shown = named(translating.on_translate("Save the zorblax.", *LOOK))
    assert shown["translate-answer"].count("<li>") == 4
    assert "zorblax" in shown["translate-answer"]
    bands = json.loads(shown["translate-ribbon"])
    assert bands["keys"] == ["Save", "the", "zorblax."]
    weights = np.array(bands["weights"])
    assert weights.shape == (len(bands["queries"]), 3)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-3)
    assert json.loads(shown["translate-map"])["layout"]["meta"]["alt"].startswith("Attention map")


def test_the_tab_opens_with_the_held_out_sentence_that_came_closest(
    translator: TranslationTransformer,
) -> None:
    phrases = [("Save", "a"), ("Open a new file for me", "x"), ("Save the file here and now", "abcd")]
    examples = [Example(source, "abcde", translation) for source, translation in phrases]
    scores = {"beam search": Score(1, 0, 2)}
    measured = MeasuredTranslation(
        {"train": 9, "test": 3}, {}, scores, scores, {}, examples, Pointer(1, 0, 0.5, 8), 0.6, {}
    )
    with gr.Blocks():
        panel = TranslatePanel(translator, measured, gr.HTML())
    assert panel.text.value == "Save the file here and now"
    assert panel.picker.value.count("<li>") == 3
    assert [field.value for field in panel.look.choice.fields] == [2, 1]
    event: Any = SimpleNamespace(index=1)
    assert panel.on_example(event) == "Open a new file for me"
    answer = named(panel.on_translate("Save", *LOOK))["translate-answer"]
    assert "abcde" in answer


def test_another_candidate_can_be_looked_at(
    translating: TranslatePanel, translator: TranslationTransformer
) -> None:
    made = translate(translator, "Save the file.")
    event: Any = SimpleNamespace(index=1)
    shown = named(translating.on_candidate(made, *LOOK, event))
    written = [word.text for word in made.candidates[1].cut.words]
    assert json.loads(shown["translate-ribbon"])["queries"] == written
    event.index = 9
    assert translating.on_candidate(made, *LOOK, event) == gr.skip()


def test_masked_attention_begins_at_the_start_and_is_blank_where_words_were_to_come(
    translating: TranslatePanel, translator: TranslationTransformer
) -> None:
    made = translate(translator, "Save the file.")
    assert made.looks is not None
    masked = translating.look.maps(made.looks, made.source, made.best.cut)[MASKED]
    assert masked.keys.labels[0] == "(start)"
    weights = chosen_map(masked.layers, 1, 0)
    assert weights.shape == (len(masked.queries.labels), len(masked.keys.labels))
    assert np.isfinite(weights[:, 0]).all()
    rows, columns = np.triu_indices(len(weights), k=2, m=weights.shape[1])
    assert np.isnan(weights[rows, columns]).all()
    np.testing.assert_allclose(np.nansum(weights, axis=1), 1, atol=1e-5)


def test_what_cannot_be_read_is_refused_where_the_answer_would_stand(
    translating: TranslatePanel, continuing: ContinuePanel
) -> None:
    shown = named(translating.on_translate(" ", *LOOK))
    assert 'role="alert"' in shown["translate-answer"]
    assert "type a few words" in shown["translate-answer"]
    (refused,) = continuing.on_continue(None, "", *ASKED[1:])
    assert "type a few words" in named(refused)["continue-status"]


def test_a_text_is_shown_piece_by_piece_and_its_last_piece_explained(continuing: ContinuePanel) -> None:
    updates = [named(one) for one in continuing.on_continue(None, *ASKED)]
    counts = [one["continue-prose"].count("data-index") for one in updates]
    assert counts == sorted(counts)
    assert counts[0] == 0
    *_, last = updates
    assert 'aria-current="true"' in last["continue-prose"]
    chances = json.loads(last["continue-chances"])
    assert any(text.startswith("▶") for text in chances["layout"]["yaxis"]["ticktext"])
    assert json.loads(last["continue-ribbon"])["keys"] == ["Save", "the"]


def test_a_text_can_be_stopped(continuing: ContinuePanel) -> None:
    writing: Iterator[dict[Any, Any]] = continuing.on_continue(None, *ASKED)
    made: Written = next(writing)[continuing.made]
    next(writing)
    continuing.on_stop(made)
    *_, last = (named(one) for one in writing)
    assert "You stopped it here" in last["continue-status"]
    assert len(made.steps) < 12


def test_another_text_has_the_next_seed_and_silences_the_one_before(continuing: ContinuePanel) -> None:
    first = continuing.on_continue(None, *ASKED)
    before: Written = next(first)[continuing.made]
    updates = list(continuing.on_another(before, *ASKED))
    assert updates[0][continuing.made].continuation.sampling.seed == 4
    assert updates[-1][continuing.seed] == 4
    assert not list(first)


def test_the_three_uses_are_fed_what_they_must_say_one_place_later(
    translator: TranslationTransformer, continuing: ContinuePanel
) -> None:
    *_, last = continuing.on_continue(None, *ASKED)
    uses = [
        words_uses.translation_use(translate(translator, "Save the file."), 0, "French"),
        words_uses.melody_use(),
        last[continuing.use],
    ]
    rows = [[re.findall("<td>(.*?)</td>", row) for row in use.split("<tr")[1:]] for use in uses]
    for fed, foretold in rows:
        assert fed[0] == "start"
        assert fed[1:] == foretold[:-1]
    assert [foretold[-1] == "end" for _, foretold in rows] == [True, False, False]


def test_before_anything_is_written_a_passage_shows_how_text_is_laid_out(vocabulary: Vocabulary) -> None:
    shown = words_uses.passage_use(vocabulary, Passage("Save the", ". Open a file"))
    assert "".join(re.findall("<span>(.*?)</span>", shown)) == "Save·the"
    fed, foretold = (re.findall("<td>(.*?)</td>", row) for row in shown.split("<tr")[1:])
    assert fed == ["start", *foretold[:-1]]
    assert "".join(foretold) == ".·Open·a·file"


def test_a_translation_in_doubt_says_so_and_one_that_is_sure_does_not(
    translating: TranslatePanel, translator: TranslationTransformer
) -> None:
    made = translate(translator, "Save zorblax")
    assert made.doubt is not None
    shown = translating._answer(made, 0)
    assert "is-unsure" in shown
    assert "Not sure." in shown


def test_a_text_that_was_cut_off_ends_in_three_dots(continuing: ContinuePanel) -> None:
    *_, last = (named(one) for one in continuing.on_continue(None, *ASKED))
    assert last["continue-prose"].rstrip().endswith("</span>…</p>")


def test_the_endpoints_answer_with_what_the_page_shows(
    translator: TranslationTransformer, writer: TextTransformer
) -> None:
    with gr.Blocks():
        translating = TranslateEndpoint(translator, gr.Textbox())
        continuing = ContinueEndpoint(writer, [gr.Textbox(), gr.Number(), gr.Number(), gr.Number()])
    answer = translating.translate("Save the file.")
    assert answer["translation"] == answer["candidates"][0]["text"]
    assert answer["language"] == "fr"
    first, again = (continuing.continue_text("Save the", 12, 1.0, 1.0, 5) for _ in range(2))
    assert first == again
    assert first["seed"] == 5
    with pytest.raises(gr.Error, match="type a few words"):
        translating.translate(None)
