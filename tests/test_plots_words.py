"""The figures of the Words tab: every word and weight is there, at a size that can be read."""

import json

import numpy as np
import plotly.graph_objects as go
import pytest

from genre_models.plots.attention import Labelled
from genre_models.plots.probabilities import next_word
from genre_models.plots.words import LEAST_ACROSS, MOST_WORDS, WordMaps, alignment, every_head, scores
from genre_models.words_measured import Score

SOURCE = ["Please", "enter", "the", "correct", "password", "."]
TARGET = ["Saisissez", "le", "mot", "de", "passe", "correct", "."]
SYSTEMS = {"Transformer": Score(50.0, 47.0, 53.0), "copy": Score(20.0, 18.0, 22.0)}


def words(title: str, labels: list[str]) -> Labelled:
    return Labelled(title, labels, [f"{label} ({i})" for i, label in enumerate(labels)])


def shares(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.ones(columns), size=rows)


def drawn(source: list[str], target: list[str]) -> go.Figure:
    return alignment(
        shares(len(target), len(source)), words("French", target), words("English", source), "Cross"
    )


def test_the_map_has_the_source_across_the_top_and_the_target_downwards() -> None:
    figure = drawn(SOURCE, TARGET)
    weights = shares(len(TARGET), len(SOURCE))
    np.testing.assert_allclose(np.asarray(figure.data[0].z), weights, atol=1e-6)
    assert list(figure.layout.xaxis.ticktext) == SOURCE
    assert list(figure.layout.yaxis.ticktext) == TARGET
    assert figure.layout.xaxis.side == "top"
    assert figure.layout.yaxis.autorange == "reversed"
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("English", "French")
    assert "7 rows" in figure.layout.meta["alt"]


def test_words_that_come_twice_keep_a_row_each() -> None:
    figure = drawn(["the", "the"], ["le", "le", "le"])
    assert len(set(figure.data[0].x)) == 2
    assert len(set(figure.data[0].y)) == 3


@pytest.mark.parametrize(
    ("chosen", "framed"), [((None, None), []), ((1, 2), [6]), ((0, None), [1, 2, 3]), ((None, 0), [1, 4])]
)
def test_the_chosen_heads_are_framed(chosen: tuple[int | None, int | None], framed: list[int]) -> None:
    layers = np.stack([[shares(7, 6)] * 3] * 2)
    figure = every_head(WordMaps(layers, words("French", TARGET), words("English", SOURCE)), *chosen)
    assert len(figure.data) == 6
    assert [shape.xref for shape in figure.layout.shapes] == [
        f"x{number if number > 1 else ''} domain" for number in framed
    ]


def test_what_a_word_could_not_see_stays_blank() -> None:
    weights = np.array([[1.0, np.nan], [0.4, 0.6]])
    figure = alignment(weights, words("French", ["le", "mot"]), words("French", ["le", "mot"]), "Masked")
    assert figure.data[0].zmax == 1
    assert json.loads(figure.to_json())["data"][0]["hoverongaps"] is False
    assert np.isnan(np.asarray(figure.data[0].z, dtype=float)[0, 1])


@pytest.mark.parametrize(("n_source", "n_target"), [(4, 1), (10, 12), (30, 20)])
def test_cells_are_square_where_the_page_is_wide_enough(n_source: int, n_target: int) -> None:
    layout = drawn([f"w{i}" for i in range(n_source)], [f"m{i}" for i in range(n_target)]).layout
    least, most = layout.meta["widths"]
    wide = most - layout.margin.l - layout.margin.r
    high = layout.height - layout.margin.t - layout.margin.b
    assert wide / n_source == high / n_target
    assert least <= most
    assert (least - layout.margin.l - layout.margin.r) / n_source >= 12


@pytest.mark.parametrize("n_target", [1, 12, 60])
def test_one_word_gets_a_map_that_can_be_drawn(n_target: int) -> None:
    layout = drawn(["Incomprehensibly"], ["m"] * n_target).layout
    for width in layout.meta["widths"]:
        assert width - layout.margin.l - layout.margin.r == LEAST_ACROSS


def test_every_word_of_a_sentence_is_named_and_a_page_of_them_thinned_out() -> None:
    some = [f"w{i}" for i in range(MOST_WORDS)]
    assert list(drawn(some, some).layout.yaxis.ticktext) == some
    many = [f"w{i}" for i in range(5 * MOST_WORDS)]
    ticks = drawn(many, some).layout.xaxis
    assert len(ticks.ticktext) <= MOST_WORDS
    assert [many[place] for place in ticks.tickvals] == list(ticks.ticktext)


def test_the_next_words_stand_in_order_with_the_chosen_one_marked() -> None:
    likely = {f"w{i}": 0.5**i for i in range(1, 15)}
    figure = next_word(likely, "w14")
    labels = list(figure.layout.yaxis.ticktext)
    assert labels[:3] == ["w1", "w2", "w3"]
    assert labels[-1] == "▶ w14"
    assert figure.data[0].x[0] == 0.5
    opacity = figure.data[0].marker.opacity
    assert opacity[-1] > max(opacity[:-1])


def test_scores_show_value_and_interval_of_each_system() -> None:
    figure = scores(SYSTEMS, {"Transformer": "#8b5cd6", "copy": "#7d838d"}, "chrF (0 to 100)")
    assert list(figure.layout.yaxis.ticktext) == list(SYSTEMS)
    mark = figure.data[0]
    assert mark.x == (50.0,)
    assert (mark.error_x.array, mark.error_x.arrayminus) == ((3.0,), (3.0,))
    assert figure.layout.xaxis.title.text == "chrF (0 to 100)"
    assert figure.layout.xaxis.range[1] > 53
    assert "Transformer 50" in figure.layout.meta["alt"]
