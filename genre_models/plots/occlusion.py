"""What changes a model's answer when a part of its input is taken away."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genre_models.plots.features import coefficient_name
from genre_models.plots.look import (
    GRID,
    MODELS,
    SMALL,
    TEXT,
    Layout,
    axis,
    colour_bar,
    figure,
    heading,
    two_sided,
)

HEIGHT = 680  # pixels
OVER_TIME, OVER_COEFFICIENTS = (0.55, 1.0), (0.0, 0.41)
"""Of the height: where the curves and the bars lie."""
LEAST_RANGE = 2.0
"""Percentage points in sight at least, so that a trifle does not look like a mountain."""
ROOM = 1.12
MEL_HEIGHT = 330
SECONDS = "Seconds"


@dataclass(frozen=True)
class Occluded:
    """One model: changes of its probability of a genre, as shares of 1.

    `by_time` stand at `times_s`, the middles of the windows taken away; `by_coefficient` are (13,).
    """

    name: str
    title: str
    times_s: np.ndarray
    by_time: np.ndarray
    by_coefficient: np.ndarray


def occlusion(models: Sequence[Occluded], genre: str, span_s: tuple[float, float], player: str) -> go.Figure:
    """Curves over the seconds of a segment, and bars for the coefficients, in the colours of the models.

    `span_s` is where the segment begins and ends; `player` is the element that plays the clip.
    """
    points = f"Change of P({genre}), % points"
    n_coefficients = len(models[0].by_coefficient)
    layout: Layout = {
        "xaxis": axis(SECONDS, range=list(span_s), anchor="y", nticks=8, fixedrange=True),
        "yaxis": _points(points, OVER_TIME, [model.by_time for model in models]) | {"anchor": "x"},
        "xaxis2": axis("MFCC taken from the whole segment", anchor="y2", fixedrange=True)
        | {"tickvals": list(range(n_coefficients)), "range": [-0.5, n_coefficients - 0.5]},
        "yaxis2": _points(points, OVER_COEFFICIENTS, [model.by_coefficient for model in models])
        | {"anchor": "x2"},
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": SMALL}},
        "barmode": "group",
        "bargap": 0.2,
        "bargroupgap": 0,
        "margin": {"l": 62, "r": 10, "t": 34, "b": 48},
        "dragmode": False,
        "hovermode": "closest",
    }
    data = [trace for model in models for trace in (_curve(model), _bars(model))]
    drawn = figure(data, layout, _strongest(models, genre), HEIGHT)
    drawn.layout.meta |= {"player": player}
    return drawn


def mel_occlusion(
    name: str,
    change: np.ndarray,
    time_edges_s: np.ndarray,
    frequency_edges_hz: np.ndarray,
    genre: str,
    player: str,
) -> go.Figure:
    """Change of the probability with each cell of a spectrogram silenced, (bands, times), shares of 1.

    What the model `name` misses has its colour, what spoke against the genre is grey. Edges are those of the
    cells, one more than cells; NaN, not tried yet, stays blank.
    """
    points = 100 * change
    known = points[~np.isnan(points)]
    largest = max(LEAST_RANGE, float(np.abs(known).max()) if len(known) else 0.0)
    scale = [f"−{largest:.1f}", "0", f"+{largest:.1f}"]
    bands = [f"{low:,.0f} to {high:,.0f} Hz" for low, high in _pairs(frequency_edges_hz)]
    heatmap = {
        "type": "heatmap",
        "x": time_edges_s.astype(np.float32),
        "y": bands,
        "z": points.astype(np.float32),
        "zmin": -largest,
        "zmax": largest,
        "colorscale": two_sided(MODELS[name], TEXT),
        "xgap": 1,
        "ygap": 1,
        "hoverongaps": False,
        "hovertemplate": f"%{{x:.1f}} s, %{{y}}: P({genre}) %{{z:+.1f}} % points<extra></extra>",
        "colorbar": colour_bar([-largest, 0, largest], scale, len=0.45),
    }
    layout: Layout = {
        "xaxis": axis(SECONDS, nticks=8, fixedrange=True),
        "yaxis": axis("Frequency, Hz", type="category", fixedrange=True)
        | {
            "tickvals": list(range(len(bands))),
            "ticktext": [_range(pair) for pair in _pairs(frequency_edges_hz)],
        },
        "margin": {"l": 62, "r": 14, "t": 40, "b": 48},
        "annotations": [heading("Change, % points")],
        "dragmode": False,
    }
    alt = (
        f"Change of the probability of {genre} with each of {change.size} cells of the spectrogram silenced."
    )
    drawn = figure([heatmap], layout, alt, MEL_HEIGHT)
    drawn.layout.meta |= {"player": player}
    return drawn


def _curve(model: Occluded) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": model.title,
        "legendgroup": model.name,
        "x": model.times_s.astype(np.float32),
        "y": (100 * model.by_time).astype(np.float32),
        "line": {"color": MODELS[model.name], "width": 2},
        "marker": {"size": 4},
        "hovertemplate": f"{model.title}, without the moment around %{{x:.2f}} s: %{{y:+.1f}} % points"
        "<extra></extra>",
    }


def _bars(model: Occluded) -> dict[str, Any]:
    names = [coefficient_name(i) for i in range(len(model.by_coefficient))]
    return {
        "type": "bar",
        "showlegend": False,
        "legendgroup": model.name,
        "xaxis": "x2",
        "yaxis": "y2",
        "x": list(range(len(names))),
        "y": (100 * model.by_coefficient).astype(np.float32),
        "marker": {"color": MODELS[model.name], "line": {"width": 0}},
        "customdata": names,
        "hovertemplate": f"{model.title}, without MFCC %{{x}}, %{{customdata}}: %{{y:+.1f}} % points"
        "<extra></extra>",
    }


def _points(title: str, domain: tuple[float, float], changes: Sequence[np.ndarray]) -> Layout:
    """From the lowest change to the highest, zero always in sight."""
    points = 100 * np.concatenate(changes)
    low, high = min(0.0, float(points.min())), max(0.0, float(points.max()))
    missing = max(0.0, LEAST_RANGE - (high - low)) / 2
    edges = [ROOM * low - missing, ROOM * high + missing]
    line = {"zeroline": True, "zerolinecolor": GRID, "zerolinewidth": 1}
    return axis(title, domain=list(domain), range=edges, nticks=6, fixedrange=True) | line


def _pairs(edges: np.ndarray) -> list[tuple[float, float]]:
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def _range(edges: tuple[float, float]) -> str:
    return f"{edges[0]:,.0f}–{edges[1]:,.0f}"


def _signed(change: float) -> str:
    """A change of probability in whole percentage points: "-20", "+3", "0"."""
    return f"{points:+d}" if (points := round(100 * change)) else "0"


def _strongest(models: Sequence[Occluded], genre: str) -> str:
    """The moment and the coefficient that each model misses most."""
    parts = []
    for model in models:
        moment, row = int(model.by_time.argmin()), int(model.by_coefficient.argmin())
        parts.append(
            f"{model.title}: {_signed(model.by_time[moment])} points without "
            f"{model.times_s[moment]:.1f} s, {_signed(model.by_coefficient[row])} without MFCC {row}"
        )
    return f"Change of the probability of {genre} with parts taken away. {'; '.join(parts)}."
