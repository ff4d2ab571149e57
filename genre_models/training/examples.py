"""Sounds for the detector of non-music, generated or recorded, as the detector takes them in."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from genre_models import audio, parallel
from genre_models.sound.detector import audible, features
from genre_models.sound.measures import measure
from genre_models.training import augment, dataset
from genre_models.training.gtzan import Recording
from genre_models.training.noises import NOISES
from genre_models.training.recording_conditions import CLEAN, CONDITIONS
from genre_models.training.speech import speak
from genre_models.training.tunes import TUNES
from genre_models.training.unheard import UNHEARD
from genre_models.training.waves import RATE, Wave, unit

LANGUAGES = ("en-us", "en-gb", "de", "fr-fr", "es", "cs", "hu", "en-gb-scotland")
VARIANTS = ("", "+m1", "+m3", "+m7", "+f1", "+f2", "+f3", "+croak", "+whisper", "+klatt")
VOICES = [language + variant for language in LANGUAGES for variant in VARIANTS]
"""espeak-ng's that are learned from; `unheard` has others."""

SPEECH, RAP = "speech", "rap"
LEARNED_S, LEARNED_SHARES = (3.0, 4.5, 6.0), (0.2, 0.2, 0.6)
UNHEARD_S, UNHEARD_SHARES = (3, 5, 8, 12, 20, 30), (0.2, 0.2, 0.25, 0.2, 0.1, 0.05)
VARIED = "varied"
TURNS = ("quiet", "telephone", "room", "noise", "hard")
"""Recording conditions of which each recording is heard in one, by turns."""

Source = Literal["noise", "tune", "unheard", "music"]


@dataclass(frozen=True)
class Draw:
    """One sound to make or to read."""

    source: Source
    name: str
    number: int = 0
    recording: Recording | None = None


@dataclass(frozen=True)
class Example:
    """What the detector takes in of one sound, (segments, 1531).

    `condition` is "clean", one of `TURNS`, or "varied" for a change drawn at random.
    """

    draw: Draw
    condition: str
    features: NDArray[np.float32]


def _tensor(wave: Wave, decibels: float = 0.0) -> Tensor:
    return torch.from_numpy((wave / np.abs(wave).max() * 10 ** (decibels / 20)).astype(np.float32))


def _learned(draw: Draw, rng: np.random.Generator) -> Wave:
    n = int(rng.choice(LEARNED_S, p=LEARNED_SHARES) * RATE)
    if draw.name == SPEECH:
        return speak(rng, n, str(rng.choice(VOICES)))
    if draw.name == RAP:
        return unit(TUNES["drums"](rng, n)) + rng.uniform(0.5, 2) * unit(
            speak(rng, n, str(rng.choice(VOICES)))
        )
    return NOISES[draw.name][1](rng, n) if draw.source == "noise" else TUNES[draw.name](rng, n)


def _made(draw: Draw) -> tuple[str, Tensor]:
    """A generated sound's condition and waveform; what is learned from is recorded in all kinds of ways."""
    seed = f"{draw.source} {draw.name} {draw.number}"
    rng = augment.generator(seed)
    if draw.source == "unheard":
        n = int(rng.choice(UNHEARD_S, p=UNHEARD_SHARES) * RATE)
        return CLEAN, _tensor(UNHEARD[draw.name][1](rng, n), -rng.uniform(0, 25))
    return VARIED, augment.change(_tensor(_learned(draw, rng)), seed)


def _example(draw: Draw, condition: str, segments: Tensor, pooled: Tensor) -> Example:
    kept = audible(segments)
    found = features(measure(segments[kept]), pooled[kept].float())
    return Example(draw, condition, found.numpy())


def _listened(segments: Tensor, cache: Path) -> Tensor:
    """What MusiCNN hears of segments (n, 132300), (n, 1506), kept under the samples themselves."""
    key = hashlib.sha256(segments.numpy().tobytes()).hexdigest()[:32]
    file = cache / dataset.ear_digest() / f"{key}.safetensors"
    if not file.is_file():
        dataset.keep({"pooled": dataset.listen(segments).pooled}, file)
    return load_file(file)["pooled"]


@torch.inference_mode()
def _generated(draw: Draw, cache: Path) -> list[Example]:
    torch.set_num_threads(1)
    condition, waveform = _made(draw)
    segments = audio.segment(waveform).waveforms
    return [_example(draw, condition, segments, _listened(segments, cache))]


@torch.inference_mode()
def _recorded(draw: Draw, cache: Path) -> list[Example]:
    """A recording clean, under one condition, and in the first variant that MusiCNN listened to."""
    torch.set_num_threads(1)
    if draw.recording is None:
        raise ValueError("only recordings can be read")
    heard = load_file(dataset.cache_file(draw.recording, cache))
    waveform, label = audio.load(draw.recording.path), f"{draw.recording.track} {draw.recording.kind}"
    clean = audio.segment(waveform).waveforms
    name = TURNS[draw.number % len(TURNS)]
    changed = CONDITIONS[name].apply(waveform, augment.generator(f"{label} {name}"))
    varied = augment.change(waveform, f"{label} 0")
    return [
        _example(draw, CLEAN, clean, heard[f"{CLEAN}.heard"]),
        _example(draw, name, dataset.exactly(changed, len(clean)), heard[f"{name}.heard"]),
        _example(draw, VARIED, dataset.exactly(varied, len(clean)), heard["variants.heard"][0]),
    ]


def generated(draws: Sequence[Draw], cache: Path, workers: int) -> list[Example]:
    """Examples of generated sounds, in parallel, with a progress bar; what MusiCNN hears is kept."""
    make = partial(_generated, cache=cache / "sounds")
    heard = parallel.run(make, draws, "generated sounds", "sound", workers)
    return list(chain.from_iterable(heard))


def recorded(recordings: Sequence[Recording], cache: Path, workers: int) -> list[Example]:
    """Examples of recordings that `dataset.extract_all` has listened to, in parallel, with a progress bar."""
    draws = [Draw("music", recording.genre, i, recording) for i, recording in enumerate(recordings)]
    make = partial(_recorded, cache=cache)
    heard = parallel.run(make, draws, "recordings", "sound", workers)
    return list(chain.from_iterable(heard))
