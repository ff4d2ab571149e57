"""The Training tab: every number from a metrics file, and what is said of them is what they say."""

import json
import re
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from playwright.sync_api import Page, expect

from genre_models.classifiers import GENRES, NETWORKS
from genre_models.history import SPLITS, Curve, History, Recipe, history
from genre_models.metrics import accuracies
from genre_models.paths import BUNDLED_WEIGHTS, METRICS
from genre_models.ui.training import TrainingTab, heard
from tests.conftest import expect_width

FIGURES = ["learning-curves", "descents-curves", "confusion-matrix", "split-accuracy", "melody-losses"]


def shown(tab_of: History) -> dict[str, Any]:
    """The tab's components by their id, as Gradio sends them to the page."""
    with gr.Blocks() as demo:
        TrainingTab(tab_of)
    components = demo.get_config_file()["components"]
    return {part["props"].get("elem_id") or str(part["id"]): part["props"] for part in components}


def text(components: dict[str, Any]) -> str:
    """All that stands on the tab in words."""
    parts = [props["value"] for props in components.values() if isinstance(props.get("value"), str)]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", " ".join(parts)))


def first(curve: Curve, loss: float, measure: str) -> float:
    """Where a training loss first comes down to this."""
    place = next(i for i, value in enumerate(curve.train_loss) if value <= loss)
    return float(getattr(curve, measure)[place])


def test_the_whole_history_is_committed() -> None:
    record = history()
    assert list(record.learning) == list(NETWORKS)
    assert list(record.splits) == list(SPLITS)
    assert record.descents is not None and record.melody is not None and record.references
    assert {name: one.accuracy for name, one in record.splits["artist"].items()} == accuracies()
    for name in NETWORKS:
        trained = json.loads((BUNDLED_WEIGHTS / name / "metrics.json").read_text())
        assert (record.recipes[name].epochs, dict(record.data)) == (trained["epochs"], trained["data"])
        assert all(len(fold.epochs) >= trained["epochs"] for fold in record.learning[name])


def test_all_systems_were_measured_on_all_tracks_under_every_split() -> None:
    record = history()
    for systems in record.splits.values():
        for one in systems.values():
            assert len(one.confusion) == len(GENRES)
            assert sum(map(sum, one.confusion)) == pytest.approx(record.data["tracks"], abs=0.1)


def test_each_leak_is_worth_what_the_page_says_of_it() -> None:
    splits = history().splits
    for system in splits["artist"]:
        values = [splits[split][system].accuracy.value for split in SPLITS]
        assert all(leaky > honest for leaky, honest in pairwise(values)), system


def test_the_three_regimes_are_as_quick_as_the_page_says() -> None:
    compared = history().descents
    assert compared is not None
    full, mini, one = (compared.regimes[name].curve for name in ("full-batch", "mini-batch", "stochastic"))
    for loss in (2.0, 1.5, 1.2):
        assert first(one, loss, "epochs") < first(mini, loss, "epochs") < first(full, loss, "epochs")
        assert first(mini, loss, "seconds") < first(one, loss, "seconds") < first(full, loss, "seconds")
        assert first(mini, loss, "steps") / first(full, loss, "steps") == pytest.approx(1, abs=0.25)
        assert first(one, loss, "steps") > 3 * first(mini, loss, "steps")
    rates = {name: regime.learning_rate for name, regime in compared.regimes.items()}
    assert rates["stochastic"] < min(rates["full-batch"], rates["mini-batch"])
    segments = compared.regimes["mini-batch"].samples or 0
    in_turn = segments * one.seconds[-1] / one.steps[-1]
    assert mini.seconds[-1] / mini.steps[-1] < in_turn / 2
    for regime in compared.regimes.values():
        tried = sorted(regime.rates)
        assert tried[0] < regime.learning_rate < tried[-1]


def test_the_tab_says_what_the_files_say(tmp_path: Path) -> None:
    for path in METRICS.glob("*.json"):
        shutil.copy(path, tmp_path)
    evaluation = json.loads((tmp_path / "evaluation.json").read_text())
    for split, value in (("segment", 0.987), ("track", 0.654), ("artist", 0.321)):
        evaluation["splits"][split]["cnn"]["balanced_accuracy"] = value
    evaluation["data"]["tracks"] = 1234
    (tmp_path / "evaluation.json").write_text(json.dumps(evaluation))
    parts = shown(history(tmp_path))
    words = text(parts)
    assert "is right for 99%, 65% or 32% of the tracks" in words
    assert "They were shown 1234 tracks" in words
    for name in ("choices", "curves", "descents", "evaluation", "references", "melody"):
        assert f"assets/metrics/{name}.json" in words
    assert all(figure in parts for figure in FIGURES)
    assert "not comparable one to one" in words


