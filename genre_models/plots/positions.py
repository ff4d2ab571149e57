"""The positional formula: every frame's pattern, and how alike the patterns are."""

import numpy as np
import plotly.graph_objects as go

from genre_models.plots.attention import COLOURS
from genre_models.plots.look import GRID, MODEL, Layout, axis, colour_bar, figure

HEIGHT = 500  # pixels
CURVE_TOP, MAP_BOTTOM = 0.27, 0.4
"""Of the height: where the curve ends and the map begins, with room for the seconds between."""
SECONDS = "Seconds into the segment"


def positions(times_s: np.ndarray, pattern: np.ndarray, frame: int, likeness: np.ndarray) -> go.Figure:
    """What is added to the frames, `pattern` (frames, d_model), and how alike that is to one of them.

    The frames stand at `times_s`. The pattern goes from -1 to 1; `likeness` (frames,) is 1 for `frame`.
    """
    frames, width = pattern.shape
    heatmap = {
        "type": "heatmap",
        "x": times_s.astype(np.float32),
        "y": np.arange(width, dtype=np.uint8 if width <= 256 else np.int32),
        "z": pattern.T.astype(np.float32),  # (d_model, frames)
        "zmin": -1,
        "zmax": 1,
        "colorscale": COLOURS,
        "colorbar": colour_bar([-1, 0, 1], ["−1", "0", "1"]),
        "hovertemplate": "%{x:.2f} s, dimension %{y}: %{z:.2f}<extra></extra>",
    }
    curve = {
        "type": "scatter",
        "mode": "lines",
        "x": times_s.astype(np.float32),
        "y": likeness.astype(np.float32),
        "yaxis": "y2",
        "line": {"color": MODEL, "width": 2},
        "hovertemplate": f"%{{x:.2f}} s is %{{y:.2f}} like {times_s[frame]:.2f} s<extra></extra>",
    }
    chosen = float(times_s[frame])
    layout: Layout = {
        "xaxis": axis(SECONDS, anchor="y2", nticks=7),
        "yaxis": axis("Dimension", domain=[MAP_BOTTOM, 1], nticks=6),
        "yaxis2": axis("Likeness, 1 = same", domain=[0, CURVE_TOP], nticks=4)
        | {"zeroline": True, "zerolinecolor": GRID},
        "shapes": [_chosen_line(chosen)],
        "margin": {"l": 56, "r": 12, "t": 44, "b": 54},
        "dragmode": False,
    }
    alt = (
        f"Positional pattern of {frames} frames in {width} dimensions: fast waves in the first, slow ones in "
        f"the last. Below, how alike each frame's pattern is to that at {chosen:.2f} s."
    )
    return figure([heatmap, curve], layout, alt, HEIGHT)


def _chosen_line(x: float) -> Layout:
    """Through both, at the frame that the others are compared with."""
    line = {"color": MODEL, "width": 2, "dash": "dot"}
    return {"type": "line", "xref": "x", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": line}
