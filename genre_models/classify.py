"""An audio file in, a report of what every model hears out: shared by the app, its API and the evaluation."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genre_models import audio
from genre_models.classifiers import GENRES, GenreClassifier
from genre_models.features import mfcc

SURE_CONFIDENCE = 0.5
"""A verdict is sure when the models' mean probability reaches this and most of them name that genre."""

CANDIDATE_SHARE = 0.6
"""A genre is a candidate of an unsure verdict from this share of the likeliest genre's probability."""

MAX_CANDIDATES = 3


@dataclass(frozen=True)
class ModelAnswer:
    """One model on one clip: mean probabilities over the segments, and those of each segment."""

    name: str
    genre: str
    probabilities: dict[str, float]
    timeline: list[list[float]]
    milliseconds: float


@dataclass(frozen=True)
class Verdict:
    """What the models say together; `genre` is None only where there is nothing to name."""

    genre: str | None
    sure: bool
    candidates: list[str]
    agreement: float
    confidence: float
    sentence: str


@dataclass(frozen=True)
class Report:
    """All that is known of one clip; times in seconds from its start."""

    duration_s: float
    segments: int
    segment_starts_s: list[float]
    genres: list[str]
    verdict: Verdict
    models: list[ModelAnswer]
    warnings: list[str]
    preparation_milliseconds: float

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return asdict(self)


def mean_probabilities(answers: Mapping[str, Tensor]) -> Tensor:
    """The average of the models, {name: (segments, genres)} -> (genres,)."""
    return torch.stack([probabilities.mean(dim=0) for probabilities in answers.values()]).mean(dim=0)


@torch.inference_mode()
def predict(model: GenreClassifier, mfccs: Tensor) -> Tensor:
    """Probabilities, (segments, 130, 13) -> (segments, 10)."""
    return model(mfccs).softmax(dim=-1)


def _candidates(probabilities: Tensor) -> list[str]:
    order = probabilities.argsort(descending=True)[:MAX_CANDIDATES].tolist()
    floor = CANDIDATE_SHARE * float(probabilities[order[0]])
    return [GENRES[i] for i in order if float(probabilities[i]) >= floor]


def _list_in_words(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def decide(answers: Mapping[str, Tensor]) -> Verdict:
    """The verdict of the models' average, {name: (segments, 10)}."""
    probabilities = mean_probabilities(answers)
    best = int(probabilities.argmax())
    genre, confidence = GENRES[best], float(probabilities[best])
    votes = sum(int(answer.mean(dim=0).argmax()) == best for answer in answers.values())
    agreement = votes / len(answers)
    sure = confidence >= SURE_CONFIDENCE and agreement > 0.5
    candidates = [genre] if sure else _candidates(probabilities)
    agreeing = (
        f"{votes} of {len(answers)} models agree" if len(answers) > 1 else "the one model asked says so"
    )
    if sure:
        sentence = f"{genre.capitalize()}: {agreeing}."
    elif len(candidates) > 1:
        sentence = f"Not sure: {_list_in_words(candidates)}."
    else:
        sentence = f"Not sure: perhaps {genre}."
    return Verdict(genre, sure, candidates, agreement, confidence, sentence)


def _silent_report(clip: audio.Clip, preparation_ms: float) -> Report:
    sentence = "This clip is silent, so there is no genre to name: check the microphone or the file."
    verdict = Verdict(None, False, [], 0.0, 0.0, sentence)
    return Report(clip.duration_s, 0, [], list(GENRES), verdict, [], list(clip.warnings), preparation_ms)


def classify(path: str | Path, models: Mapping[str, GenreClassifier]) -> Report:
    """Ask `models` (name -> classifier) about the audio file at `path`.

    Raises `audio.AudioError`, whose text is a sentence for a person, for what cannot be read as sound.
    """
    if not models:
        raise ValueError("choose at least one model")
    start = time.perf_counter()
    clip = audio.read(path)
    segments = audio.segment(clip.waveform)
    if audio.is_silent(clip.waveform):
        return _silent_report(clip, 1e3 * (time.perf_counter() - start))
    with torch.inference_mode():
        mfccs = mfcc(segments.waveforms)
    preparation_ms = 1e3 * (time.perf_counter() - start)

    answers: dict[str, Tensor] = {}
    reports = []
    for name, model in models.items():
        start = time.perf_counter()
        answers[name] = predict(model, mfccs)
        milliseconds = 1e3 * (time.perf_counter() - start)
        mean = answers[name].mean(dim=0)
        reports.append(
            ModelAnswer(
                name=name,
                genre=GENRES[int(mean.argmax())],
                probabilities=dict(zip(GENRES, mean.tolist(), strict=True)),
                timeline=answers[name].tolist(),
                milliseconds=milliseconds,
            )
        )
    return Report(
        duration_s=clip.duration_s,
        segments=len(mfccs),
        segment_starts_s=list(segments.starts_s),
        genres=list(GENRES),
        verdict=decide(answers),
        models=reports,
        warnings=[*clip.warnings, *segments.warnings],
        preparation_milliseconds=preparation_ms,
    )
