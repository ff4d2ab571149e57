"""What a model held likely next: the note, and how long it lasts; or the word."""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from genre_models.plots.look import FONT_SIZE, MODEL, Layout, axis, figure, heading, percent

MOST = 10
LEAST = 0.001
"""What is less likely is not shown, unless it was chosen."""
ROW_HEIGHT = 27  # pixels
OTHERS_OPACITY = 0.4
NOTES_END, LENGTHS_START = 0.52, 0.66
"""Of the width: where one half ends and the other begins, with room for labels between."""
ROOM = 1.45
"""Of the longest bar, for the percentage behind it."""
ABOVE: Layout = {"yshift": 6, "font": {"size": FONT_SIZE}}
FRAME: Layout = {
    "bargap": 0.25,
    "barcornerradius": 3,
    "dragmode": False,
    "margin": {"l": 64, "r": 8, "t": 30, "b": 30},
    "uirevision": "probabilities",
}


def next_note(
    pitches: Mapping[str, float], lengths: Mapping[str, float], chosen: tuple[str, str] | None = None
) -> go.Figure:
    """The likeliest notes and lengths with their probabilities; the pitch and length `chosen` are marked.

    What was chosen takes the last place where it is not among the likeliest.
    """
    pitch, length = chosen or (None, None)
    left, right = _likeliest(pitches, pitch), _likeliest(lengths, length)
    rows = max(len(left), len(right))
    layout = FRAME | {
        "xaxis": _shares(left) | {"domain": [0, NOTES_END], "anchor": "y"},
        "yaxis": _names(left, pitch, rows) | {"anchor": "x"},
        "xaxis2": _shares(right) | {"domain": [LENGTHS_START, 1], "anchor": "y2"},
        "yaxis2": _names(right, length, rows) | {"anchor": "x2"},
        "annotations": [heading("Next note", **ABOVE), heading("Its length", x=LENGTHS_START, **ABOVE)],
    }
    data = [_bars(left, pitch, "x", "y"), _bars(right, length, "x2", "y2")]
    best = ", ".join(f"{name} {percent(share)}" for name, share in left[:3])
    return figure(data, layout, f"Likeliest next notes: {best}.", ROW_HEIGHT * rows + 60)


def next_word(words: Mapping[str, float], chosen: str | None = None) -> go.Figure:
    """The likeliest next words, or parts of words, with their probabilities; the `chosen` one is marked."""
    shown = _likeliest(words, chosen)
    layout = FRAME | {
        "xaxis": _shares(shown),
        "yaxis": _names(shown, chosen, len(shown)),
        "margin": {"l": 96, "r": 8, "t": 4, "b": 30},
    }
    best = ", ".join(f"{name} {percent(share)}" for name, share in shown[:3])
    height = ROW_HEIGHT * len(shown) + 34
    return figure([_bars(shown, chosen, "x", "y")], layout, f"Likeliest next words: {best}.", height)


def _likeliest(shares: Mapping[str, float], chosen: str | None) -> list[tuple[str, float]]:
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    shown = [item for item in ordered[:MOST] if item[1] >= LEAST]
    if chosen is None or chosen in dict(shown):
        return shown
    return [*shown[: MOST - 1], (chosen, shares[chosen])]


def _bars(shown: list[tuple[str, float]], chosen: str | None, x: str, y: str) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "x": [share for _, share in shown],
        "y": list(range(len(shown))),
        "xaxis": x,
        "yaxis": y,
        "text": [percent(share) for _, share in shown],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {
            "color": MODEL,
            "opacity": [1 if name == chosen or chosen is None else OTHERS_OPACITY for name, _ in shown],
            "line": {"width": 0},
        },
        "hovertext": [f"{name}: {share:.2%}{', chosen' if name == chosen else ''}" for name, share in shown],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _shares(shown: list[tuple[str, float]]) -> dict[str, Any]:
    longest = max(share for _, share in shown)
    return axis("Probability", range=[0, longest * ROOM], showticklabels=False, fixedrange=True)


def _names(shown: list[tuple[str, float]], chosen: str | None, rows: int) -> dict[str, Any]:
    return axis(
        "",
        range=[rows - 0.5, -0.5],
        tickvals=list(range(len(shown))),
        ticktext=[f"▶ {name}" if name == chosen else name for name, _ in shown],
        fixedrange=True,
    )
