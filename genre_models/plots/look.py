"""What all figures share: type, colours that stand out on light and on dark, and the page's part of it."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

SEED = "#c2570c"  # as in the sheet music
MODEL = "#8b5cd6"  # between the two violets that name the Transformer elsewhere
MODELS = {"mlp": "#d9457f", "cnn": "#3d82e8", "lstm": "#11936b", "transformer": MODEL, "musicnn": "#b07818"}
"""The colour of each classifier: between its two in `ui.theme`, to stand out on light and on dark."""
SHADE = "rgba(128, 134, 144, 0.14)"
GRID = "rgba(128, 134, 144, 0.45)"
FAINT = "rgba(128, 134, 144, 0.2)"
TEXT = "#7d838d"
"""Of text where no style sheet says better."""
CLEAR = "rgba(0, 0, 0, 0)"
FONT = '"Source Sans Pro", system-ui, sans-serif'
FONT_SIZE = 13  # pixels
SMALL = 12

CSS = """
.js-plotly-plot text { fill: var(--ink) !important; }
.js-plotly-plot .hovertext path { fill: var(--panel) !important; stroke: var(--control) !important; }
.js-plotly-plot .modebar-btn path { fill: var(--muted) !important; }
"""
"""For the page: figures do not know what they stand on, so their text takes its colours."""

Layout = dict[str, Any]


def figure(data: list[dict[str, Any]], layout: Layout, alt: str, height: int) -> go.Figure:
    """A figure `height` pixels high and as wide as its place; `layout.meta["alt"]` says what it shows."""
    base: Layout = {
        "template": {},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"family": FONT, "size": FONT_SIZE, "color": TEXT},
        "hoverlabel": {"font": {"family": FONT, "size": FONT_SIZE}, "align": "left"},
        "modebar": {
            "bgcolor": CLEAR,
            "remove": ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
        },
        "showlegend": False,
        "autosize": True,
        "height": height,
        "meta": {"alt": alt},
    }
    return go.Figure({"data": data, "layout": base | layout})


def axis(title: str, **more: Any) -> Layout:
    """An axis without lines of its own."""
    return {
        "title": {"text": title, "standoff": 10, "font": {"size": FONT_SIZE}},
        "showgrid": False,
        "zeroline": False,
        "showline": False,
        "tickfont": {"size": SMALL},
        "ticks": "",
        "automargin": True,
        **more,
    }


def percent(share: float) -> str:
    """A share for a person: 31%, 2.4%, under 0.1%; 99.6% and over 99.9% for what is not all."""
    if share < 0.001:
        return "under 0.1%"
    if 0.9995 <= share < 1:
        return "over 99.9%"
    return f"{share:.1%}" if share < 0.0995 or 0.995 <= share < 1 else f"{share:.0%}"


def two_sided(below: str, above: str) -> list[tuple[float, str]]:
    """A colour scale about zero, which leaves the paper as it is; `below` and `above` as "#rrggbb"."""
    return [(0.0, below), (0.5, faded(below, 0)), (0.5, faded(above, 0)), (1.0, above)]


def faded(colour: str, opacity: float) -> str:
    """A colour "#rrggbb" that lets through what is behind it."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def colour_bar(values: Sequence[float], words: Sequence[str], **more: Any) -> Layout:
    """A flat scale above a picture, so that it takes no width from it; `words` stand at `values`."""
    return {
        "orientation": "h",
        "x": 1,
        "xanchor": "right",
        "y": 1.01,
        "yanchor": "bottom",
        "len": 0.5,
        "thickness": 8,
        "tickvals": values,
        "ticktext": words,
        "tickfont": {"size": SMALL, "color": TEXT},
        "ticklabelposition": "outside top",
        "outlinewidth": 0,
        **more,
    }


def heading(text: str, y: float = 1, **more: Any) -> Layout:
    """Words above the left end of a picture whose upper edge is at `y`."""
    return {
        "text": text,
        "font": {"size": SMALL},
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": y,
        "yref": "paper",
        "yanchor": "bottom",
        "yshift": 3,
        "showarrow": False,
        **more,
    }


def interval(value: float, low: float, high: float, colour: str) -> Layout:
    """A mark at `value`, with a line from `low` to `high` through it."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [value],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [high - value],
            "arrayminus": [value - low],
            "color": colour,
            "thickness": 1.5,
            "width": 4,
        },
    }
