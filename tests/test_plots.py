"""Figures: what they show of the data, and that they hold still, stay small and stand out."""

from fractions import Fraction
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from genre_models.melody import notes
from genre_models.melody.tune import Metre, Note
from genre_models.plots import look
from genre_models.plots.attention import Labelled, Measured, detail, small_multiples
from genre_models.plots.probabilities import next_note
from genre_models.plots.roll import piano_roll, with_arcs

COMMON = Metre(4, 4)
TUNE = notes.parse("A4:1/4 R:1/8 C#5:3/8 E5:1/4 Bb4:1/2 R A4 A4")
PANELS = "#ffffff", "#171b22"  # what figures stand on, light and dark


def drawn(figure: go.Figure) -> list[tuple[float, int, float]]:
    """Start, pitch and length of all bars."""
    return [bar for trace in figure.data[:2] for bar in zip(trace.base, trace.y, trace.x, strict=True)]


def test_roll_draws_each_note_where_and_as_long_as_it_sounds() -> None:
    bars = drawn(piano_roll(TUNE, 3, COMMON))
    assert [bar[:2] for bar in bars] == [
        (0.0, 69), (0.375, 73), (0.75, 76), (1.0, 70), (1.625, 69), (1.75, 69)
    ]  # fmt: skip
    lengths = [float(note.length) for note in TUNE if note.pitch is not None]
    for (start, _, length), full in zip(bars, lengths, strict=True):
        assert 0.87 * full <= length < full, f"the bar at {start} ends just before the next note"


def test_roll_parts_given_and_new_notes() -> None:
    given, new = piano_roll(TUNE, 3, COMMON).data
    assert (len(given.y), len(new.y)) == (2, 4)
    assert given.marker.color != new.marker.color
    assert given.name != new.name


def test_roll_says_name_length_and_bar() -> None:
    given, new = piano_roll(TUNE, 3, COMMON).data
    assert list(given.hovertext) == ["A4, 1/4, bar 1", "C#5, 3/8, bar 1"]
    assert list(new.hovertext)[:2] == ["E5, 1/4, bar 1", "Bb4, 1/2, bar 2"]


def test_bar_lines_stand_where_the_metre_has_them() -> None:
    ticks = piano_roll(TUNE, 3, Metre(6, 8)).layout.xaxis
    assert ticks.tickvals == (0, 0.75, 1.5)
    assert ticks.ticktext == ("1", "2", "3")


def test_roll_holds_still_while_notes_arrive() -> None:
    rolls = [piano_roll(TUNE[:end], 3, COMMON, x_end=Fraction(4)) for end in range(3, len(TUNE) + 1)]
    assert len({roll.layout.xaxis.range for roll in rolls}) == 1
    assert len({roll.layout.yaxis.range for roll in rolls}) == 1
    assert rolls[0].layout.xaxis.range == (0, 4)
    assert {roll.layout.uirevision for roll in rolls} == {rolls[0].layout.uirevision}


@pytest.mark.parametrize("far", ["A0", "C8"])
def test_roll_grows_with_a_tune_that_leaves_it(far: str) -> None:
    roll = piano_roll([*TUNE, *notes.parse(far)], 3, COMMON)
    low, high = roll.layout.yaxis.range
    assert all(low < pitch - 0.5 and pitch + 0.5 < high for _, pitch, _ in drawn(roll))
    assert roll.layout.xaxis.range[1] == 2


def test_roll_of_a_long_tune_stays_legible() -> None:
    roll = piano_roll([Note(60 + i % 12) for i in range(500)], 5, COMMON)
    numbers = [text for text in roll.layout.xaxis.ticktext if text]
    assert numbers[:3] == ["1", "9", "17"]
    assert len(roll.layout.xaxis.tickvals) <= 32
    assert not roll.layout.xaxis.minor.showgrid
    names = roll.layout.yaxis.ticktext
    assert "C4" in names
    assert not any("#" in name or "b" in name for name in names)
    assert len(names) <= 18


def test_roll_of_rests_and_of_given_notes_alone() -> None:
    assert not drawn(piano_roll(notes.parse("R R:1/4"), 2, COMMON))
    assert len(drawn(piano_roll(TUNE, len(TUNE), COMMON))) == 6


def arcs_of(figure: go.Figure) -> list[Any]:
    return [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "lines"]