@pytest.mark.parametrize("missing", ["choices", "curves", "descents", "evaluation", "references", "melody"])
def test_what_was_not_measured_is_left_out(tmp_path: Path, missing: str) -> None:
    for path in METRICS.glob("*.json"):
        if path.stem != missing:
            shutil.copy(path, tmp_path)
    assert f"metrics/{missing}.json" not in text(shown(history(tmp_path)))


def test_of_other_models_nothing_is_claimed() -> None:
    parts = shown(History())
    assert "Nothing was measured of these models" in text(parts)
    assert not any(figure in parts for figure in FIGURES)
    assert not re.search(r"\d%", text(parts))
    assert not history(Path("nowhere"))


def test_the_page_says_which_networks_started_from_what() -> None:
    record = history()

    def said_of(*begun: str) -> str:
        recipes = {
            name: replace(one, settings={**one.settings, "pretrained": name in begun})
            for name, one in record.recipes.items()
        }
        return text(shown(replace(record, recipes=recipes)))

    assert "They started from nothing." in said_of()
    said = said_of("mlp", "cnn", "lstm")
    assert "MLP, CNN and LSTM did not start from nothing" in said
    assert "They started from nothing." not in said


def test_what_a_model_heard_follows_from_its_recipe() -> None:
    plain = {
        "shuffle_block": 0, "mixup": 0.0, "label_smoothing": 0.0, "soft_labels": False, "variants": False
    }  # fmt: skip
    assert heard(Recipe("", plain, 1)) == ["clean", "segments cut anew in every epoch"]
    rich = heard(Recipe("", {**plain, "mixup": 0.2, "label_smoothing": 0.1, "variants": True}, 1))
    assert rich[0].startswith("clean and altered") and "targets softened by 10%" in rich
    assert heard(Recipe("", {**plain, "pretrained": True}, 1))[0] == "free music before"
    head = {"C": 0.1, "variants": False, "conditions": ["room", "babble"], "distant": None}
    assert heard(Recipe("", head, 1)) == ["clean", "in a room", "with voices behind it"]
    assert heard(Recipe("", {**head, "experts": True}, 1))[3:] == [
        "each of these for a head of its own above all"
    ]
    distant = {"conditions": ["telephone", "noise"]}
    assert heard(Recipe("", {**head, "distant": distant}, 1))[3:] == [
        "for a head of its own: through a telephone, in noise"
    ]


def titles(page: Page, figure: str) -> list[str]:
    """What stands beside the axes of a figure, once it is drawn."""
    drawn = page.locator(f"#{figure} .js-plotly-plot")
    titles = drawn.locator(".infolayer [class*=title]")
    expect(drawn.locator(".xtitle")).to_be_visible()
    expect(titles.nth(1)).to_be_visible()
    return titles.all_inner_texts()


def test_a_visitor_reads_the_tab_and_turns_its_figures(page: Page) -> None:
    page.get_by_role("tab", name="Training").click()
    for figure in FIGURES:
        assert len(titles(page, figure)) >= 2
        expect(page.locator(f"#{figure} .js-plotly-plot")).to_have_attribute("role", "figure")
    page.locator("#descents-axis").get_by_label("Seconds").check()
    expect(page.locator("#descents-curves .xtitle")).to_contain_text("(s)")
    page.locator("#learning-network").get_by_label("LSTM").check()
    expect(page.locator("#learning-curves .legendtext").first).to_have_text("training")
    matrix = page.locator("#confusion-matrix .js-plotly-plot")
    before = matrix.get_attribute("aria-label")
    page.get_by_role("combobox", name="System").click()
    page.get_by_role("option", name="Baseline (SVM)").click()
    expect(matrix).to_have_attribute("aria-label", re.compile("Baseline"))
    assert before is not None and "The verdict" in before
    page.set_viewport_size({"width": 390, "height": 844})
    expect_width(page)
