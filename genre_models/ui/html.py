"""HTML from the templates, and how they write numbers."""

from collections.abc import Iterable
from pathlib import Path

import jinja2


def seconds(value: float) -> str:
    """A duration for a person: "8.4 s", "30 s", "2 min 05 s"."""
    if value < 10:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def percent(value: float) -> str:
    """A share for a person: "62%"; "under 1%" and "over 99%" where it would round to none and all."""
    rounded = f"{100 * value:.0f}%"
    if rounded == "0%" and value > 0:
        return "under 1%"
    return "over 99%" if rounded == "100%" and value < 1 else rounded


def brief_percent(value: float) -> str:
    """The same where there is little room: "62%", "<1%", ">99%"."""
    return percent(value).replace("under ", "<").replace("over ", ">")


def milliseconds(value: float) -> str:
    """A short time for a person: "4.2 ms", "210 ms"."""
    return f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms"


def shape(sizes: Iterable[int]) -> str:
    """The size of a layer's output for a person: "32×128×11", "1,690"."""
    return "×".join(f"{size:,}" for size in sizes)


def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "seconds": seconds,
        "milliseconds": milliseconds,
        "percent": percent,
        "brief_percent": brief_percent,
        "shape": shape,
    }
    return environment


_TEMPLATES = _environment()


def render(template: str, **values: object) -> str:
    """One of the templates beside this file, with everything put into it escaped."""
    return _TEMPLATES.get_template(f"{template}.html").render(**values)


def panel(heading: str, sentence: str, kind: str = "info") -> str:
    """What stands in the place of an answer; `kind` is "info" or "error"."""
    return render("panel", heading=heading, sentence=sentence, kind=kind)
