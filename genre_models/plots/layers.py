"""What flows through a network, as pictures: feature maps, states and activations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genre_models.plots.attention import COLOURS
from genre_models.plots.look import MODELS, TEXT, Layout, axis, figure, heading, two_sided

HEADING, GAP, TICKS = 30, 8, 40  # pixels
"""Above a picture for its heading, below it, and below that for the ticks of an axis and its title."""
MARGINS = {"l": 56, "r": 10, "t": 4, "b": 6}
ROW = 14  # pixels, of a picture with few rows
STATES_HEIGHT = 150  # pixels
TILE_HEIGHT = 38
TILES_ACROSS = 8
NEURONS_ACROSS = 64
LEAST_HEIGHT = 28


@dataclass(frozen=True)
class Picture:
    """One layer: `values` (rows, columns) at `x` (columns,), drawn in whole percent of the strongest.

    `says` is the pointer's word on a cell, in which %{x}, %{y} and, where there are `names` (rows, columns),
    %{customdata} stand for the cell's own. Without titles an axis has no ticks. `lines` are drawn between
    tiles, in cells.
    """

    heading: str
    values: np.ndarray
    x: Sequence[Any] | np.ndarray
    says: str
    height: int
    x_title: str = ""
    y_title: str = ""
    names: np.ndarray | None = None
    lines: str = ""

    @property
    def strongest(self) -> float:
        """The largest value, sign or not."""
        return float(np.abs(self.values).max()) or 1.0

    @property
    def lowest(self) -> float:
        """The lowest value."""
        return float(self.values.min())

    @property
    def room(self) -> int:
        """Pixels, with heading and axis."""
        return HEADING + self.height + GAP + (TICKS if self.x_title else 0)


def feature_pictures(stages: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> list[Picture]:
    """Feature maps of a network: of each stage its layer, the seconds of its frames, and its maps.

    Maps (channels, frames, coefficients) are tiles; those with one coefficient left are rows over time.
    """
    return [
        _tiles(maps, layer) if maps.shape[2] > 1 else _rows(maps[:, :, 0], times_s, layer, "filter")
        for layer, times_s, maps in stages
    ]


def state_pictures(states: Mapping[str, np.ndarray], times_s: np.ndarray) -> list[Picture]:
    """States (frames, units) at `times_s`, a row for each unit, by their headings."""
    return [_rows(values.T, times_s, heading, "unit") for heading, values in states.items()]


def neuron_pictures(layers: Sequence[tuple[str, np.ndarray]], genres: Sequence[str]) -> list[Picture]:
    """Activations (neurons,) of each layer; the last one's are scores of the genres."""
    (heading, scores) = layers[-1]
    last = Picture(
        f"{heading}: scores before softmax",
        scores[None],
        genres,
        "%{x}: %{z}% of the strongest",
        LEAST_HEIGHT,
        "Genre",
    )
    return [*(_neurons(values, layer) for layer, values in layers[:-1]), last]


def _tiles(maps: np.ndarray, heading: str) -> Picture:
    """Side by side: time across, coefficients upwards."""
    channels, frames, rows = maps.shape
    across = min(TILES_ACROSS, channels)
    down = channels // across
    grid = maps.transpose(0, 2, 1).reshape(down, across, rows, frames)
    grid = grid[::-1]  # tiles are read from the top, a picture is drawn from the bottom
    numbers = np.arange(1, channels + 1, dtype=np.uint8).reshape(down, across)[::-1]
    horizontal = [f"M-0.5,{i * rows - 0.5} H{across * frames - 0.5}" for i in range(1, down)]
    vertical = [f"M{i * frames - 0.5},-0.5 V{down * rows - 0.5}" for i in range(1, across)]
    return Picture(
        heading,
        grid.transpose(0, 2, 1, 3).reshape(down * rows, across * frames),
        np.arange(across * frames),
        "filter %{customdata}: %{z}% of the layer’s strongest",
        TILE_HEIGHT * down,
        names=numbers.repeat(rows, axis=0).repeat(frames, axis=1),
        lines=" ".join(horizontal + vertical),
    )


