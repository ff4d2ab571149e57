"""What the networks hear of a clip: waveform, mel spectrogram and MFCCs over one axis of seconds."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from genre_models.audio.limits import SEGMENT_S
from genre_models.inside.features import Seen
from genre_models.plots.attention import COLOURS
from genre_models.plots.look import GRID, TEXT, Layout, axis, colour_bar, figure, heading

HEIGHT = 620  # pixels
WAVEFORM, SPECTROGRAM, COEFFICIENTS = (0.86, 1.0), (0.42, 0.77), (0.0, 0.33)
"""Of the height: where each of the three lies, with room for its heading above."""
INK = TEXT
BAR: Layout = {"len": 0.42, "thickness": 7}
QUIETEST_DB = -80
FREQUENCY_TICKS_HZ = (100, 500, 1000, 2000, 4000, 8000)
MOST_WORDS, MOST_NUMBERS = 5, 20
"""Of segments: up to so many are named, up to so many numbered; of a long clip only every n-th is."""
DEVIATIONS = 2.5
"""A coefficient's colours reach from so far below its mean over the clip to so far above."""
LEAST_DEVIATION = 0.01
"""What varies less, as in silence, is one colour."""
RIPPLE_POINTS = 41

WORDS = ("loudness", "lows against highs", "both ends against the middle")
"""What the first coefficients measure; the others count ever finer ripples."""


def coefficient_name(number: int) -> str:
    """What MFCC `number` measures of the spectrum, in a few words."""
    return WORDS[number] if number < len(WORDS) else f"ripples, {number / 2:g} waves"


def ripple(number: int) -> list[tuple[float, float]]:
    """The wave that MFCC `number` is the share of, as (place from low to high, 0 to 1; height, -1 to 1).

    Coefficient k of a DCT-II weighs place x of the log-mel spectrum by cos(pi k x).
    """
    places = np.linspace(0, 1, RIPPLE_POINTS)
    return [(float(x), float(np.cos(np.pi * number * x))) for x in places]


def row_shades(mfccs: np.ndarray) -> np.ndarray:
    """MFCCs (13, columns) as shades from -100 to 100, each row on a scale of its own.

    MFCC 0 is ten times as large as the others.
    """
    mean, deviation = mfccs.mean(axis=1, keepdims=True), mfccs.std(axis=1, keepdims=True)
    shades = (mfccs - mean) / np.maximum(deviation, LEAST_DEVIATION) / DEVIATIONS  # (13, columns)
    return np.round(100 * shades.clip(-1, 1)).astype(np.int8)


def features(seen: Seen, player: str) -> go.Figure:
    """A clip as it was heard, its 6 s segments marked; `player` is the element that plays it.

    All three share their seconds: to zoom into one is to zoom into all.
    """
    layout: Layout = {
        "xaxis": _seconds(seen.duration_s),
        "yaxis": _fixed("Full scale", WAVEFORM, range=[-1, 1], tickvals=[-1, 0, 1]),
        "yaxis2": _fixed("Frequency, Hz", SPECTROGRAM, **_frequencies(seen.mel_frequencies_hz)),
        "yaxis3": _fixed("MFCC", COEFFICIENTS, type="category", tickvals=list(range(0, 13, 2))),
        "shapes": [_segment_lines(seen)],
        "annotations": [
            *_segment_numbers(seen),
            heading("Log-mel spectrogram", SPECTROGRAM[1]),
            heading("MFCCs", COEFFICIENTS[1]),
        ],
        "margin": {"l": 62, "r": 10, "t": 26, "b": 48},
        "dragmode": "zoom",
        "hovermode": "closest",
    }
    layout["yaxis3"]["ticktext"] = [str(i) for i in layout["yaxis3"]["tickvals"]]
    alt = (
        f"Waveform, log-mel spectrogram and 13 MFCCs of a clip of {seen.duration_s:.1f} s, "
        f"cut into {len(seen.segment_starts_s)} segments."
    )
    drawn = figure([*_waveform(seen), _spectrogram(seen), _coefficients(seen)], layout, alt, HEIGHT)
    spans = [[start, min(start + SEGMENT_S, seen.duration_s)] for start in seen.segment_starts_s]
    drawn.layout.meta |= {"player": player, "segments": spans}
    return drawn


