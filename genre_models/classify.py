"""An audio file in, a report of what every model hears out: shared by the app, its API and the evaluation."""

import os
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import torch
from torch import Tensor

from genre_models import audio, musicnn
from genre_models.classifiers import GENRES, GenreClassifier, MusiCNNClassifier
from genre_models.classifiers.heads import UNLIKE
from genre_models.features import mfcc
from genre_models.hub import Ensemble
from genre_models.musicnn import TAGS, Heard
from genre_models.sound import Sound
from genre_models.verdict import Verdict, decide, hedge, outside, refuse

_TURNS = BoundedSemaphore(os.cpu_count() or 1)  # more clips at once than cores would only take memory
ONLY_THE_EAR = (
    "MusiCNN takes this for a recording with noise, voices, echo or a narrow band, and may be wrong in that: "
    "only MusiCNN counts in the verdict, because the small networks learned from clean sound."
)
SILENT = "This clip is silent, so there is no genre to name: check the microphone or the file."


@dataclass(frozen=True)
class ModelAnswer:
    """One model on one clip: mean probabilities over the segments, and those of each segment.

    `tags` are the pretrained model's own 50 words, each with its probability; the others have none.
    """

    name: str
    genre: str
    probabilities: dict[str, float]
    timeline: list[list[float]]
    milliseconds: float
    tags: dict[str, float] | None = None


@dataclass(frozen=True)
class Report:
    """All that is known of one clip; times in seconds from its start.

    `probabilities` are those of the models together, `combined` the same for each segment; `counted` are the
    models that they are made of.
    """

    duration_s: float
    segments: int
    segment_starts_s: list[float]
    genres: list[str]
    sound: Sound
    verdict: Verdict
    probabilities: dict[str, float]
    combined: list[list[float]]
    counted: list[str]
    models: list[ModelAnswer]
    warnings: list[str]
    preparation_milliseconds: float

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class _Heard:
    """A clip's segments as the models take them in."""

    mfccs: Tensor
    ear: Heard | None
    ear_milliseconds: float


def _milliseconds_since(start: float) -> float:
    return 1e3 * (time.perf_counter() - start)


def _silent_report(clip: audio.Clip, start: float) -> Report:
    return Report(
        duration_s=clip.duration_s,
        segments=0,
        segment_starts_s=[],
        genres=list(GENRES),
        sound=Sound("silence", None, (f"Nothing in it is louder than {audio.SILENCE_DBFS} dB.",)),
        verdict=refuse(SILENT),
        probabilities={},
        combined=[],
        counted=[],
        models=[],
        warnings=list(clip.warnings),
        preparation_milliseconds=_milliseconds_since(start),
    )


def _hear(ensemble: Ensemble, segments: audio.Segments, at_16_khz: Tensor) -> _Heard:
    mfccs = mfcc(segments.waveforms)
    start = time.perf_counter()
    ear = None
    if ensemble.ear is not None:
        waveforms = audio.cut(at_16_khz, segments.starts_s, musicnn.SAMPLE_RATE)
        ear = ensemble.ear.listen(waveforms)
    return _Heard(mfccs, ear, _milliseconds_since(start))


def _ask(model: GenreClassifier, heard: _Heard) -> ModelAnswer:
    start = time.perf_counter()
    tags, before_ms = None, 0.0
    if isinstance(model, MusiCNNClassifier) and heard.ear is not None:
        logits, before_ms = model.heads(heard.ear.restored, heard.ear.mended), heard.ear_milliseconds
        tags = dict(zip(TAGS, heard.ear.tags.mean(dim=0).tolist(), strict=True))
    else:
        logits = model(heard.mfccs)
    probabilities = model.probabilities(logits)  # (segments, 10)
    mean = probabilities.mean(dim=0)
    return ModelAnswer(
        name=model.name,
        genre=GENRES[int(mean.argmax())],
        probabilities=dict(zip(GENRES, mean.tolist(), strict=True)),
        timeline=probabilities.tolist(),
        milliseconds=before_ms + _milliseconds_since(start),
        tags=tags,
    )


@torch.inference_mode()
def classify(path: str | Path, ensemble: Ensemble, chosen: Collection[str] | None = None) -> Report:
    """Ask the `chosen` models, all of them by default, about the audio file at `path`.

    Raises `audio.AudioError`, whose text is a sentence for a person, for what cannot be read as sound.
    """
    models = [model for name, model in ensemble.models.items() if chosen is None or name in chosen]
    if not models:
        raise ValueError("choose at least one model")
    with _TURNS:
        return _classify(path, ensemble, models)


def _classify(path: str | Path, ensemble: Ensemble, models: list[GenreClassifier]) -> Report:
    start = time.perf_counter()
    clip, at_16_khz = audio.read_at(path, [audio.SAMPLE_RATE, musicnn.SAMPLE_RATE])
    segments = audio.segment(clip.waveform)
    if audio.is_silent(clip.waveform):
        return _silent_report(clip, start)
    heard = _hear(ensemble, segments, at_16_khz.waveform)
    sound = ensemble.recognise(clip.waveform, heard.ear)
    preparation_ms = _milliseconds_since(start)
    return assemble(
        clip.duration_s,
        list(segments.starts_s),
        sound,
        [_ask(model, heard) for model in models],
        ensemble,
        [*clip.warnings, *segments.warnings],
        preparation_ms,
        _is_unlike(models, heard.ear),
    )


def _is_unlike(models: list[GenreClassifier], ear: Heard | None) -> bool:
    """Whether MusiCNN, if it is asked, hears that the small networks learned from better recordings."""
    shares = [
        model.heads.unlike(ear.restored, ear.mended).mean()
        for model in models
        if isinstance(model, MusiCNNClassifier) and ear is not None
    ]
    return any(float(share) > UNLIKE for share in shares)


def assemble(
    duration_s: float,
    starts_s: list[float],
    sound: Sound,
    answers: list[ModelAnswer],
    ensemble: Ensemble,
    warnings: list[str],
    preparation_ms: float,
    is_unlike: bool = False,
) -> Report:
    """The report of what the models answered, with the verdict on it.

    In a recording that `is_unlike` those that the networks of the notes learned from, only MusiCNN counts, if
    it was asked.
    """
    timelines = {answer.name: torch.tensor(answer.timeline) for answer in answers}
    means = {name: timeline.mean(dim=0) for name, timeline in timelines.items()}
    away = outside(next((answer.tags for answer in answers if answer.tags), None))
    ear = [name for name in means if is_unlike and name == MusiCNNClassifier.name]
    counted = ear or list(means)
    together = ensemble.combination.combine({name: means[name] for name in counted})
    return Report(
        duration_s=duration_s,
        segments=len(starts_s),
        segment_starts_s=starts_s,
        genres=list(GENRES),
        sound=sound,
        verdict=decide(means, together, away) if sound.is_music else refuse(sound.sentence),
        probabilities=dict(zip(GENRES, hedge(together, away.share).tolist(), strict=True)),
        combined=hedge(
            ensemble.combination.combine({name: timelines[name] for name in counted}), away.share
        ).tolist(),
        counted=counted,
        models=answers,
        warnings=[*warnings, *([ONLY_THE_EAR] if len(counted) < len(means) else [])],
        preparation_milliseconds=preparation_ms,
    )
