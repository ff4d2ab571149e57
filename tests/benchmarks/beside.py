"""Ours beside a peer: turn by turn in one run, so that both meet the same machine in the same mood."""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from genre_models.paths import METRICS

BUSY = 0.25  # of the cores, by what else runs here


@dataclass(frozen=True)
class Row:
    """A line of the table: `times` is how many times ours is as fast as the peer, `goal` what it should be.

    The values are medians in `unit`; the range of `times` is over the turns, each of which compares what was
    measured right after each other. Without a peer there are only our values.
    """

    what: str
    unit: str
    ours: float
    peer_name: str | None = None
    peer: float | None = None
    times: float | None = None
    lowest: float | None = None
    highest: float | None = None
    goal: float | None = None


def turns(
    ours: Callable[[], object], peer: Callable[[], object], rounds: int, warm_ups: int = 1
) -> list[tuple[float, float]]:
    """Seconds of each, turn by turn, after the warm-ups."""
    pairs = []
    for _ in range(warm_ups + rounds):
        pair = []
        for action in (ours, peer):
            start = time.perf_counter()
            action()
            pair.append(time.perf_counter() - start)
        pairs.append((pair[0], pair[1]))
    return pairs[warm_ups:]


def compared(
    what: str, peer_name: str, pairs: list[tuple[float, float]], goal: float | None = None, each: int = 1
) -> Row:
    """What the turns say, in milliseconds; `each` is how many of something a turn makes."""
    ours, peer = (1e3 * statistics.median(seconds) / each for seconds in zip(*pairs, strict=True))
    ratios = sorted(theirs / own for own, theirs in pairs)
    return Row(
        what=what,
        unit="ms",
        ours=_rounded(ours),
        peer_name=peer_name,
        peer=_rounded(peer),
        times=_rounded(statistics.median(ratios)),
        lowest=_rounded(ratios[0]),
        highest=_rounded(ratios[-1]),
        goal=goal,
    )


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def machine(**more: Any) -> dict[str, Any]:
    """What it ran on; says so where other programs keep it busy, since figures are worth less then."""
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    if load > BUSY * cores:
        sys.stderr.write(f"Other programs may be running: the load was {load:.1f} on {cores} cores.\n")
    return {"cores": cores, "load_before": round(load, 1), "python": platform.python_version(), **more}


def line(row: Row) -> str:
    """A row for a person."""
    text = f"{row.what:44s} {row.ours:8.3g} {row.unit:3s}"
    if row.peer is None:
        return text
    goal = "" if row.goal is None else f"; goal {row.goal:g}"
    return (
        f"{text} {row.peer:8.4g} {row.unit:3s} {row.times:6.3g} times as fast as {row.peer_name} "
        f"({row.lowest:.3g} to {row.highest:.3g}{goal})"
    )


def keep(name: str, ran_on: dict[str, Any], rows: list[Row], **more: Any) -> None:
    """Print the rows and write them to `assets/metrics/<name>.json`."""
    for row in rows:
        print(line(row))
    content = {"machine": ran_on, **more, "rows": [asdict(row) for row in rows]}
    write(name, content)


def write(name: str, content: dict[str, Any]) -> None:
    """Keep what was measured in `assets/metrics/<name>.json`."""
    (METRICS / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def kept(path: Path) -> list[Row]:
    """The rows in a metrics file, if it has any."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return [Row(**row) for row in content.get("rows", [])] if isinstance(content, dict) else []
