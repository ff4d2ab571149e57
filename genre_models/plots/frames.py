"""One attention map of a segment, with what its frames hold and how much they are looked at above it."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from genre_models.plots.attention import COLOURS, Measured, detail
from genre_models.plots.features import row_shades
from genre_models.plots.look import GRID, MODELS, axis, heading

HEIGHT = 690  # pixels
RECEIVED, FRAMES, MAP = (0.86, 1.0), (0.66, 0.82), (0.0, 0.55)
"""Of the height: where each of the three lies."""
CURVE = MODELS["transformer"]


def over_frames(
    weights: np.ndarray,
    received: np.ndarray,
    mfccs: np.ndarray,
    times_s: np.ndarray,
    title: str,
    player: str,
) -> go.Figure:
    """A map (130 queries, 130 keys) under the MFCCs (13, 130) of its keys, all at `times_s` (130,).

    `received` (130,) is how much each frame is looked at, 1 where attention is even. `player` is the element
    that plays the clip.
    """
    seconds = Measured("Seconds", times_s, "s")
    looks = Measured("Moment that looks, seconds", times_s, "s")
    drawn = detail(weights, looks, Measured("Moment that is looked at, seconds", times_s, "s"), title)
    drawn.data[0].colorbar.update(y=MAP[1] + 0.004)
    drawn.add_traces([_received(received, times_s), _frames(mfccs, times_s)])
    low, high = float(times_s[0]), float(times_s[-1])
    largest = max(1.2, float(received.max()) * 1.05)
    drawn.update_layout(
        title=None,
        height=HEIGHT,
        margin={"t": 24, "b": 52, "l": 62, "r": 12},
        xaxis={"range": [low, high], "minallowed": low, "maxallowed": high},
        yaxis={"domain": MAP, "range": [high, low], "autorange": False, "fixedrange": True},
        yaxis2=axis("1 = even", domain=RECEIVED, range=[0, largest], nticks=4, fixedrange=True),
        yaxis3=axis("MFCC", domain=FRAMES, type="category", tickvals=[0, 4, 8, 12], fixedrange=True)
        | {"ticktext": ["0", "4", "8", "12"]},
        shapes=[_even()],
        annotations=[
            heading("How much each moment is looked at", RECEIVED[1]),
            heading("The segment’s MFCCs", FRAMES[1]),
            heading(title, MAP[1]),
        ],
        meta=drawn.layout.meta
        | {"player": player, "alt": f"{drawn.layout.meta['alt']} {_peak(received, seconds)}"},
        uirevision=f"{low:.2f}",
    )
    return drawn


def _received(received: np.ndarray, times_s: np.ndarray) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": times_s.astype(np.float32),
        "y": received.astype(np.float32),
        "yaxis": "y2",
        "line": {"color": CURVE, "width": 2},
        "hovertemplate": "%{x:.2f} s: looked at %{y:.2f} times as much as if evenly<extra></extra>",
    }


def _frames(mfccs: np.ndarray, times_s: np.ndarray) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "x": times_s.astype(np.float32),
        "y": [f"MFCC {i}" for i in range(len(mfccs))],
        "yaxis": "y3",
        "z": row_shades(mfccs),
        "zmin": -100,
        "zmax": 100,
        "colorscale": COLOURS,
        "showscale": False,
        "customdata": mfccs.astype(np.float32),
        "hovertemplate": "%{x:.2f} s, %{y}: %{customdata:.1f}<extra></extra>",
    }


def _even() -> dict[str, Any]:
    """Where the curve would lie if every moment were looked at alike."""
    line = {"color": GRID, "width": 1, "dash": "dash"}
    return {"type": "line", "xref": "paper", "yref": "y2", "x0": 0, "x1": 1, "y0": 1, "y1": 1, "line": line}


def _peak(received: np.ndarray, seconds: Measured) -> str:
    most = int(received.argmax())
    return f"Most looked at: {seconds.places[most]:.2f} s, {received[most]:.1f} times as much as if evenly."
