"""What the page says of its own reliability: what the metrics file holds, and nothing beyond."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genre_models.classifiers import ARCHITECTURES
from genre_models.classify import Report
from genre_models.metrics import Bin, Measured, measured
from genre_models.sound import Sound
from genre_models.ui import report as view
from genre_models.ui.html import brief_percent, percent
from genre_models.ui.models import describe
from genre_models.ui.trust import trust
from tests.reports import make_report

SYSTEMS = [*ARCHITECTURES, "verdict"]
BINS = [(0.25, 0.2, 40), (0.5, 0.55, 160), (0.9, 0.88, 80), (0.99, 0.0, 0)]


def stage(ece: float) -> dict[str, Any]:
    bins = [{"confidence": c, "accuracy": a, "count": n} for c, a, n in BINS]
    return {"ece": ece, "nll": 1.0, "interval": [ece / 2, 2 * ece], "bins": bins}


EVALUATION = {
    "splits": {
        "artist": {
            name: {"balanced_accuracy": 0.6, "interval": [0.5, 0.7]} for name in [*SYSTEMS, "baseline"]
        }
    },
    "calibration": {"before": stage(0.125), "after": stage(0.025)},
    "conditions": {
        "order": ["clean", "room"],
        "titles": {"room": "in a <room>", "clean": "as it is"},
        "systems": {name: {"clean": 0.61, "room": 0.37} for name in SYSTEMS},
    },
}
BEFORE_CALIBRATION_WAS_MEASURED: dict[str, Any] = {
    "splits": {"artist": {"mlp": {"balanced_accuracy": 0.4, "interval": [0.3, 0.5]}}},
    "conditions": {"clips": 199, "accuracy": 0.5, "quiet": {"accuracy": 0.5}},
}


def write(folder: Path, evaluation: dict[str, Any]) -> Measured:
    path = folder / "evaluation.json"
    path.write_text(json.dumps(evaluation), encoding="utf-8")
    return measured(path)


@pytest.fixture
def quality(tmp_path: Path) -> Measured:
    return write(tmp_path, EVALUATION)


def text(html: str) -> str:
    """What is left of HTML without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_metrics_file_is_read(quality: Measured) -> None:
    assert quality.accuracies["verdict"].value == 0.6
    assert quality.calibration is not None and quality.conditions is not None
    assert (quality.calibration.before.ece, quality.calibration.after.ece) == (0.125, 0.025)
    assert (quality.calibration.after.low, quality.calibration.after.high) == (0.0125, 0.05)
    assert list(quality.conditions.titles) == ["clean", "room"]


@pytest.mark.parametrize("evaluation", [{}, BEFORE_CALIBRATION_WAS_MEASURED])
def test_what_was_not_measured_is_not_shown(tmp_path: Path, evaluation: dict[str, Any]) -> None:
    quality = write(tmp_path, evaluation)
    assert quality.calibration is None and quality.conditions is None
    assert trust(quality) == trust(measured(tmp_path / "nothing.json")) == trust(Measured()) == ""
    shown = view.verdict(make_report(3), "clip", quality, {})
    assert "Of answers with this confidence" not in shown
    assert "kept out of the training" not in shown


@pytest.mark.parametrize(("confidence", "place"), [(0.2, 0), (0.4, 1), (0.8, 2), (1.0, 2)])
def test_the_nearest_answers_are_those_that_were_counted(
    quality: Measured, confidence: float, place: int
) -> None:
    assert quality.calibration is not None
    assert quality.calibration.after.near(confidence) == Bin(*BINS[place])


def test_no_answers_are_near_a_confidence_beyond_all_that_were_counted(quality: Measured) -> None:
    assert quality.calibration is not None
    assert quality.calibration.after.near(0.1) is None


def test_the_diagram_has_a_dot_for_every_bin_with_its_numbers(quality: Measured) -> None:
    shown = trust(quality)
    tips = re.findall(r'data-tip="([^"]+)"', shown)
    assert len(tips) == 2 * 3  # the empty bin has no dot
    assert "after calibration: 50% sure, 55% right, 160 answers" in tips
    assert "2.5 points off (95% interval 1.2 to 5.0)" in text(shown)
    assert "12.5 points off" in text(shown)


def test_the_table_has_a_row_for_every_system_and_a_column_for_every_condition(quality: Measured) -> None:
    shown = trust(quality)
    assert shown.count("61%") == shown.count("37%") == len(SYSTEMS)
    assert shown.index("as it is") < shown.index("in a &lt;room&gt;")
    assert "The verdict" in shown


def test_each_half_stands_without_the_other(quality: Measured) -> None:
    diagram, table = "Is it right as often", "Accuracy by recording condition"
    without_diagram = trust(replace(quality, calibration=None))
    without_table = trust(replace(quality, conditions=None))
    assert (diagram in without_diagram, table in without_diagram) == (False, True)
    assert (diagram in without_table, table in without_table) == (True, False)


def hearing(report: Report, tags: dict[str, float]) -> Report:
    """The report with other words by MusiCNN; the numbers stay."""
    return replace(report, models=[replace(model, tags=model.tags and tags) for model in report.models])


