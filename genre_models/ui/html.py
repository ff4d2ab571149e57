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
    """A share for a person: "62%"."""
    return f"{100 * value:.0f}%"


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
