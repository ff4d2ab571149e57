"""The Training tab's figures: what was measured, where it belongs, and legible."""

import json
from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
import pytest

from genre_models.history import Curve, Descent, Descents
from genre_models.metrics import Accuracy
from genre_models.plots.accuracy import DARKEST, by_split, confusion
from genre_models.plots.look import MODELS, TEXT
from genre_models.plots.training import (
    EPOCHS,
    SECONDS,
    STEPS,
    Learning,
    descents,
    learning,
    learning_together,
    melody_losses,
)

ON_PAPER = {"#ffffff": "#1a1c21", "#171b22": "#edf0f4"}
"""Panels and ink, light and dark."""
TWO = Curve((1, 2, 3), (5, 10, 15), (1, 2, 3), (2.0, 1.5, 1.0), (2.0, 1.8, 1.9), (0.1, 0.3, 0.2))
OTHER = Curve((1, 2, 3), (5, 10, 15), (1, 2, 3), (2.2, 1.7, 1.2), (2.2, 2.0, 2.1), (0.3, 0.5, 0.4))
CNN = Learning("CNN", "cnn", [TWO, OTHER], stops_at=2)
RUN = Curve((0, 0.5, 1), (0, 4, 8), (0.0, 0.1, 0.2), (2.3, 2.0, 1.0), (2.3, 2.1, 2.2), (0.1, 0.3, 0.4))
ONE = Descent(32, 0.03, (0.01, 0.03), RUN, 1, Accuracy(0.3, 0.2, 0.4))
THREE = Descents("mlp", 100, 20, {"full-batch": ONE, "mini-batch": ONE, "stochastic": ONE})
NAMES = ["blues", "jazz", "rock"]
COUNTS = np.array([[6.0, 2.0, 0.0], [0.0, 4.333, 0.0], [0.0, 0.0, 0.0]])
SPLITS = {
    "by segment": {"cnn": Accuracy(0.76, 0.7, 0.8), "verdict": Accuracy(0.88, 0.8, 0.9)},
    "by artist": {"cnn": Accuracy(0.46, 0.4, 0.53), "verdict": Accuracy(0.76, 0.7, 0.8)},
}
TITLES, COLOURS = {"cnn": "CNN", "verdict": "The verdict"}, {"cnn": MODELS["cnn"], "verdict": TEXT}

FIGURES: dict[str, Callable[[], go.Figure]] = {
    "learning": lambda: learning(CNN),
    "together": lambda: learning_together([CNN]),
    "descents": lambda: descents(THREE, STEPS),
    "confusion": lambda: confusion(COUNTS, NAMES, "CNN", MODELS["cnn"], shares=True),
    "splits": lambda: by_split(SPLITS, TITLES, COLOURS),
    "melody": lambda: melody_losses({"LSTM": (MODELS["lstm"], TWO)}),
}


def traces(figure: go.Figure, name: str) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.name == name and trace.mode == "lines"]


def test_the_strong_line_is_the_mean_of_the_folds_and_has_a_dot_where_training_ends() -> None:
    figure = learning(CNN)
    loss, accuracy = traces(figure, "validation")
    assert list(loss.y) == pytest.approx([2.1, 1.9, 2.0])
    assert list(accuracy.y) == pytest.approx([0.2, 0.4, 0.3])
    assert list(traces(figure, "training")[0].y) == pytest.approx([2.1, 1.6, 1.1])
    dots = [trace for trace in figure.data if trace.mode == "markers"]
    assert [(dot.x[0], dot.y[0]) for dot in dots] == [(2, pytest.approx(1.9)), (2, pytest.approx(0.4))]
    faint = traces(figure, "")
    assert len(faint) == 2 * 3
    assert all(trace.opacity < 1 and not trace.showlegend for trace in faint)


def test_an_end_beyond_the_curve_gets_no_dot() -> None:
    figure = learning(Learning("CNN", "cnn", [TWO], stops_at=9))
    assert not [trace for trace in figure.data if trace.mode == "markers"]


def test_networks_have_their_colour_and_stand_in_the_legend_once() -> None:
    figure = learning_together([CNN, Learning("MLP", "mlp", [TWO], 3)])
    assert {trace.line.color for trace in traces(figure, "CNN")} == {MODELS["cnn"]}
    assert {trace.line.color for trace in traces(figure, "MLP")} == {MODELS["mlp"]}
    assert [trace.name for trace in figure.data if trace.showlegend] == ["CNN", "MLP"]


@pytest.mark.parametrize(("against", "x"), [(EPOCHS, [0.5, 1]), (STEPS, [4, 8]), (SECONDS, [0.1, 0.2])])
def test_descents_can_be_counted_in_three_ways(against: str, x: list[float]) -> None:
    figure = descents(THREE, against)
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert len(lines) == 9
    assert all(list(line.x) == x for line in lines)
    assert {line.yaxis for line in lines} == {"y", "y2", "y3"}
    assert len({line.line.dash for line in lines}) == 3
    dots = [trace for trace in figure.data if trace.mode == "markers"]
    assert {dot.x[0] for dot in dots} == {x[0]}


def test_a_confusion_matrix_shows_shares_of_rows_or_counts() -> None:
    shares = confusion(COUNTS, NAMES, "CNN", MODELS["cnn"], shares=True).data[0]
    np.testing.assert_allclose(shares.z, np.array([[0.75, 0.25, 0], [0, 1, 0], [0, 0, 0]]))
    assert list(shares.text[0]) == ["75", "25", ""]
    counts = confusion(COUNTS, NAMES, "CNN", MODELS["cnn"], shares=False).data[0]
    np.testing.assert_allclose(counts.z, shares.z)
    assert list(counts.text[0]) == ["6", "2", ""]
    assert list(counts.text[1]) == ["", "4.3", ""]


def test_splits_stand_side_by_side_with_their_intervals() -> None:
    figure = by_split(SPLITS, TITLES, COLOURS)
    marks = [trace for trace in figure.data if trace.x[0] is not None]
    assert [trace.x[0] for trace in marks] == [0.76, 0.88, 0.46, 0.76]
    segment, artist = marks[0], marks[2]
    assert segment.y[0] < 0 < artist.y[0]
    assert segment.marker.symbol != artist.marker.symbol
    assert artist.error_x.array[0] == pytest.approx(0.07)
    assert artist.error_x.arrayminus[0] == pytest.approx(0.06)
    assert [trace.name for trace in figure.data if trace.showlegend is not False] == list(SPLITS)


@pytest.mark.parametrize("name", FIGURES)
def test_every_axis_has_a_title_and_every_figure_an_alternative_in_words(name: str) -> None:
    layout = json.loads(FIGURES[name]().to_json())["layout"]
    axes = [value for key, value in layout.items() if key.startswith(("xaxis", "yaxis"))]
    assert len(axes) >= 2
    assert all(axis["title"]["text"] for axis in axes)
    assert len(layout["meta"]["alt"]) > 20


def channels(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def luminance(rgb: np.ndarray) -> float:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("colour", [*MODELS.values(), TEXT])
@pytest.mark.parametrize("panel", ON_PAPER)
def test_numbers_are_legible_in_the_darkest_cell(colour: str, panel: str) -> None:
    cell = luminance(DARKEST * channels(colour) + (1 - DARKEST) * channels(panel))
    ink = luminance(channels(ON_PAPER[panel]))
    dark, light = sorted((cell, ink))
    assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2, AA
