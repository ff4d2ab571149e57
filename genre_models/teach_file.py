"""Taught labels as a file, and back: labels, clip names and embeddings, but no sound."""

import json
import math
from typing import Any, NoReturn

from genre_models.musicnn import EMBEDDING
from genre_models.teach import (
    MAX_CLIPS,
    MAX_LABELS,
    TaughtClip,
    TaughtLabels,
    TeachError,
    clean_label,
    clean_name,
)

FORMAT = "genre_models taught labels"
VERSION = 1
MAX_FILE_BYTES = 4_000_000  # 20 labels of 50 clips take about 2 MB
LENGTH_TOLERANCE = 0.01

FOREIGN = "This file holds no labels that were downloaded here."
DAMAGED = "This file was changed or cut off after it was downloaded, so nothing was taken from it."
OTHER_VERSION = "This file was written by another version of this app, so nothing was taken from it."
OTHER_EAR = "These labels were taught to another network, so they cannot be used here: teach them again."


def to_json(taught: TaughtLabels, ear: str) -> bytes:
    """The labels as a file; `ear` is the fingerprint of the network whose embeddings they are."""
    labels = [
        {
            "label": label,
            "clips": [{"name": clip.name, "embedding": clip.embedding} for clip in clips],
        }
        for label, clips in taught.clips.items()
    ]
    content = {"format": FORMAT, "version": VERSION, "ear": ear, "labels": labels}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def from_json(content: bytes, ear: str) -> TaughtLabels:
    """The labels of a file. Raises `TeachError`, whose text is a sentence, for what `to_json` did not write.

    `ear` is the fingerprint of the network that will hear the clips to be named.
    """
    parsed = _parse(content)
    if not isinstance(parsed, dict) or parsed.get("format") != FORMAT:
        raise TeachError(FOREIGN)
    if parsed.get("version") != VERSION:
        raise TeachError(OTHER_VERSION)
    if parsed.get("ear") != ear:
        raise TeachError(OTHER_EAR)
    try:
        return _labels(parsed["labels"])
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise TeachError(DAMAGED) from error


def _parse(content: bytes) -> Any:
    if len(content) > MAX_FILE_BYTES:
        raise TeachError(FOREIGN)
    try:
        return json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise TeachError(FOREIGN) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _labels(entries: Any) -> TaughtLabels:
    if not isinstance(entries, list) or not 0 < len(entries) <= MAX_LABELS:
        raise ValueError("these are not labels")
    taught = TaughtLabels()
    for entry in entries:
        label, clips = clean_label(_text(entry["label"])), entry["clips"]
        if not isinstance(clips, list) or not 0 < len(clips) <= MAX_CLIPS:
            raise ValueError("these are not clips")
        for clip in clips:
            embedding = _embedding(clip["embedding"])
            taught = taught.with_clip(label, TaughtClip(clean_name(_text(clip["name"])), embedding))
    return taught


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("this is not text")
    return value


def _embedding(values: Any) -> tuple[float, ...]:
    if not isinstance(values, list) or len(values) != EMBEDDING:
        raise ValueError("this is not an embedding")
    if not all(type(value) in (int, float) and abs(value) <= 1 for value in values):
        raise ValueError("these are not numbers of an embedding")
    if abs(math.hypot(*values) - 1) > LENGTH_TOLERANCE:
        raise ValueError("this embedding is not of length 1")
    return tuple(float(value) for value in values)
