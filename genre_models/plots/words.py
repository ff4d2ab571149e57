"""Words that look at words: the classic picture of two sentences, and how good the models of words are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genre_models.plots.attention import Labelled, detail, small_multiples
from genre_models.plots.look import FAINT, SMALL, TEXT, axis, figure, interval
from genre_models.words_measured import Score

SIDE = 460
CELLS = 16, 52
"""Pixels of the map and of its cells: those of few words are not blown up."""
NARROWEST = 18
"""Pixels of a cell: what is left out of sight then is scrolled to."""
LEAST_ACROSS = 160
"""Pixels of the map however few its columns: into less, Plotly cannot put the scale and the words above."""
LETTER = 7.5  # pixels
LEANING = -45, -90  # degrees, of the words above where there is room, and where there is little
MARGIN_ABOVE, MARGIN_BELOW, MARGIN_RIGHT = 104, 40, 40
LONGEST_SCALE = 150  # pixels
MOST_WORDS = 48
"""On one side: of more, every n-th is written beside the map."""
SCORE_ROW, SCORE_MARGINS = 34, {"l": 96, "r": 14, "t": 8, "b": 52}  # pixels


@dataclass(frozen=True)
class WordMaps:
    """Attention between words, (layers, heads, queries, keys); NaN at what a query could not see."""

    layers: np.ndarray
    queries: Labelled
    keys: Labelled


def every_head(maps: WordMaps, layer: int | None = None, head: int | None = None) -> go.Figure:
    """All layers and heads at a glance, with a frame around those that a layer and a head, from 0, stand for.

    None stands for all of them; where both are None, nothing is framed.
    """
    n_layers, n_heads = maps.layers.shape[:2]
    rows = range(n_layers) if layer is None else [layer]
    columns = range(n_heads) if head is None else [head]
    chosen = [] if layer is None and head is None else [(row, column) for row in rows for column in columns]
    numbers = [row * n_heads + column + 1 for row, column in chosen]
    return small_multiples(list(maps.layers)).update_layout(shapes=[_frame(number) for number in numbers])


def alignment(weights: np.ndarray, queries: Labelled, keys: Labelled, title: str) -> go.Figure:
    """One map (queries, keys) with the words beside it: who looks downwards, at whom across the top.

    As Bahdanau, Cho and Bengio drew it (ICLR 2015). `layout.meta["widths"]` are the least and the most pixels
    that it should have across: at the most the cells are square, unless the map were too narrow then. `title`
    goes into what is read out.
    """
    drawn = detail(weights, queries, keys, title)
    rows, columns = weights.shape
    cell = int(np.clip(SIDE / max(rows, columns), *CELLS))
    left = int(LETTER * max(len(label) for label in queries.labels)) + 36
    across = [max(width * columns, LEAST_ACROSS) for width in (min(cell, NARROWEST), cell)]
    widths = [left + width + MARGIN_RIGHT for width in across]
    return drawn.update_traces(xgap=1, ygap=1, colorbar=_scale(across[-1])).update_layout(
        title=None,
        meta={**drawn.layout.meta, "widths": widths},
        height=cell * rows + MARGIN_ABOVE + MARGIN_BELOW,
        margin={"l": left, "r": MARGIN_RIGHT, "t": MARGIN_ABOVE, "b": MARGIN_BELOW},
        xaxis=_ticks(keys) | {"side": "top", "autotickangles": LEANING},
        yaxis=_ticks(queries),
        dragmode=False,
    )


def scores(systems: Mapping[str, Score], colours: Mapping[str, str], measure: str) -> go.Figure:
    """Systems by name, one below the other, each with its 95% interval; `measure` names axis and unit."""
    data = [_mark(name, place, score, colours[name]) for place, (name, score) in enumerate(systems.items())]
    most = max(score.high for score in systems.values())
    layout: dict[str, Any] = {
        "xaxis": axis(measure, range=[0, 1.08 * most], showgrid=True, gridcolor=FAINT, fixedrange=True),
        "yaxis": axis(
            "",
            tickvals=list(range(len(systems))),
            ticktext=list(systems),
            range=[len(systems) - 0.5, -0.5],
            fixedrange=True,
        ),
        "margin": SCORE_MARGINS,
        "dragmode": False,
    }
    said = ", ".join(f"{name} {score.value:.3g}" for name, score in systems.items())
    height = SCORE_ROW * len(systems) + SCORE_MARGINS["t"] + SCORE_MARGINS["b"]
    return figure(data, layout, f"{measure}: {said}.", height)


def _frame(number: int) -> dict[str, Any]:
    """Around the map of this number; the first has none in the name of its axes."""
    name = number if number > 1 else ""
    return {
        "type": "rect",
        **{"xref": f"x{name} domain", "yref": f"y{name} domain"},
        **{"x0": 0, "x1": 1, "y0": 0, "y1": 1},
        "line": {"color": TEXT, "width": 3},
    }


def _ticks(words: Labelled) -> dict[str, Any]:
    """Every word, as nobody reads a sentence with gaps."""
    step = -(-len(words.labels) // MOST_WORDS)
    shown: Sequence[int] = range(0, len(words.labels), step)
    return {
        "tickvals": list(shown),
        "ticktext": [words.labels[i] for i in shown],
        "tickfont": {"size": SMALL + 2},
        "title": {"text": words.title, "standoff": 6},
        "fixedrange": True,
    }


def _scale(width: int) -> dict[str, Any]:
    """Below the map, as the words stand above it."""
    return {
        "x": 0,
        "xanchor": "left",
        "y": -0.01,
        "yanchor": "top",
        "lenmode": "pixels",
        "len": min(width, LONGEST_SCALE),
        "ticklabelposition": "outside bottom",
    }


def _mark(name: str, place: int, score: Score, colour: str) -> dict[str, Any]:
    return interval(score.value, score.low, score.high, colour) | {
        "y": [place],
        "marker": {"color": colour, "size": 10},
        "hovertemplate": f"{name}: {score.value:.1f} ({score.low:.1f} to {score.high:.1f})<extra></extra>",
    }
