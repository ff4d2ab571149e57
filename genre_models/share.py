"""A report as a file or a link, and back."""

import base64
import binascii
import csv
import io
import json
import zlib
from typing import Any

import torch

from genre_models.audio import SEGMENT_S
from genre_models.classifiers import ARCHITECTURES, GENRES
from genre_models.classify import ModelAnswer, Report, decide

MAX_SEGMENTS = 120
MAX_LINK_BYTES = 100_000
MAX_TIME = 1e6  # seconds or milliseconds
RESOLUTION = 1_000  # probabilities travel as thousandths
LINK_WARNING = "This report came from a link: the numbers are as sent, and the clip itself did not travel."


_UNREADABLE = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    zlib.error,
    binascii.Error,
)


class LinkError(ValueError):
    """A link that holds no report; the message is a sentence for a person."""


def to_json(report: Report) -> bytes:
    """The report as the HTTP API returns it."""
    return json.dumps(report.to_dict(), indent=2, allow_nan=False).encode()


def to_csv(report: Report) -> bytes:
    """One row per model and segment, and one per model for the whole clip; times in seconds."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["model", "part", "start_s", "end_s", "genre", *report.genres])
    for model in report.models:
        whole = list(model.probabilities.values())
        writer.writerow([model.name, "clip", *_cells(report, 0.0, report.duration_s, whole)])
        for start, probabilities in zip(report.segment_starts_s, model.timeline, strict=True):
            end = min(start + SEGMENT_S, report.duration_s)
            writer.writerow([model.name, "segment", *_cells(report, start, end, probabilities)])
    return table.getvalue().encode()


def _cells(report: Report, start_s: float, end_s: float, probabilities: list[float]) -> list[str]:
    genre = report.genres[probabilities.index(max(probabilities))]
    return [f"{start_s:.2f}", f"{end_s:.2f}", genre, *(f"{p:.4f}" for p in probabilities)]


def to_token(report: Report) -> str:
    """The report's numbers as text for a URL; no audio and no file name."""
    content = {
        "d": round(report.duration_s, 2),
        "s": [round(start, 2) for start in report.segment_starts_s],
        "m": {
            model.name: [[round(RESOLUTION * p) for p in segment] for segment in model.timeline]
            for model in report.models
        },
        "t": [round(t, 1) for t in _milliseconds(report)],
    }
    packed = zlib.compress(json.dumps(content, separators=(",", ":")).encode(), level=9)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _milliseconds(report: Report) -> list[float]:
    return [report.preparation_milliseconds, *(model.milliseconds for model in report.models)]


def from_token(token: str) -> Report:
    """The report of a link; the verdict is decided anew from its numbers.

    Raises `LinkError` for text that `to_token` did not make.
    """
    try:
        content = _unpack(token)
        timelines = {name: _timeline(rows, content["s"]) for name, rows in content["m"].items()}
        return _rebuild(float(content["d"]), content["s"], timelines, content["t"])
    except _UNREADABLE as error:
        raise LinkError("It holds no report and may have been cut short: ask for a new one.") from error


def _unpack(token: str) -> Any:
    packed = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    return json.loads(zlib.decompressobj().decompress(packed, MAX_LINK_BYTES))


def _timeline(rows: list[list[int]], starts: list[float]) -> list[list[float]]:
    """Ten-thousandths of every segment -> probabilities, (segments, 10)."""
    if not 0 < len(rows) == len(starts) <= MAX_SEGMENTS:
        raise ValueError("the segments do not match")
    timeline = [[int(value) / RESOLUTION for value in row] for row in rows]
    for row in timeline:
        if len(row) != len(GENRES) or min(row) < 0 or abs(sum(row) - 1) > 0.01:
            raise ValueError("these are not probabilities")
    return timeline


def _rebuild(
    duration_s: float,
    starts_s: list[float],
    timelines: dict[str, list[list[float]]],
    milliseconds: list[float],
) -> Report:
    if not timelines or not timelines.keys() <= ARCHITECTURES.keys():
        raise ValueError("unknown models")
    if not 0 < duration_s <= MAX_TIME or not all(0 <= t < duration_s for t in starts_s):
        raise ValueError("the segments lie outside the clip")
    if not all(0 <= t <= MAX_TIME for t in milliseconds):
        raise ValueError("these are not times")
    answers = {name: torch.tensor(timeline) for name, timeline in timelines.items()}
    models = []
    for (name, timeline), model_ms in zip(timelines.items(), milliseconds[1:], strict=True):
        mean = answers[name].mean(dim=0)
        probabilities = dict(zip(GENRES, mean.tolist(), strict=True))
        models.append(ModelAnswer(name, GENRES[int(mean.argmax())], probabilities, timeline, model_ms))
    return Report(
        duration_s=duration_s,
        segments=len(starts_s),
        segment_starts_s=starts_s,
        genres=list(GENRES),
        verdict=decide(answers),
        models=models,
        warnings=[LINK_WARNING],
        preparation_milliseconds=milliseconds[0],
    )