def _rows(values: np.ndarray, times_s: np.ndarray, heading: str, what: str) -> Picture:
    """Of (rows, frames), each row called `what`."""
    says = f"{what} %{{y}} at %{{x:.2f}} s: %{{z}}% of the strongest"
    return Picture(heading, values, times_s, says, STATES_HEIGHT, "Seconds", what.capitalize())


def _neurons(values: np.ndarray, heading: str) -> Picture:
    """In rows that are read from the top."""
    across = min(NEURONS_ACROSS, len(values))
    grid = values.reshape(-1, across)[::-1]  # a picture is drawn from the bottom
    names = np.arange(1, len(values) + 1, dtype=np.int16).reshape(grid.shape)[::-1]
    says = "neuron %{customdata}: %{z}% of the layer’s strongest"
    height = max(LEAST_HEIGHT, ROW * len(grid))
    return Picture(heading, grid, np.arange(across), says, height, names=names)


def pictures(name: str, shown: Sequence[Picture], alt: str) -> go.Figure:
    """One below the other; where there are values below zero, those above have the colour of model `name`."""
    total = sum(picture.room for picture in shown)
    data: list[dict[str, Any]] = []
    layout: Layout = {
        "annotations": [],
        "shapes": [],
        "margin": MARGINS,
        "dragmode": False,
        "hovermode": "closest",
    }
    below = total
    for number, picture in enumerate(shown, start=1):
        top = below - HEADING
        domain = [(top - picture.height) / total, top / total]
        below -= picture.room
        data.append(_heatmap(picture, number, MODELS[name]))
        layout[f"xaxis{number}"] = _axis(picture.x_title, "y", number)
        if isinstance(picture.x[0], str):
            layout[f"xaxis{number}"] |= {"dtick": 1, "autotickangles": [0, -45, -90]}
        layout[f"yaxis{number}"] = _axis(picture.y_title, "x", number) | {"domain": domain}
        layout["annotations"].append(_heading(picture, domain[1]))
        if picture.lines:
            layout["shapes"].append(_lines(picture.lines, number))
    return figure(data, layout, alt, total + MARGINS["t"] + MARGINS["b"])


def _heatmap(picture: Picture, number: int, colour: str) -> dict[str, Any]:
    percent = np.round(100 * picture.values / picture.strongest).astype(np.int8)
    signed = picture.lowest < 0
    named = {} if picture.names is None else {"customdata": picture.names}
    return named | {
        "type": "heatmap",
        "x": picture.x,
        "z": percent,
        "zmin": -100 if signed else int(percent.min()),
        "zmax": 100,
        "colorscale": two_sided(TEXT, colour) if signed else COLOURS,
        "showscale": False,
        "xaxis": f"x{number}",
        "yaxis": f"y{number}",
        "hovertemplate": f"{picture.says}<extra></extra>",
    }


def _axis(title: str, anchor: str, number: int) -> Layout:
    more = {"fixedrange": True, "anchor": f"{anchor}{number}", "showticklabels": bool(title), "nticks": 8}
    made = axis(title, **more)
    made["title"]["standoff"] = 4
    return made


def _heading(picture: Picture, y: float) -> dict[str, Any]:
    reach = f"strongest {picture.strongest:.3g}"
    if picture.lowest > 0:
        reach = f"{picture.lowest:.3g} to {picture.strongest:.3g}"
    return heading(f"<b>{picture.heading}</b>, {reach}", y, yshift=2)


def _lines(path: str, number: int) -> dict[str, Any]:
    """Between tiles; the page gives them the colour of what the figure stands on."""
    refs = {"xref": f"x{number}", "yref": f"y{number}"}
    return {"type": "path", "path": path, "line": {"width": 3, "color": "#ffffff"}, **refs}
