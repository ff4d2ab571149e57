"""Lines in panels that stand over each other on one axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from genre_models.plots.look import FAINT, FONT_SIZE, TEXT, Layout, axis, figure

GAP = 0.07
"""Between panels, as a share of the height."""
MARGIN = {"l": 62, "r": 16, "t": 44, "b": 54}
LEGEND = {"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "font": {"size": FONT_SIZE}}
WIDTH = 2.2  # pixels
MARK = 10

SOLID, DASHED, DOTTED = "solid", "dash", "dot"


@dataclass(frozen=True)
class Panel:
    """A plot's title, whether its values are shares of 1, and its height beside the others'."""

    title: str
    share: bool = False
    height: float = 1.0


@dataclass(frozen=True)
class Line:
    """The same run in several panels: places across, and for each panel values (None: no part in it).

    A line without a name is faint and not in the legend; `marked` is the place, from 0, that gets a dot.
    """

    name: str
    x: Sequence[float]
    values: Sequence[Sequence[float] | None]
    colour: str = TEXT
    dash: str = SOLID
    marked: int | None = None


def stacked(
    panels: Sequence[Panel], lines: Sequence[Line], across: Layout, alt: str, height: int
) -> go.Figure:
    """All lines in all panels, above one axis whose layout is `across`."""
    traces = [
        trace
        for line in lines
        for i, values in enumerate(line.values)
        if values is not None
        for trace in _traces(line, panels[i], i, values, across["title"]["text"])
    ]
    layout: Layout = {
        "xaxis": across | {"showgrid": True, "gridcolor": FAINT, "anchor": _axis("y", len(panels) - 1)},
        "hovermode": "closest",
        "showlegend": True,
        "legend": LEGEND,
        "margin": MARGIN,
    }
    for i, (panel, domain) in enumerate(zip(panels, _domains(panels), strict=True)):
        layout[f"yaxis{_number(i)}"] = _upwards(panel) | {"domain": domain}
    return figure(_named_once(traces), layout, alt, height)


def _traces(
    line: Line, panel: Panel, place: int, values: Sequence[float], across: str
) -> list[dict[str, Any]]:
    form = ".1%" if panel.share else ".2f"
    says = f"{line.name}<br>{panel.title}: %{{y:{form}}}<br>{across}: %{{x:,.4~r}}<extra></extra>"
    common = {"type": "scatter", "yaxis": _axis("y", place), "legendgroup": line.name, "name": line.name}
    drawn = {
        **common,
        "mode": "lines",
        "x": list(line.x),
        "y": list(values),
        "line": {"color": line.colour, "dash": line.dash, "width": WIDTH if line.name else 1},
        "opacity": 1 if line.name else 0.4,
        "showlegend": bool(line.name),
    }
    drawn |= {"hovertemplate": says} if line.name else {"hoverinfo": "skip"}
    if line.marked is None:
        return [drawn]
    dot = {
        **common,
        "mode": "markers",
        "x": [line.x[line.marked]],
        "y": [values[line.marked]],
        "marker": {"color": line.colour, "size": MARK},
        "hovertemplate": says,
        "showlegend": False,
    }
    return [drawn, dot]


def _named_once(traces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Only the first line of a name stands in the legend, and switches the others with it."""
    seen: set[str] = set()
    for trace in traces:
        trace["showlegend"] = trace["showlegend"] and trace["name"] not in seen
        if trace["showlegend"]:
            seen.add(trace["name"])
    return traces


def _upwards(panel: Panel) -> Layout:
    shares = {"tickformat": ".0%", "rangemode": "tozero"} if panel.share else {}
    return axis(panel.title, showgrid=True, gridcolor=FAINT, nticks=6, **shares)


def _domains(panels: Sequence[Panel]) -> list[list[float]]:
    """From the top down: where each panel stands, as shares of the height."""
    free = 1 - GAP * (len(panels) - 1)
    whole = sum(panel.height for panel in panels)
    domains, top = [], 1.0
    for panel in panels:
        bottom = top - free * panel.height / whole
        domains.append([max(bottom, 0.0), top])
        top = bottom - GAP
    return domains


def _axis(letter: str, place: int) -> str:
    return f"{letter}{_number(place)}"


def _number(place: int) -> str:
    """Plotly's number of an axis: none for the first."""
    return "" if place == 0 else str(place + 1)
