"""How good systems are: confusion matrices, and accuracies with intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genre_models.metrics import Accuracy
from genre_models.plots.look import FAINT, FONT_SIZE, GRID, SMALL, TEXT, axis, faded, figure, interval

ROW_HEIGHT = 54  # pixels
MATRIX_HEIGHT = 560
SYMBOLS = ("circle-open", "diamond-open", "circle")
"""Of splits, from the leakiest to the honest one."""
SPREAD = 0.24
"""Between the marks of a system, where the systems are 1 apart."""
DARKEST = 0.62
"""Opacity of a cell that holds a whole row: its number must still be read."""
CHANCE = 0.1


def confusion(counts: np.ndarray, names: Sequence[str], title: str, colour: str, shares: bool) -> go.Figure:
    """Tracks by true and named genre, (genres, genres), in `colour`; in the cells shares of a row or counts.

    Cells are shaded by their share of the row in either case. A row without tracks stays blank.
    """
    totals = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, totals, out=np.zeros_like(counts, dtype=float), where=totals > 0)
    heatmap = {
        "type": "heatmap",
        "x": list(names),
        "y": list(names),
        "z": share,
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, faded(colour, 0)], [1, faded(colour, DARKEST)]],
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "text": _percentages(share) if shares else _counts(counts),
        "texttemplate": "%{text}",
        "textfont": {"size": SMALL},
        "customdata": counts,
        "hovertemplate": "%{y} named %{x}: %{z:.0%} of the row, %{customdata:.3~f} tracks<extra></extra>",
    }
    layout = {
        "xaxis": axis("Genre that was named", type="category", fixedrange=True, autotickangles=[0, -90]),
        "yaxis": axis("True genre", type="category", autorange="reversed", fixedrange=True),
        "margin": {"l": 84, "r": 8, "t": 8, "b": 70},
    }
    right = float(np.diag(counts).sum() / counts.sum())
    alt = f"Confusion matrix of {title}: {right:.0%} of the tracks on the diagonal."
    return figure([heatmap], layout, alt, MATRIX_HEIGHT)


def _percentages(share: np.ndarray) -> list[list[str]]:
    return [[f"{100 * value:.0f}" if value >= 0.005 else "" for value in row] for row in share]


def _counts(counts: np.ndarray) -> list[list[str]]:
    """With one decimal where means over shuffles are no whole numbers."""
    return [[f"{value:.1f}".removesuffix(".0") if value else "" for value in row] for row in counts]


def by_split(
    splits: Mapping[str, Mapping[str, Accuracy]], titles: Mapping[str, str], colours: Mapping[str, str]
) -> go.Figure:
    """Accuracies under every split side by side, with intervals; `splits` from the leakiest on.

    `titles` and `colours` are those of the systems, in the order in which they stand.
    """
    places = {system: i for i, system in enumerate(titles)}
    data: list[dict[str, Any]] = []
    symbols = SYMBOLS[-len(splits) :]
    for i, ((split, systems), symbol) in enumerate(zip(splits.items(), symbols, strict=True)):
        offset = (i - (len(splits) - 1) / 2) * SPREAD
        data.append(_in_legend(split, symbol))
        data += [
            _mark(titles[system], split, accuracy, places[system] + offset, colours[system], symbol)
            for system, accuracy in systems.items()
        ]
    layout = {
        "xaxis": axis(
            "Balanced accuracy (%)",
            range=[0, 1],
            tickformat=".0%",
            showgrid=True,
            gridcolor=FAINT,
            fixedrange=True,
        ),
        "yaxis": axis(
            "System",
            tickvals=list(places.values()),
            ticktext=list(titles.values()),
            range=[len(places) - 0.5, -0.5],
            fixedrange=True,
        ),
        "shapes": [_chance()],
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": FONT_SIZE}},
        "margin": {"l": 100, "r": 16, "t": 44, "b": 54},
    }
    alt = f"Balanced accuracy of {len(titles)} systems when tracks are split {', '.join(splits)}."
    return figure(data, layout, alt, ROW_HEIGHT * len(titles) + 98)


def _mark(title: str, split: str, accuracy: Accuracy, y: float, colour: str, symbol: str) -> dict[str, Any]:
    reach = f"{accuracy.low:.1%} to {accuracy.high:.1%}"
    return interval(accuracy.value, accuracy.low, accuracy.high, colour) | {
        "y": [y],
        "legendgroup": split,
        "showlegend": False,
        "marker": {"color": colour, "symbol": symbol, "size": 9, "line": {"color": colour, "width": 2}},
        "hovertemplate": f"{title}, {split}: %{{x:.1%}} ({reach})<extra></extra>",
    }


def _in_legend(split: str, symbol: str) -> dict[str, Any]:
    """The sign of a split without a system's colour."""
    marker = {"color": TEXT, "symbol": symbol, "size": 9, "line": {"color": TEXT, "width": 2}}
    nothing = {"x": [None], "y": [None], "hoverinfo": "skip"}
    return {
        "type": "scatter", "mode": "markers", "name": split, "legendgroup": split, "marker": marker, **nothing
    }  # fmt: skip


def _chance() -> dict[str, Any]:
    """Where guessing among ten genres ends."""
    line = {"color": GRID, "width": 1.5, "dash": "dot"}
    return {"type": "line", "x0": CHANCE, "x1": CHANCE, "y0": 0, "y1": 1, "yref": "paper", "line": line}
