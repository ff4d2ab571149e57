"""Metrics files from elsewhere are taken as they are written by train.py, or not at all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genre_models.melody.tunes import load_repertoire
from genre_models.metrics import EVALUATION_FILE, measured
from genre_models.metrics_check import MetricsError, read_measured, read_perplexity, read_repertoire
from genre_models.paths import BUNDLED_WEIGHTS

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["splits", "artist", "calibration", "before", "conditions", "systems", "order", "titles", "differences"]
)
LIKELY = st.recursive(JSON, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=8)


def write(folder: Path, content: object) -> Path:
    (folder / "evaluation.json").write_text(json.dumps(content))
    return folder


def test_our_own_metrics_pass() -> None:
    assert read_measured(EVALUATION_FILE.parent) == measured()
    melody = BUNDLED_WEIGHTS / "melody"
    assert read_repertoire(melody) == load_repertoire(melody)
    perplexity = json.loads((melody / "metrics.json").read_text())["perplexity"]["transformer"]["note"]
    assert read_perplexity(melody) == perplexity


def test_nothing_measured_is_nothing(tmp_path: Path) -> None:
    assert read_measured(tmp_path).accuracies == {}
    assert read_repertoire(tmp_path).tunes is None
    assert read_perplexity(tmp_path) is None


def percent(evaluation: dict[str, Any]) -> None:
    evaluation["splits"]["artist"]["cnn"]["balanced_accuracy"] = 46.3


def not_a_number(evaluation: dict[str, Any]) -> None:
    evaluation["splits"]["artist"]["cnn"]["balanced_accuracy"] = float("nan")


def true_for_one(evaluation: dict[str, Any]) -> None:
    evaluation["splits"]["artist"]["cnn"]["balanced_accuracy"] = True


def backwards(evaluation: dict[str, Any]) -> None:
    evaluation["splits"]["artist"]["cnn"]["interval"].reverse()


def three_bounds(evaluation: dict[str, Any]) -> None:
    evaluation["splits"]["artist"]["cnn"]["interval"].append(1.0)


def nine_genres(evaluation: dict[str, Any]) -> None:
    del evaluation["splits"]["artist"]["cnn"]["recall"]["jazz"]


def ragged(evaluation: dict[str, Any]) -> None:
    evaluation["splits"]["artist"]["cnn"]["confusion"][3].pop()


def fewer_than_none(evaluation: dict[str, Any]) -> None:
    evaluation["splits"]["artist"]["cnn"]["confusion"][0][0] = -1


def half_a_track(evaluation: dict[str, Any]) -> None:
    evaluation["calibration"]["after"]["bins"][0]["count"] = 0.5


def untitled(evaluation: dict[str, Any]) -> None:
    del evaluation["conditions"]["titles"]["noise"]


def a_novel(evaluation: dict[str, Any]) -> None:
    evaluation["conditions"]["titles"]["noise"] = "la " * 1000


def missing_condition(evaluation: dict[str, Any]) -> None:
    del evaluation["conditions"]["systems"]["mlp"]["noise"]


def a_list(evaluation: dict[str, Any]) -> None:
    evaluation["splits"] = ["artist"]


@pytest.mark.parametrize(
    "spoil",
    [
        percent,
        not_a_number,
        true_for_one,
        backwards,
        three_bounds,
        nine_genres,
        ragged,
        fewer_than_none,
        half_a_track,
        untitled,
        a_novel,
        missing_condition,
        a_list,
    ],
)
def test_an_evaluation_of_another_shape_is_refused(
    spoil: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    evaluation = json.loads(EVALUATION_FILE.read_text())
    read_measured(write(tmp_path, evaluation))
    spoil(evaluation)
    with pytest.raises(MetricsError, match="does not hold what train"):
        read_measured(write(tmp_path, evaluation))


@pytest.mark.parametrize("count", [11, -1, 0.5, None, "1", True])
def test_more_sure_than_asked_is_refused(count: object, tmp_path: Path) -> None:
    write(tmp_path, {})
    style = {"recordings": 10, "answers": {"sure": {"count": 10}}}
    (tmp_path / "outside.json").write_text(json.dumps({"styles": {"ambient": style}}))
    assert read_measured(tmp_path).outside[0].sure == 10
    style["answers"] = {"sure": {"count": count}}
    (tmp_path / "outside.json").write_text(json.dumps({"styles": {"ambient": style}}))
    with pytest.raises(MetricsError, match=r"train\.py outside"):
        read_measured(tmp_path)


@given(content=LIKELY)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_anything_else_is_nothing_or_refused(content: object, tmp_path: Path) -> None:
    try:
        read_measured(write(tmp_path, content))
    except MetricsError as error:
        assert str(tmp_path) in str(error)


@pytest.mark.parametrize("content", ["", "[", "[" * 100_000, "7", "null", '{"splits": 7}'])
def test_files_that_are_no_json_object_are_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_text(content)
    with pytest.raises(MetricsError):
        read_measured(tmp_path)


@pytest.mark.parametrize(
    "metrics",
    [{"heard": [55]}, {"heard": ["C", "D"]}, {"heard": [55, 400]}, {"tunes": -1}, {"tunes": "many"}, [], "x"],
)
def test_a_range_that_is_none_is_refused(metrics: object, tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(MetricsError):
        read_repertoire(tmp_path)


@pytest.mark.parametrize("note", [0.5, "10", None, float("inf")])
def test_a_perplexity_that_is_none_is_left_out(note: object, tmp_path: Path) -> None:
    metrics = {"perplexity": {"transformer": {"note": note}}}
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    assert read_perplexity(tmp_path) is None
