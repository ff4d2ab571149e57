"""A report as a file or a link, and back."""

import base64
import binascii
import csv
import io
import json
import re
import zlib
from itertools import accumulate, pairwise
from typing import Any

import torch

from genre_models.audio import SEGMENT_S
from genre_models.classifiers import ARCHITECTURES, GENRES, MusiCNNClassifier
from genre_models.classify import ModelAnswer, Report, assemble
from genre_models.hub import Ensemble
from genre_models.musicnn import TAGS
from genre_models.sound import KINDS, Sound

MAX_SEGMENTS = 120
MAX_LINK_BYTES = 100_000
MAX_TIME = 1e6  # seconds or milliseconds
MAX_EVIDENCE = 6  # sentences
TOP_TAGS = 10  # as many as the page shows before it is asked for all
FINENESS = 4  # a probability travels as a byte of its fourth root: small ones count in the combination
SENTENCE = re.compile(r"(?!.*//)[^<>\x00-\x1f]{1,200}")  # no address
LINK_WARNING = "This report came from a link: the numbers are as sent, and the clip itself did not travel."


_UNREADABLE = (
    LookupError,
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
    content: dict[str, Any] = {
        "d": round(report.duration_s, 2),
        "s": [round(b - a, 2) for a, b in pairwise([0.0, *report.segment_starts_s])],
        "m": {
            model.name: bytes(_to_byte(p) for segment in model.timeline for p in segment).hex()
            for model in report.models
        },
        "t": [round(t, 1) for t in _milliseconds(report)],
    }
    for model in report.models:
        if model.tags:
            top = sorted(model.tags.items(), key=lambda item: -item[1])[:TOP_TAGS]
            content["g"] = bytes(number for tag, p in top for number in (TAGS.index(tag), _to_byte(p))).hex()
    if len(report.counted) < len(report.models):
        content["u"] = 1
    if report.sound.evidence or not report.sound.is_music:
        content["k"] = [report.sound.kind, report.sound.music_probability, *report.sound.evidence]
    packed = zlib.compress(json.dumps(content, separators=(",", ":")).encode(), level=9)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _to_byte(p: float) -> int:
    return round(255 * p ** (1 / FINENESS))


def _from_byte(number: int) -> float:
    return (number / 255) ** FINENESS


def _milliseconds(report: Report) -> list[float]:
    return [report.preparation_milliseconds, *(model.milliseconds for model in report.models)]


def from_token(token: str, ensemble: Ensemble) -> Report:
    """The report of a link; the verdict is decided anew from its numbers, as `ensemble` decides.

    Raises `LinkError` for text that `to_token` did not make.
    """
    try:
        return _rebuild(_unpack(token), ensemble)
    except _UNREADABLE as error:
        raise LinkError("It holds no report and may have been cut short: ask for a new one.") from error


def _unpack(token: str) -> Any:
    packed = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    return json.loads(zlib.decompressobj().decompress(packed, MAX_LINK_BYTES))


def _rebuild(content: Any, ensemble: Ensemble) -> Report:
    duration_s, milliseconds = float(content["d"]), content["t"]
    starts_s = [round(start, 2) for start in accumulate(content["s"])]
    timelines = {name: _timeline(numbers, len(starts_s)) for name, numbers in content["m"].items()}
    if not timelines or not timelines.keys() <= ARCHITECTURES.keys():
        raise ValueError("unknown models")
    if not 0 < duration_s <= MAX_TIME or not all(0 <= t < duration_s for t in starts_s):
        raise ValueError("the segments lie outside the clip")
    if not all(0 <= t <= MAX_TIME for t in milliseconds):
        raise ValueError("these are not times")
    tags = {MusiCNNClassifier.name: _tags(content["g"])} if "g" in content else {}
    answers = [
        _answer(name, timeline, model_ms, tags.get(name))
        for (name, timeline), model_ms in zip(timelines.items(), milliseconds[1:], strict=True)
    ]
    sound = _sound(*content["k"]) if "k" in content else Sound("music", None, ())
    warnings, is_unlike = [LINK_WARNING], "u" in content
    return assemble(duration_s, starts_s, sound, answers, ensemble, warnings, milliseconds[0], is_unlike)


def _timeline(numbers: str, n_segments: int) -> list[list[float]]:
    """Ten bytes in hexadecimal for every segment -> probabilities, (segments, 10)."""
    roots = bytes.fromhex(numbers)
    if not 0 < len(roots) == n_segments * len(GENRES) <= MAX_SEGMENTS * len(GENRES):
        raise ValueError("the segments do not match")
    probabilities = torch.tensor([_from_byte(root) for root in roots]).unflatten(0, (-1, len(GENRES)))
    if not (probabilities.sum(dim=1) > 0).all():
        raise ValueError("these are not probabilities")
    return (probabilities / probabilities.sum(dim=1, keepdim=True)).tolist()


def _tags(numbers: str) -> dict[str, float]:
    """A byte for the tag and one for its probability, in hexadecimal, for each -> the likeliest tags."""
    pairs = bytes.fromhex(numbers)
    return {
        TAGS[tag]: _from_byte(p)
        for tag, p in zip(pairs[: 2 * TOP_TAGS : 2], pairs[1 : 2 * TOP_TAGS : 2], strict=True)
    }


def _sound(kind: str, music_probability: float | None, *evidence: str) -> Sound:
    """What the sound is of, in no more words than `to_token` sends."""
    if kind not in KINDS.values() or len(evidence) > MAX_EVIDENCE:
        raise ValueError("this is no kind of sound")
    if not all(SENTENCE.fullmatch(sentence) for sentence in evidence):
        raise ValueError("these are not measurements")
    if music_probability is not None and not 0 <= music_probability <= 1:
        raise ValueError("this is no probability")
    return Sound(kind, music_probability, evidence)


def _answer(name: str, timeline: list[list[float]], ms: float, tags: dict[str, float] | None) -> ModelAnswer:
    mean = torch.tensor(timeline).mean(dim=0)
    probabilities = dict(zip(GENRES, mean.tolist(), strict=True))
    return ModelAnswer(name, GENRES[int(mean.argmax())], probabilities, timeline, ms, tags)
