"""A segment's spectrogram before and after the denoiser, one above the other."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from genre_models.inside.denoised import Denoised
from genre_models.plots.attention import COLOURS
from genre_models.plots.look import Layout, axis, colour_bar, figure, heading

HEIGHT = 420  # pixels
RECORDED, HEARD = (0.54, 1.0), (0.0, 0.46)
"""Of the height: where the two lie."""
LOUDEST = 4.5  # log10(10000 m + 1); what is louder has the same colour
FREQUENCY_TICKS_HZ = (100, 500, 1000, 2000, 4000)


def denoised(found: Denoised, player: str) -> go.Figure:
    """Both on one scale of colours and over the same seconds; `player` is the element that plays the clip."""
    pictures = (("y", found.recorded, "recorded"), ("y2", found.heard, "MusiCNN hears it"))
    layout: Layout = {
        "xaxis": axis("Seconds", anchor="y2", nticks=8, fixedrange=True),
        "yaxis": _frequencies(found, RECORDED),
        "yaxis2": _frequencies(found, HEARD),
        "annotations": [heading("As recorded"), heading("As MusiCNN hears it", HEARD[1])],
        "margin": {"l": 62, "r": 14, "t": 40, "b": 48},
        "dragmode": False,
    }
    heatmaps = [_heatmap(found, *picture) for picture in pictures]
    heatmaps[0]["colorbar"] = colour_bar([0, 100], ["silent", "loud"], len=0.35)
    alt = "Log-mel spectrogram of the segment as recorded, and below it as the denoiser passes it on."
    drawn = figure(heatmaps, layout, alt, HEIGHT)
    drawn.layout.meta |= {"player": player}
    return drawn


def _frequencies(found: Denoised, domain: tuple[float, float]) -> Layout:
    rows = np.interp(FREQUENCY_TICKS_HZ, found.frequencies_hz, np.arange(len(found.frequencies_hz)))
    return axis("Frequency, Hz", domain=list(domain), anchor="x", fixedrange=True) | {
        "tickvals": rows.tolist(),
        "ticktext": [f"{hertz:,}" for hertz in FREQUENCY_TICKS_HZ],
    }


def _heatmap(found: Denoised, rows: str, log_mels: np.ndarray, how: str) -> dict[str, Any]:
    shares = np.round(100 * (log_mels / LOUDEST).clip(0, 1)).astype(np.int8)
    return {
        "type": "heatmap",
        "yaxis": rows,
        "x0": found.start_s,
        "dx": found.step_s,
        "z": shares,
        "zmin": 0,
        "zmax": 100,
        "colorscale": COLOURS,
        "showscale": how == "recorded",
        "hovertemplate": f"%{{x:.2f}} s, as {how}: %{{z}}% of the scale<extra></extra>",
    }