def test_arcs_reach_from_the_note_to_those_it_looked_at_most() -> None:
    weights = np.array([0.5, 0.005, 0.3, np.nan, 0.19, np.nan, np.nan, np.nan])
    arcs = arcs_of(with_arcs(piano_roll(TUNE, 3, COMMON), TUNE, 4, weights))
    assert [arc.hovertemplate for arc in arcs] == [
        "Bb4 (note 5) looks at C#5 (note 3): 30%<extra></extra>",
        "Bb4 (note 5) looks at A4 (note 1): 50%<extra></extra>",
    ]
    for arc, start in zip(arcs, [(0.5625, 73), (0.125, 69)], strict=True):
        assert (arc.x[0], arc.y[0]) == start
        assert (arc.x[-1], arc.y[-1]) == (1.25, 70)
        assert max(arc.y) > 73
    assert arcs[0].line.width < arcs[1].line.width
    assert arcs[0].opacity < arcs[1].opacity


def test_arcs_leave_out_what_hardly_weighs_and_stay_in_the_picture() -> None:
    tune = [Note(60 + 3 * (i % 10), Fraction(1, 4)) for i in range(40)]
    roll = with_arcs(piano_roll(tune, 3, COMMON), tune, 39, np.full(40, 1 / 40))
    assert len(arcs_of(roll)) == 8
    weights = np.full(40, 0.003)
    weights[[0, 9, 20]] = 0.2, 0.3, 0.4
    roll = with_arcs(piano_roll(tune, 3, COMMON), tune, 39, weights)
    arcs = arcs_of(roll)
    assert len(arcs) == 3
    assert max(max(arc.y) for arc in arcs) < roll.layout.yaxis.range[1]


def test_no_arcs_where_nothing_was_looked_at() -> None:
    roll = with_arcs(piano_roll(TUNE, 3, COMMON), TUNE, 4, np.full(len(TUNE), np.nan))
    assert not arcs_of(roll)


def test_an_arc_to_a_rest_says_so() -> None:
    weights = np.array([0.0, 0.9, 0, 0, 0, 0, 0, 0])
    (arc,) = arcs_of(with_arcs(piano_roll(TUNE, 3, COMMON), TUNE, 3, weights))
    assert arc.hovertemplate == "E5 (note 4) looks at the rest (note 2): 90%<extra></extra>"
    assert arc.y[0] == 69


def labelled(n: int, title: str = "Notes") -> Labelled:
    labels = [Note(60 + i % 12).name for i in range(n)]
    return Labelled(title, labels, [f"{label} (note {i})" for i, label in enumerate(labels, start=1)])


def test_detail_shows_each_weight_by_name_and_what_is_masked_not_at_all() -> None:
    weights = np.array([[1.0, np.nan, np.nan], [0.25, 0.75, np.nan]])
    figure = detail(weights, labelled(2, "Looks"), labelled(3, "Looked at"), "Layer 1")
    (heatmap,) = figure.data
    np.testing.assert_array_equal(heatmap.z, weights.astype(np.float32))
    assert heatmap.x == ("C4 (note 1)", "C#4 (note 2)", "D4 (note 3)")
    assert heatmap.hovertemplate.startswith("%{y} looks at %{x}: %{z")
    assert not heatmap.hoverongaps
    assert (heatmap.zmin, heatmap.zmax) == (0, 1)
    assert figure.layout.yaxis.autorange == "reversed"
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("Looked at", "Looks")


@pytest.mark.parametrize("n", [5, 22, 23, 150])
def test_detail_thins_its_labels(n: int) -> None:
    axis = detail(np.full((n, n), 1 / n), labelled(n), labelled(n)).layout.xaxis
    assert axis.ticktext[0] == "C4"
    assert min(n, 12) <= len(axis.ticktext) <= 22
    for place, text in zip(axis.tickvals, axis.ticktext, strict=True):
        assert text == labelled(n).labels[place]


def test_detail_along_seconds() -> None:
    seconds = Measured("Seconds", np.arange(130) * 1024 / 22050, "s")
    figure = detail(np.full((130, 130), 1 / 130), seconds, seconds)
    assert figure.data[0].x[129] == pytest.approx(5.99, abs=0.01)
    assert "%{x:.2f} s" in figure.data[0].hovertemplate