def _seconds(duration_s: float) -> Layout:
    return axis(
        "Seconds",
        anchor="y3",
        range=[0, duration_s],
        minallowed=0,
        maxallowed=duration_s,
        nticks=10,
        showspikes=True,
        spikemode="across",
        spikesnap="cursor",
        spikethickness=1,
        spikedash="solid",
        spikecolor=GRID,
    )


def _fixed(title: str, domain: tuple[float, float], **more: Any) -> Layout:
    return axis(title, domain=list(domain), anchor="x", fixedrange=True, **more)


def _waveform(seen: Seen) -> list[dict[str, Any]]:
    """Two lines, the lowest and the highest of each moment, and what lies between filled."""
    line = {"type": "scatter", "mode": "lines", "x": seen.envelope_times_s.astype(np.float32)}
    line |= {"line": {"width": 0.75, "color": INK}, "yaxis": "y"}
    says = "%{x:.2f} s: from %{customdata:.2f} to %{y:.2f} of full scale<extra></extra>"
    low = {"y": seen.envelope_low.astype(np.float32), "hoverinfo": "skip"}
    high = {"y": seen.envelope_high.astype(np.float32), "customdata": seen.envelope_low.astype(np.float32)}
    return [line | low, line | high | {"fill": "tonexty", "fillcolor": INK, "hovertemplate": says}]


def _spectrogram(seen: Seen) -> dict[str, Any]:
    first, second = seen.mel_times_s[:2]  # the others follow at the same steps
    return {
        "type": "heatmap",
        "colorscale": COLOURS,
        "yaxis": "y2",
        "x0": float(first),
        "dx": float(second - first),
        "y": [_hertz(frequency) for frequency in seen.mel_frequencies_hz],
        "z": seen.mel_db,
        "zmin": QUIETEST_DB,
        "zmax": 0,
        "zsmooth": "fast",
        "hovertemplate": "%{x:.2f} s, %{y}: %{z} dB<extra></extra>",
        "colorbar": colour_bar([QUIETEST_DB, 0], ["−80 dB", "0 dB"], y=SPECTROGRAM[1] + 0.004, **BAR),
    }


def _coefficients(seen: Seen) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "colorscale": COLOURS,
        "yaxis": "y3",
        "x": seen.mfcc_times_s.astype(np.float32),
        "y": [f"MFCC {i}, {coefficient_name(i)}" for i in range(len(seen.mfccs))],
        "z": row_shades(seen.mfccs),
        "zmin": -100,
        "zmax": 100,
        "customdata": seen.mfccs.astype(np.float32),
        "hovertemplate": "%{x:.2f} s, %{y}: %{customdata:.1f}<extra></extra>",
        "colorbar": colour_bar([-100, 100], ["low for its row", "high"], y=COEFFICIENTS[1] + 0.004, **BAR),
    }


def _frequencies(bands_hz: np.ndarray) -> Layout:
    places = [int(np.abs(bands_hz - tick).argmin()) for tick in FREQUENCY_TICKS_HZ]
    ticks = {"tickvals": places, "ticktext": [f"{tick:,}" for tick in FREQUENCY_TICKS_HZ]}
    return {"type": "category", **ticks}


def _hertz(frequency: float) -> str:
    return f"{frequency:,.0f} Hz"


def _segment_lines(seen: Seen) -> dict[str, Any]:
    """Dotted, where each segment after the first begins; one path for all."""
    path = " ".join(f"M{start},0 V1" for start in seen.segment_starts_s[1:])
    return {
        "type": "path",
        "path": path or "M0,0 V1",
        "xref": "x",
        "yref": "paper",
        "line": {"color": INK, "width": 1, "dash": "dot"},
    }


def _segment_numbers(seen: Seen) -> list[dict[str, Any]]:
    """Above the beginning of each segment, or of every n-th where there are many."""
    starts = seen.segment_starts_s
    shown = range(0, len(starts), -(-len(starts) // MOST_NUMBERS))
    return [
        heading(
            f"segment {i + 1}" if len(starts) <= MOST_WORDS else str(i + 1), x=starts[i], xref="x", yshift=1
        )
        for i in shown
    ]
