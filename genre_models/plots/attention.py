"""Attention maps: all layers and heads at a glance, and one in detail.

A map is (queries, keys), shares of 1 along the keys; NaN, where a query could not look, stays blank.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genre_models.plots.look import CLEAR, FONT_SIZE, SMALL, axis, colour_bar, figure, percent

COLOURS = ((0.0, "#00224e"), (0.25, "#35456c"), (0.5, "#7d7c78"), (0.75, "#bcae6c"), (1.0, "#fee838"))
"""Cividis: even steps, and the same for colour-blind eyes (Nuñez, Anderton and Renslow 2018)."""
MOST_TICKS = 22
DETAIL_ROW = 18  # pixels
DETAIL_HEIGHTS = 120, 400  # pixels, of the map alone
MARGIN_ABOVE, MARGIN_BELOW = 76, 84
TITLE_ABOVE = 28
"""Pixels of the map: the scale stands between."""
TOP_LEFT = {"x": 0, "y": 1, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
ROW_HEIGHT = 116
GAP = 0.035
"""Between small maps, as a share of the width."""
LEVELS = 255
"""Shades of a small map, and a shade for blank: one byte a cell."""


@dataclass(frozen=True)
class Labelled:
    """An axis of things with names, such as notes: `labels` beside it, `names` where the pointer is.

    Names must differ, as "E5 (note 2)"; labels need not.
    """

    title: str
    labels: Sequence[str]
    names: Sequence[str]

    @property
    def places(self) -> list[str]:
        """One for each cell."""
        return list(self.names)

    @property
    def layout(self) -> dict[str, Any]:
        """Every label, or every n-th where there are too many."""
        step = -(-len(self.labels) // MOST_TICKS)
        shown = range(0, len(self.labels), step)
        return axis(
            self.title,
            type="category",
            tickvals=list(shown),
            ticktext=[self.labels[i] for i in shown],
        )

    def pointed(self, letter: str) -> str:
        """What the pointer says of it."""
        return f"%{{{letter}}}"


@dataclass(frozen=True)
class Measured:
    """An axis of numbers in ascending order, such as the seconds at which frames stand."""

    title: str
    values: Sequence[float] | np.ndarray
    unit: str

    @property
    def places(self) -> list[float]:
        """One for each cell."""
        return [float(value) for value in self.values]

    @property
    def layout(self) -> dict[str, Any]:
        """Ticks are left to Plotly."""
        return axis(self.title, nticks=8)

    def pointed(self, letter: str) -> str:
        """What the pointer says of it."""
        return f"%{{{letter}:.2f}} {self.unit}"


Axis = Labelled | Measured


def detail(weights: np.ndarray, queries: Axis, keys: Axis, title: str = "") -> go.Figure:
    """One map (queries, keys): who looks downwards, at whom across."""
    largest = float(np.nanmax(weights))
    says = f"{queries.pointed('y')} looks at {keys.pointed('x')}: %{{z:.1~%}}<extra></extra>"
    heatmap = {
        "type": "heatmap",
        "x": keys.places,
        "y": queries.places,
        "z": weights.astype(np.float32),
        "zmin": 0,
        "zmax": largest,
        "colorscale": COLOURS,
        "hoverongaps": False,
        "hovertemplate": says,
        "colorbar": colour_bar([0, largest], ["0%", percent(largest)]),
    }
    layout = {
        "title": {"text": title, "font": {"size": FONT_SIZE + 1}, "pad": {"b": TITLE_ABOVE}, **TOP_LEFT},
        "xaxis": keys.layout | {"autotickangles": [0, -90]},
        "yaxis": queries.layout | {"autorange": "reversed"},
        "margin": {"l": 66, "r": 12, "t": MARGIN_ABOVE, "b": MARGIN_BELOW},
        "uirevision": title,
    }
    rows, columns = weights.shape
    alt = f"Attention map {title}: {rows} rows that look, {columns} columns that are looked at."
    height = int(np.clip(DETAIL_ROW * rows, *DETAIL_HEIGHTS))
    return figure([heatmap], layout, alt, height + MARGIN_ABOVE + MARGIN_BELOW)


def small_multiples(maps: Sequence[np.ndarray]) -> go.Figure:
    """Every layer (a row) and head (a column); `maps` has one (heads, queries, keys) a layer.

    Traces are in the order of reading. Brightness is the square root of the weight, on one scale for all, so
    that heads that look everywhere show beside those that look at one place.
    """
    n_layers, n_heads = len(maps), max(len(layer) for layer in maps)
    largest = max(float(np.nanmax(layer)) for layer in maps)
    data: list[dict[str, Any]] = []
    layout: dict[str, Any] = {
        "annotations": [],
        "margin": {"l": 26, "r": 4, "t": 26, "b": 6},
        "dragmode": False,
    }
    for row, layer in enumerate(maps):
        bottom, top = _span(n_layers - 1 - row, n_layers)
        layout["annotations"].append(_beside(f"layer {row + 1}", (bottom + top) / 2))
        for column, weights in enumerate(layer):
            number = len(data) + 1
            left, right = _span(column, n_heads)
            data.append(_small(weights, largest, number, f"layer {row + 1}, head {column + 1}"))
            layout[f"xaxis{number}"] = _bare(number, "x") | {"domain": [left, right]}
            layout[f"yaxis{number}"] = _bare(number, "y") | {"domain": [bottom, top], "autorange": "reversed"}
    layout["annotations"] += [_above(f"head {i + 1}", sum(_span(i, n_heads)) / 2) for i in range(n_heads)]
    alt = f"Attention maps of {n_layers} layers with {n_heads} heads each."
    return figure(data, layout, alt, ROW_HEIGHT * n_layers + 40)


def _small(weights: np.ndarray, largest: float, number: int, name: str) -> dict[str, Any]:
    """A map in one byte a cell, 0 for blank."""
    blank = np.isnan(weights)
    shades = 1 + np.round((LEVELS - 1) * np.sqrt(np.where(blank, 0, weights) / largest))
    first = 0.5 / LEVELS
    return {
        "type": "heatmap",
        "z": np.where(blank, 0, shades).astype(np.uint8),
        "zmin": 0,
        "zmax": LEVELS,
        "colorscale": [(0, CLEAR), (first, CLEAR), *((first + (1 - first) * at, c) for at, c in COLOURS)],
        "showscale": False,
        "xaxis": f"x{number}",
        "yaxis": f"y{number}",
        "hovertemplate": f"{name}<extra></extra>",
    }


def _span(place: int, places: int) -> tuple[float, float]:
    """From where to where, 0 to 1, the n-th of several lies, with a gap between them."""
    width = (1 - GAP * (places - 1)) / places
    start = place * (width + GAP)
    return start, min(1.0, start + width)


def _bare(number: int, letter: str) -> dict[str, Any]:
    other = "y" if letter == "x" else "x"
    bare = {"showgrid": False, "zeroline": False, "showline": False, "showticklabels": False, "ticks": ""}
    return bare | {"anchor": f"{other}{number}", "fixedrange": True}


def _beside(text: str, y: float) -> dict[str, Any]:
    return _annotation(text) | {
        "x": 0,
        "y": y,
        "xanchor": "right",
        "yanchor": "middle",
        "xshift": -4,
        "textangle": -90,
    }


def _above(text: str, x: float) -> dict[str, Any]:
    return _annotation(text) | {"x": x, "y": 1, "xanchor": "center", "yanchor": "bottom", "yshift": 2}


def _annotation(text: str) -> dict[str, Any]:
    return {"text": text, "xref": "paper", "yref": "paper", "showarrow": False, "font": {"size": SMALL}}
