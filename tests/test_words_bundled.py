"""The weights that come with the app: they are those that were measured, and do what their figures say."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from sacrebleu.metrics.chrf import CHRF

from genre_models.beam import Beams
from genre_models.hub import load_text, load_translation
from genre_models.paths import BUNDLED_WEIGHTS, METRICS
from genre_models.sampling import Sampling
from genre_models.training import words
from genre_models.training.words_arguments import TEXT, TRANSLATION
from genre_models.training.words_report import BEAM, COPY, NEAREST, SURE
from genre_models.words import Doubt, TextTransformer, TranslationTransformer, continue_text, translate
from genre_models.words.translate import DEFAULT_BEAMS, SURE_FROM

MOST_BYTES = 10_000_000


@pytest.fixture(scope="module")
def translator() -> TranslationTransformer:
    model = load_translation()
    assert model is not None
    return model


@pytest.fixture(scope="module")
def writer() -> TextTransformer:
    model = load_text()
    assert model is not None
    return model


@pytest.fixture(scope="module")
def metrics() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((METRICS / "words.json").read_text(encoding="utf-8"))
    return content


def test_phrases_never_seen_come_out_as_they_were_measured(
    translator: TranslationTransformer, metrics: dict[str, Any]
) -> None:
    examples = metrics["translate"]["test"]["examples"]
    ours = [translate(translator, one["source"]).best.text for one in examples]
    same = sum(text == one["translation"] for text, one in zip(ours, examples, strict=True))
    assert same >= len(examples) - 1  # another processor may settle a draw otherwise
    references = [[one["reference"] for one in examples]]
    copies = [one["source"] for one in examples]
    assert CHRF().corpus_score(ours, references).score > CHRF().corpus_score(copies, references).score


def test_the_figures_beat_the_copy_by_far(metrics: dict[str, Any]) -> None:
    systems = metrics["translate"]["test"]["systems"]
    assert systems[BEAM]["chrF"]["interval"][0] > systems[COPY]["chrF"]["interval"][1] + 10
    assert systems[BEAM]["BLEU"]["score"] > systems[NEAREST]["BLEU"]["score"]


def test_the_app_searches_as_the_validation_phrases_chose(metrics: dict[str, Any]) -> None:
    known = metrics["translate"]["beams"]
    assert Beams(known["width"], known["max_tokens"], known["alpha"]) == DEFAULT_BEAMS
    tried = known["chrF_by_alpha"]
    assert tried[str(known["alpha"])] == max(tried.values())


def test_phrases_of_menus_are_translated(translator: TranslationTransformer) -> None:
    assert translate(translator, "Save the file").best.text.startswith("Enregistrer le fichier")
    assert not translate(translator, "Save the file").warnings
    assert "“zyzzyva”" in translate(translator, "Save the zyzzyva").warnings[0]


def test_prose_is_carried_on_in_words_of_the_books(writer: TextTransformer) -> None:
    made = continue_text(writer, "The old man looked at the", 40, Sampling(temperature=0.5, seed=0))
    steps = list(made)
    assert len(steps) == 40
    words = [word.text for word in made.target.words[:-1]]
    assert len(words) > 20
    known = [word for word in words if word.strip('.,;:!?"()-').casefold() in writer.seen]
    assert len(known) > 0.8 * len(words)


@pytest.mark.parametrize("use", ["translate", "text"])
def test_what_is_committed_is_small_and_complete(use: str, metrics: dict[str, Any]) -> None:
    folder = BUNDLED_WEIGHTS / use
    assert (folder / "model.safetensors").stat().st_size < MOST_BYTES
    beside = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert beside == {name: metrics[use][name] for name in beside}
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "public domain" in card or "BSD-3-Clause" in card
    assert "This card has no figures" not in card


def test_the_models_were_trained_as_the_program_trains_them(metrics: dict[str, Any]) -> None:
    for use, plan, rates in (
        ("translate", TRANSLATION, words.TRANSLATION_RATES),
        ("text", TEXT, words.TEXT_RATES),
    ):
        trained = metrics[use]["model"]
        assert set(trained["trials"]) == {str(rate) for rate in rates}
        assert trained["plan"] == asdict(plan) | {"learning_rate": trained["plan"]["learning_rate"]}
        assert trained["vocabulary"] == words.VOCABULARY_SIZE
    configs = [
        json.loads((BUNDLED_WEIGHTS / use / "config.json").read_text()) for use in ("translate", "text")
    ]
    assert [one["dropout"] for one in configs] == [words.TRANSLATION_DROPOUT, words.TEXT_DROPOUT]


@pytest.mark.parametrize("part", ["valid", "test"])
def test_what_is_doubted_seldom_turns_out_well(metrics: dict[str, Any], part: str) -> None:
    doubt = metrics["translate"]["doubt"]
    assert doubt["sure_from"] == SURE_FROM
    against = doubt[part]["against"]
    for reason in Doubt:
        assert against[reason]["chrF"]["interval"][1] < against[SURE]["chrF"]["interval"][0] - 10
        assert against[reason]["exact"] < 0.05 < against[SURE]["exact"]


def test_the_prose_model_looks_back_almost_evenly_and_the_translator_does_not(
    metrics: dict[str, Any],
) -> None:
    prose, phrases = (metrics[use]["evenness"] for use in ("text", "translate"))
    assert prose["read"] == words.GIVEN
    assert prose["sharpest"]["evenness"] > 0.9
    assert phrases["mean"] < 0.8


def test_prose_is_foretold_better_than_by_counting(metrics: dict[str, Any]) -> None:
    systems = metrics["text"]["test"]["systems"]
    assert systems["transformer"]["piece"]["perplexity"] < systems["n-gram"]["piece"]["perplexity"]
