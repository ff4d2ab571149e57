"""The piano roll, and arcs over it from a note to those that the model looked at."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from math import ceil
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genre_models.melody.tune import HIGHEST, LOWEST, Metre, Note
from genre_models.plots.look import FAINT, FONT_SIZE, GRID, MODEL, SEED, SHADE, axis, figure, percent

HEIGHT = 360  # pixels
BLACK_KEYS = frozenset({1, 3, 6, 8, 10})
LEAST_RANGE = 28
"""Semitones in sight, the given notes in their middle, so that the picture need not grow with the tune."""
MARGIN = 2
"""Semitones kept free above and below the given notes at least."""
GROWTH = 6
"""Semitones by which it grows where a tune leaves that range."""
MOST_BAR_NUMBERS = 12
MOST_BARS_WITH_BEATS = 16
MOST_BAR_LINES = 32
GAP = Fraction(1, 96)
"""Whole notes left free at the end of a note, at most an eighth of it: repeated notes are told apart."""

MOST_ARCS = 8
LEAST_WEIGHT = 0.01
ARC_POINTS = 25
LEAST_RISE = 1.5  # semitones
ARC_HEIGHT = 0.35
"""Of the picture, for an arc as long as the tune."""
DIMMED = 0.5
"""Opacity of the notes under arcs."""


def piano_roll(
    notes: Sequence[Note],
    n_seed: int,
    metre: Metre,
    x_end: Fraction | None = None,
) -> go.Figure:
    """Notes as bars, time in whole notes against MIDI pitch; the first `n_seed` stand out, rests are gaps.

    The first note begins a bar. `x_end` is how long the tune is expected to be in whole notes, so that the
    picture holds still while notes arrive.
    """
    starts = onsets(notes)
    end = max(starts[-1], x_end or Fraction(0), metre.bar)
    low, high = _frame(notes, n_seed)
    data = [
        _bars(notes, starts, range(n_seed), "Your notes", SEED, metre),
        _bars(notes, starts, range(n_seed, len(notes)), "The model’s notes", MODEL, metre),
    ]
    layout = {
        "xaxis": _time_axis(end, metre),
        "yaxis": _pitch_axis(low, high),
        "shapes": [_black_keys(low, high)],
        "barmode": "overlay",
        "barcornerradius": 3,
        "hovermode": "closest",
        "hoverdistance": 12,
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": FONT_SIZE}},
        "margin": {"l": 52, "r": 12, "t": 34, "b": 46},
        "uirevision": "roll",
    }
    alt = f"Piano roll of {len(notes)} notes, the first {n_seed} given, {metre.name} time."
    return figure(data, layout, alt, HEIGHT)


def with_arcs(roll: go.Figure, notes: Sequence[Note], chosen: int, weights: np.ndarray) -> go.Figure:
    """The same roll with arcs from note `chosen` (from 0) to the other notes with the largest weights.

    `weights` are (notes,), shares of 1; NaN where the note could not look. An arc is as wide and opaque as
    its weight is large beside the largest. The note itself has a ring, and no arc for its own weight.
    """
    weights = np.nan_to_num(weights)
    weights[chosen] = 0
    middles = [float(start + note.length / 2) for start, note in zip(onsets(notes), notes, strict=False)]
    heights = _heights(notes)
    order = np.argsort(-weights, kind="stable")[:MOST_ARCS]
    looked = [int(i) for i in order if weights[i] >= LEAST_WEIGHT]
    low, high = roll.layout.yaxis.range
    reach = (high - low) * ARC_HEIGHT / max(middles[-1], 1.0)
    arcs = []
    for i in reversed(looked):
        there, here = (middles[i], heights[i]), (middles[chosen], heights[chosen])
        rise = max(LEAST_RISE, min(reach * abs(here[0] - there[0]), high - 0.5 - max(here[1], there[1])))
        says = f"{_numbered(notes, chosen)} looks at {_numbered(notes, i)}: {percent(weights[i])}"
        strength = float(weights[i] / weights[looked[0]])
        arcs.append(_arc(there, here, rise, strength, says))
    roll.update_traces(opacity=DIMMED)
    return roll.add_traces([*arcs, *_ends(chosen, looked, (middles, heights))])


def onsets(notes: Sequence[Note]) -> list[Fraction]:
    """When each note starts, in whole notes since the first, and when the last ends."""
    return list(accumulate((note.length for note in notes), initial=Fraction(0)))


def _frame(notes: Sequence[Note], n_seed: int) -> tuple[float, float]:
    """Lowest and highest pitch to be seen."""
    seed = [note.pitch for note in notes[:n_seed] if note.pitch is not None] or [72]
    pitches = [note.pitch for note in notes if note.pitch is not None] or seed
    free = max(MARGIN, (LEAST_RANGE - (max(seed) - min(seed))) // 2)
    low, high = min(seed) - free, max(seed) + free
    low -= GROWTH * ceil(max(0, low - min(pitches)) / GROWTH)
    high += GROWTH * ceil(max(0, max(pitches) - high) / GROWTH)
    return max(low, LOWEST) - 0.75, min(high, HIGHEST) + 0.75


def _bars(
    notes: Sequence[Note],
    starts: Sequence[Fraction],
    places: range,
    name: str,
    colour: str,
    metre: Metre,
) -> dict[str, Any]:
    """One trace for all notes of one kind."""
    sounding = [i for i in places if notes[i].pitch is not None]
    lengths = [notes[i].length for i in sounding]
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": [notes[i].pitch for i in sounding],
        "base": [float(starts[i]) for i in sounding],
        "x": [float(length - min(GAP, length / 8)) for length in lengths],
        "width": 1,
        "marker": {"color": colour, "line": {"width": 0}},
        "hovertext": [
            f"{notes[i].name}, {notes[i].length}, bar {starts[i] // metre.bar + 1}" for i in sounding
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _time_axis(end: Fraction, metre: Metre) -> dict[str, Any]:
    """Grid lines are bar lines, with numbers as far as there is room; in short tunes beats too."""
    n_bars = ceil(end / metre.bar)
    step = next(2**power for power in range(n_bars + 1) if n_bars / 2**power <= MOST_BAR_NUMBERS)
    drawn = range(0, n_bars, 1 if n_bars <= MOST_BAR_LINES else step)
    beats = {"showgrid": n_bars <= MOST_BARS_WITH_BEATS, "gridcolor": FAINT, "gridwidth": 1}
    return axis(
        "Bar",
        range=[0, float(end)],
        showgrid=True,
        gridcolor=GRID,
        tickvals=[float(bar * metre.bar) for bar in drawn],
        ticktext=[str(bar + 1) if bar % step == 0 else "" for bar in drawn],
        minor=beats | {"dtick": 1 / metre.unit, "tick0": 0},
    )


def _pitch_axis(low: float, high: float) -> dict[str, Any]:
    """Names of the white keys, of fewer where the range is wide."""
    named = {0, 2, 4, 5, 7, 9, 11} if high - low < 17 else {0, 4, 7} if high - low < 40 else {0}
    pitches = [pitch for pitch in range(ceil(low), ceil(high)) if pitch % 12 in named]
    return axis(
        "Pitch",
        range=[low, high],
        tickvals=pitches,
        ticktext=[Note(pitch).name for pitch in pitches],
        fixedrange=True,
    )


def _black_keys(low: float, high: float) -> dict[str, Any]:
    """Shaded rows, one path for all of them."""
    rows = [pitch for pitch in range(ceil(low), ceil(high)) if pitch % 12 in BLACK_KEYS]
    path = " ".join(f"M0,{row - 0.5} H1 V{row + 0.5} H0 Z" for row in rows)
    return {
        "type": "path",
        "path": path or f"M0,{low} H1",
        "xref": "paper",
        "yref": "y",
        "fillcolor": SHADE,
        "line": {"width": 0},
        "layer": "below",
    }


def _heights(notes: Sequence[Note]) -> list[float]:
    """The pitch of each note; a rest lies where the note before it did."""
    first = next((note.pitch for note in notes if note.pitch is not None), 72)
    heights: list[float] = []
    for note in notes:
        heights.append(note.pitch if note.pitch is not None else heights[-1] if heights else first)
    return heights


def _numbered(notes: Sequence[Note], place: int) -> str:
    name = "the rest" if notes[place].pitch is None else notes[place].name
    return f"{name} (note {place + 1})"


def _arc(
    start: tuple[float, float],
    end: tuple[float, float],
    rise: float,
    strength: float,
    says: str,
) -> dict[str, Any]:
    """A parabola over both ends, its middle `rise` above that of the chord."""
    t = np.linspace(0, 1, ARC_POINTS)
    x = start[0] + t * (end[0] - start[0])
    y = start[1] + t * (end[1] - start[1]) + rise * 4 * t * (1 - t)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "line": {"color": MODEL, "width": 1 + 4 * strength, "shape": "spline"},
        "opacity": 0.3 + 0.7 * strength,
        "hovertemplate": f"{says}<extra></extra>",
        "showlegend": False,
    }


def _ends(chosen: int, looked: Sequence[int], where: tuple[list[float], list[float]]) -> list[dict[str, Any]]:
    """A dot on each note that was looked at, a ring on the one that looked."""
    middles, heights = where
    dots = {"color": "#ffffff", "size": 6, "line": {"color": MODEL, "width": 2}}
    ring = {"color": "#ffffff", "size": 12, "symbol": "circle", "line": {"color": MODEL, "width": 4}}
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [middles[i] for i in places],
            "y": [heights[i] for i in places],
            "marker": marker,
            "hoverinfo": "skip",
            "showlegend": False,
        }
        for places, marker in ((looked, dots), ([chosen], ring))
    ]
