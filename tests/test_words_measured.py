"""What the Words tab shows of how good the models are comes from the file that training wrote."""

import json
import re
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from genre_models.training.words_report import continued
from genre_models.ui.words_scores import build_scores
from genre_models.words import Vocabulary
from genre_models.words_measured import (
    Evenness,
    Matched,
    Passage,
    Pointer,
    Score,
    WordsMeasured,
    words_measured,
)


def scored(score: float) -> dict[str, Any]:
    return {"score": score, "interval": [score - 2, score + 2]}


def perplexed(value: float) -> dict[str, Any]:
    return {"perplexity": value, "interval": [value - 1, value + 1]}


TRANSLATE: dict[str, Any] = {
    "data": {"pairs": {"Django 5.2": 800, "Wagtail 8.0": 1500}},
    "split": {"train": 2000, "valid": 100, "test": 120, "near_variants_dropped": 3},
    "doubt": {
        "sure_from": 0.6,
        "test": {
            "refused": 1,
            "against": {
                "nothing": {"phrases": 90, "chrF": scored(60), "exact": 0.2},
                "unlikely pieces": {"phrases": 29, "chrF": scored(30), "exact": 0.0},
            },
        },
    },
    "alignment": {"words": 40, "layer": 1, "head": 2, "shares": [[0.1, 0.2, 0.3], [0.4, 0.5, 0.9]]},
    "test": {
        "systems": {
            "beam search": {"chrF": scored(50), "BLEU": scored(30), "exact": 0.25},
            "copy of the source": {"chrF": scored(20), "BLEU": scored(5), "exact": 0.01},
        },
        "examples": [
            {"source": "Save", "reference": "Enregistrer", "translation": "Enregistrer"},
            {"source": "Open", "reference": "Ouvrir", "translation": "Fermer"},
        ],
    },
}
TEXT: dict[str, Any] = {
    "data": {"books": {"A Book (1900)": 1000}},
    "n_gram": {"order": 3},
    "evenness": {"read": 16, "mean": 0.912, "sharpest": {"layer": 0, "head": 1, "evenness": 0.872}},
    "test": {
        "systems": {
            name: {"word": perplexed(200), "piece": perplexed(30), "words": 900, "bits_per_character": 2.1}
            for name in ("transformer", "n-gram")
        },
        "examples": [{"given": "It was", "continuation": " a dog.", "real": " the end."}],
    },
}


def written(folder: Path, content: dict[str, Any]) -> WordsMeasured:
    (folder / "words.json").write_text(json.dumps(content))
    return words_measured(folder)


def test_scores_examples_and_the_best_head_are_read(tmp_path: Path) -> None:
    measured = written(tmp_path, {"translate": TRANSLATE, "text": TEXT})
    assert measured.translation is not None
    assert measured.translation.chrf["beam search"] == Score(50, 48, 52)
    assert measured.translation.bleu["copy of the source"] == Score(5, 3, 7)
    assert measured.translation.pointer == Pointer(1, 2, 0.9, 40)
    same, other = measured.translation.examples
    assert (same.is_exact, same.likeness) == (True, 1)
    assert not other.is_exact
    assert other.likeness < 0.5
    assert measured.translation.programs == ["Wagtail", "Django"]
    assert measured.translation.sure_from == 0.6
    assert measured.translation.doubts == {
        "nothing": Matched(90, Score(60, 58, 62), 0.2),
        "unlikely pieces": Matched(29, Score(30, 28, 32), 0),
    }
    assert measured.text is not None
    assert measured.text.per_word["n-gram"] == Score(200, 199, 201)
    assert (measured.text.order, measured.text.words) == (3, 900)
    assert measured.text.examples[0].real == " the end."
    assert measured.text.evenness == Evenness(16, 0.912, 0.872)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (
            ("He hid a smile. Your ex", "amination is over, I pres"),
            ("He hid a smile. Your", " examination is over, I"),
        ),
        (("She went to the sea", ', said the tree. "'), ("She went to the sea", ', said the tree. "')),
        (("He sat on the", " old chai"), ("He sat on the", " old")),
        (("Wo", "rd"), ("Wo", "rd")),
    ],
)
def test_passages_are_shown_in_whole_words(
    tmp_path: Path, stored: tuple[str, str], shown: tuple[str, str]
) -> None:
    example = {"given": stored[0], "continuation": " x", "real": stored[1]}
    measured = written(tmp_path, {"text": TEXT | {"test": TEXT["test"] | {"examples": [example]}}})
    assert measured.text is not None
    assert list(measured.text.examples) == [Passage(*shown)]


@pytest.mark.parametrize("pieces", [3, 7, 12])
def test_passages_are_measured_in_whole_words(pieces: int) -> None:
    stretch = "Nobody remembered the extraordinary gentleman, or his umbrella, afterwards."
    vocabulary = Vocabulary.learn([stretch[:30]], 280)
    one, other = continued(lambda given, seed: f"{given}!{seed}", [stretch, stretch], vocabulary, pieces)
    assert (one["continuation"], other["continuation"]) == (f"{one['given']}!0", f"{one['given']}!1")
    assert stretch.startswith(one["given"] + one["real"])
    for text in (one["given"], one["given"] + one["real"]):
        before, after = stretch[len(text) - 1], stretch[len(text)]
        assert not (before.isalnum() and after.isalnum()) or " " not in text


def test_what_was_not_measured_is_left_out(tmp_path: Path) -> None:
    assert words_measured(tmp_path) == WordsMeasured()
    (tmp_path / "text").mkdir()
    measured = written(tmp_path / "text", {"text": TEXT})
    assert measured.translation is None
    assert measured.text is not None


def test_no_head_points_where_no_word_stands_on_both_sides(tmp_path: Path) -> None:
    measured = written(tmp_path, {"translate": TRANSLATE | {"alignment": {}}})
    assert measured.translation is not None
    assert measured.translation.pointer is None


@pytest.mark.parametrize(
    ("uses", "figures"), [({"translate": TRANSLATE}, 2), ({"translate": TRANSLATE, "text": TEXT}, 4)]
)
def test_every_measure_has_a_figure(tmp_path: Path, uses: dict[str, Any], figures: int) -> None:
    with gr.Blocks() as page:
        build_scores(written(tmp_path, uses))
    plots = [block for block in page.blocks.values() if isinstance(block, gr.Plot)]
    assert len(plots) == figures
    texts = " ".join(str(block.value) for block in page.blocks.values() if isinstance(block, gr.HTML))
    assert "25% come out letter by letter" in texts
    rows = re.findall(r'<th scope="row">(.+?)</th>' + 3 * r"<td.*?>(.+?)</td>", texts)
    assert rows == [
        ("Nothing", "90", "60 (58 to 62)", "20%"),
        ("Unlikely pieces", "29", "30 (28 to 32)", "0%"),
    ]
    assert "below 60% per word piece" in texts
    assert ("900 words of the books" in texts) == ("text" in uses)
    assert ("91% of the entropy" in texts and "87% in the sharpest" in texts) == ("text" in uses)