def test_small_multiples_show_every_head_of_every_layer_on_one_scale() -> None:
    random = np.random.default_rng(0)
    maps = [random.dirichlet(np.ones(7), size=(4, 5)) for _ in range(3)]
    maps[1][2, 3, 4] = np.nan
    figure = small_multiples(maps)
    assert [trace.hovertemplate for trace in figure.data[3:6]] == [
        "layer 1, head 4<extra></extra>", "layer 2, head 1<extra></extra>", "layer 2, head 2<extra></extra>"
    ]  # fmt: skip
    shades = np.array([trace.z for trace in figure.data], dtype=int)
    weights = np.concatenate(maps)
    blank = np.isnan(weights)
    assert (shades[blank] == 0).all()
    assert shades[~blank].min() >= 1
    np.testing.assert_allclose(
        ((shades[~blank] - 1) / 254) ** 2, weights[~blank] / np.nanmax(weights), atol=0.004
    )
    assert {(trace.zmin, trace.zmax) for trace in figure.data} == {(0, 255)}
    domains = {(figure.layout[f"xaxis{i}"].domain, figure.layout[f"yaxis{i}"].domain) for i in range(2, 13)}
    assert len(domains) == 11, "no map lies on another"


def test_small_multiples_are_small_to_send() -> None:
    maps = [np.random.default_rng(0).dirichlet(np.ones(130), size=(4, 130)) for _ in range(2)]
    assert len(small_multiples(maps).to_json()) < 250_000


PITCHES = {f"p{i}": 0.01 * i for i in range(1, 13)} | {"end": 0.0002, "rare": 0.0001}


def test_next_note_shows_the_ten_likeliest_in_order() -> None:
    figure = next_note(PITCHES, {"1/8": 0.9, "1/4": 0.0999, "1": 0.0001})
    assert figure.layout.yaxis.ticktext == tuple(f"p{i}" for i in range(12, 2, -1))
    assert list(figure.data[0].x) == pytest.approx([0.01 * i for i in range(12, 2, -1)])
    assert figure.data[0].text[:3] == ("12%", "11%", "10%")
    assert figure.data[0].text[-1] == "3.0%"
    assert figure.layout.yaxis2.ticktext == ("1/8", "1/4")


@pytest.mark.parametrize(("chosen", "place"), [("p12", 0), ("p4", 8), ("rare", 9)])
def test_next_note_marks_what_was_chosen(chosen: str, place: int) -> None:
    figure = next_note(PITCHES, {"1/8": 0.9, "1/4": 0.1}, (chosen, "1/4"))
    assert [i for i, text in enumerate(figure.layout.yaxis.ticktext) if "▶" in text] == [place]
    assert figure.layout.yaxis.ticktext[place] == f"▶ {chosen}"
    opacity = figure.data[0].marker.opacity
    assert len(opacity) == 10
    assert all(opacity[place] > other for i, other in enumerate(opacity) if i != place)
    assert figure.layout.yaxis2.ticktext[1] == "▶ 1/4"


def test_percent_is_as_precise_as_it_is_useful() -> None:
    shares = (0, 0.0004, 0.001, 0.024, 0.0996, 0.314, 0.9949, 0.996, 0.99949, 0.9996, 1)
    expected = ["under 0.1%", "under 0.1%", "0.1%", "2.4%", "10%", "31%", "99%"]
    expected += ["99.6%", "99.9%", "over 99.9%", "100%"]
    assert [look.percent(share) for share in shares] == expected


def luminance(colour: str) -> float:
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("colour", [look.SEED, look.MODEL, look.TEXT])
@pytest.mark.parametrize("panel", PANELS)
def test_colours_stand_out_in_light_and_dark(colour: str, panel: str) -> None:
    darker, lighter = sorted((luminance(colour), luminance(panel)))
    assert (lighter + 0.05) / (darker + 0.05) >= 3  # WCAG 1.4.11


FIGURES = {
    "roll": piano_roll(TUNE, 3, COMMON),
    "arcs": with_arcs(piano_roll(TUNE, 3, COMMON), TUNE, 4, np.full(8, 0.125)),
    "detail": detail(np.eye(3), labelled(3), labelled(3)),
    "small": small_multiples([np.ones((2, 3, 3)) / 3]),
    "next": next_note(PITCHES, {"1/8": 1.0}),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_leave_colour_and_type_to_the_page_and_say_what_they_show(name: str) -> None:
    layout = FIGURES[name].layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
    assert not layout.template.layout.to_plotly_json()
    assert layout.font.size >= 12
    assert len(layout.meta["alt"]) > 20
