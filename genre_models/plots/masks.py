"""Which positions of a decoder may look at which: the look-ahead and the padding mask."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from genre_models.plots.look import MODEL, Layout, axis, figure

LATER = "rgba(128, 134, 144, 0.13)"
PADDING = "rgba(128, 134, 144, 0.5)"
UNCOUNTED = "rgba(139, 92, 214, 0.22)"
KINDS = (
    (LATER, "hidden: it comes later"),
    (PADDING, "hidden: padding"),
    (UNCOUNTED, "may look, but its answer does not count"),
    (MODEL, "may look"),
)
"""What a cell can be: its colour and its words."""
CELL = 22  # pixels
MARGINS = {"l": 74, "r": 10, "t": 10, "b": 90}


def mask(visible: np.ndarray, labels: Sequence[str], n_padding: int) -> go.Figure:
    """`visible` (positions, positions) says which of the tokens in `labels` a row may look at.

    The last `n_padding` of the positions are filled up.
    """
    kinds = _kinds(visible, n_padding)
    names = [f"{label} ({i})" for i, label in enumerate(labels, start=1)]
    words = np.array([text for _, text in KINDS])[kinds]
    heatmap = {
        "type": "heatmap",
        "x": names,
        "y": names,
        "z": kinds.astype(np.uint8),
        "zmin": 0,
        "zmax": len(KINDS) - 1,
        "colorscale": _steps(),
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "customdata": words,
        "hovertemplate": "after %{y}, towards %{x}:<br>%{customdata}<extra></extra>",
    }
    places = list(range(len(labels)))
    category = {"type": "category", "tickvals": places, "ticktext": list(labels), "fixedrange": True}
    layout: Layout = {
        "xaxis": axis("Token that is looked at", **category, tickangle=-90),
        "yaxis": axis("Token that looks", **category, autorange="reversed"),
        "margin": MARGINS,
        "dragmode": False,
    }
    alt = (
        f"Mask of {len(labels)} tokens, the last {n_padding} of them padding: each may look at itself and "
        "those before it, none at later ones or at padding."
    )
    return figure([heatmap], layout, alt, CELL * len(labels) + MARGINS["t"] + MARGINS["b"])


def _kinds(visible: np.ndarray, n_padding: int) -> np.ndarray:
    """Places in KINDS, (positions, positions)."""
    n = len(visible)
    is_padding = np.arange(n) >= n - n_padding
    hidden = np.where(is_padding[None, :], 1, 0)  # (1, positions)
    seen = np.where(is_padding[:, None], 2, 3)  # (positions, 1)
    return np.where(visible, seen, hidden)


def _steps() -> list[tuple[float, str]]:
    """A colour scale without shades between."""
    share = 1 / len(KINDS)
    edges = [(i * share, (i + 1) * share, colour) for i, (colour, _) in enumerate(KINDS)]
    return [(edge, colour) for start, end, colour in edges for edge in (start, end)]