def test_music_outside_the_genres_stands_beside_the_calibration(tmp_path: Path) -> None:
    counts = {"ambient": (10, 1), "<trance>": (6, 0)}
    styles = {s: {"recordings": n, "answers": {"sure": {"count": k}}} for s, (n, k) in counts.items()}
    (tmp_path / "outside.json").write_text(json.dumps({"styles": styles}), encoding="utf-8")
    shown = text(trust(write(tmp_path, EVALUATION)))
    assert "all the same for 1 of 10 recordings (ambient), 0 of 6 (&lt;trance&gt;)." in shown
    (unmeasured := tmp_path / "unmeasured").mkdir()
    assert "none of the ten genres" not in trust(write(unmeasured, EVALUATION))


def test_a_verdict_says_how_answers_like_it_turned_out(quality: Measured) -> None:
    report = hearing(make_report(3), {"rock": 0.6})
    report = replace(report, verdict=replace(report.verdict, confidence=0.3))
    said = text(view.verdict(report, "clip", quality, {}))
    assert "Of answers with this confidence, about 20% are right (40 counted" in said
    assert "the five together name the right genre of ten for 60% of the tracks" in said
    assert "lowered" not in said
    abroad = text(view.verdict(hearing(report, {"ambient": 0.6}), "clip", quality, {}))
    assert "Of answers with this confidence" not in abroad


def test_a_verdict_says_why_its_confidence_is_below_that_of_the_models(quality: Measured) -> None:
    said = text(view.verdict(hearing(make_report(3), {"ambient": 0.25}), "clip", quality, {}))
    assert "lowered because it sounds somewhat ambient, which is none of the ten genres" in said


def test_a_verdict_says_which_model_counts_most(quality: Measured) -> None:
    weights = {"mlp": 0.0, "cnn": 0.1, "lstm": 0.002, "transformer": 0.3, "musicnn": 0.8}
    said = text(view.verdict(make_report(3), "clip", quality, weights))
    assert "MusiCNN has 67% of the weight (Transformer 25%, CNN 8%, LSTM under 1%, MLP 0%)" in said
    assert "of the weight" not in view.verdict(make_report(3), "clip", quality, dict.fromkeys(weights, 0.2))


@pytest.mark.parametrize(("weight", "calibrated"), [(1.0, False), (1.1, True)])
def test_one_model_is_not_several_taken_together(quality: Measured, weight: float, calibrated: bool) -> None:
    alone = replace(make_report(3), models=make_report(3).models[:1], counted=["mlp"])
    said = text(view.verdict(alone, "clip", quality, {"mlp": weight}))
    assert "The probability that MLP gives" in said and "together" not in said
    assert ("after calibration" in said) == calibrated


def test_a_share_is_none_or_all_only_where_it_is() -> None:
    shares = [0, 1e-6, 0.004, 0.01, 0.62, 0.99, 0.996, 1]
    says = ["0%", "under 1%", "under 1%", "1%", "62%", "99%", "over 99%", "100%"]
    assert [percent(share) for share in shares] == says
    assert [brief_percent(share) for share in (0, 0.004, 0.5, 0.996, 1)] == [
        "0%",
        "<1%",
        "50%",
        ">99%",
        "100%",
    ]


def test_some_of_the_models_make_no_claim_that_was_measured_for_all(quality: Measured) -> None:
    whole = make_report(3)
    some: Report = replace(whole, models=whole.models[:4], counted=whole.counted[:4])
    assert "kept out of the training" not in view.verdict(some, "clip", quality, {})


def test_a_recording_unlike_the_training_gets_no_claim_that_was_measured_on_its_like(
    quality: Measured,
) -> None:
    said = text(view.verdict(make_report(3, is_unlike=True), "clip", quality, {"musicnn": 0.97}))
    assert "The probability that MusiCNN gives, after calibration" in said
    assert "and most of the models" in said
    assert "only MusiCNN counts" in said
    assert "kept out of the training" not in said


def test_a_verdict_on_no_music_gives_its_reasons_as_text(quality: Measured) -> None:
    report = make_report(3, Sound("speech", 0.1, ("<b>It pauses.</b>",)))
    shown = view.verdict(report, "clip", quality, {})
    assert "This does not sound like music but like speech" in shown
    assert "&lt;b&gt;It pauses.&lt;/b&gt;" in shown
    assert "Confidence" not in shown and "kept out of the training" not in shown
    models = describe({name: architecture() for name, architecture in ARCHITECTURES.items()}, {})
    assert "must name one of ten genres" in view.cards(report, models)
    assert "must name one of ten genres" not in view.cards(make_report(3), models)


def test_a_doubt_stands_beside_the_genre(quality: Measured) -> None:
    doubt = "This may not be music: it also resembles noise."
    report = make_report(3, Sound("music", 0.4, (doubt,)))
    said = text(view.verdict(report, "clip", quality, {}))
    assert doubt in said and report.verdict.sentence in said
