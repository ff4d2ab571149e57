"""Labels that a visitor teaches with a few clips, and which of them another clip is likest.

A label is the mean of its clips' embeddings, as in Snell, Swersky and Zemel, "Prototypical networks for
few-shot learning" (2017); so few clips set nothing else. How far clips scatter about such a mean was measured
on other recordings by `train.py teaching`, which is what makes the probabilities mean what they say.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from genre_models import audio, musicnn
from genre_models.musicnn import MusiCNN
from genre_models.paths import METRICS

MAX_LABELS = 20
MAX_CLIPS = 50
"""Of each label."""
MAX_LABEL_LENGTH = 40
MAX_NAME_LENGTH = 120
DECIMALS = 5
"""Kept of an embedding, in memory as in files: its numbers are of the order of 0.07."""

SPREAD = 0.06
"""Squared distance by which a clip's odds fall by the square root of e."""
SCATTER = 0.42
"""Mean squared distance of a clip from the centre of its label."""
SCATTER_CLIPS = 8
"""So many clips' own scatter count as much as SCATTER."""
UNLIKE = 2.15
"""Times the scatter: about 7 of 100 clips lie farther than this from their own label."""

TEACHING_FILE = METRICS / "teaching.json"
"""What `train.py teaching` measured."""

SILENT = "This clip is silent, so there is nothing to learn from it: check the microphone or the file."
UNNAMED = "Type a label for the clips first."

Embedding = tuple[float, ...]
"""What the ear makes of a clip, (200,), brought to length 1."""


class TeachError(ValueError):
    """What cannot be taught; the message is a sentence for a person."""


@dataclass(frozen=True)
class TaughtClip:
    """A clip's name and its embedding; of the sound nothing is kept."""

    name: str
    embedding: Embedding


@dataclass(frozen=True)
class Answer:
    """A clip held against the labels; `familiar` is False where it is far from all of them."""

    label: str
    probabilities: dict[str, float]
    familiar: bool


@dataclass(frozen=True)
class LeftOut:
    """What each clip is called by the labels taught without it; None for the only clip of a label."""

    named: dict[str, tuple[str | None, ...]]

    @property
    def tested(self) -> int:
        """Clips that could be left out."""
        return sum(name is not None for names in self.named.values() for name in names)

    @property
    def right(self) -> int:
        """Clips that got their own label."""
        return sum(name == label for label, names in self.named.items() for name in names)


@dataclass(frozen=True)
class Prototypes:
    """The labels as the means of their clips."""

    labels: tuple[str, ...]
    means: Tensor  # (labels, 200)
    counts: Tensor  # (labels,), clips of each
    scatters: Tensor  # (labels,), mean squared distance of a clip from the centre

    def answer(self, embedding: Embedding) -> Answer:
        """The probability of each label, and whether the clip is like any of them."""
        distances = weighed(torch.tensor([embedding]), self.means, self.counts)[0]
        probabilities = (-distances / (2 * SPREAD)).softmax(dim=0)
        return Answer(
            label=self.labels[int(probabilities.argmax())],
            probabilities=dict(zip(self.labels, probabilities.tolist(), strict=True)),
            familiar=bool(self.are_familiar(distances)),
        )

    def are_familiar(self, distances: Tensor) -> Tensor:
        """Whether clips at these weighed distances (..., labels) are like any label, (...)."""
        return (distances < UNLIKE * self.scatters).any(dim=-1)


def weighed(points: Tensor, means: Tensor, counts: Tensor) -> Tensor:
    """Squared distances of points (n, 200) to means (labels, 200) of `counts` clips, (n, labels).

    A mean of k clips lies off the label's true centre by 1/k of their scatter, so distances to labels with
    few clips count less.
    """
    return (points[:, None] - means).square().sum(dim=2) / (1 + 1 / counts)


@dataclass(frozen=True)
class TaughtLabels:
    """The labels in the order in which they were taught, each with one clip or more."""

    clips: Mapping[str, tuple[TaughtClip, ...]] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Whether there is something to tell apart."""
        return len(self.clips) > 1

    @property
    def n_clips(self) -> int:
        """Clips of all labels."""
        return sum(len(clips) for clips in self.clips.values())

    def with_clip(self, label: str, clip: TaughtClip) -> "TaughtLabels":
        """One clip more. A label that differs only in case or spaces is the same label; so is the same clip.

        Raises `TeachError` for an empty or overlong label, or where there are too many.
        """
        label = self._known(clean_label(label))
        clips = self.clips.get(label, ())
        if clip.embedding in (known.embedding for known in clips):
            return self
        if not clips and len(self.clips) == MAX_LABELS:
            raise TeachError(f"There are {MAX_LABELS} labels already: remove one to teach another.")
        if len(clips) == MAX_CLIPS:
            raise TeachError(f"“{label}” has {MAX_CLIPS} clips already: remove one to add another.")
        return TaughtLabels({**self.clips, label: (*clips, clip)})

    def without_clip(self, label: str, place: int) -> "TaughtLabels":
        """One clip fewer; a label goes with its last clip."""
        clips = self.clips[label]
        kept = (*clips[:place], *clips[place + 1 :])
        return TaughtLabels({**self.clips, label: kept}) if kept else self.without_label(label)

    def without_label(self, label: str) -> "TaughtLabels":
        """One label and all its clips fewer."""
        return TaughtLabels({name: clips for name, clips in self.clips.items() if name != label})

    def joined_with(self, other: "TaughtLabels") -> "TaughtLabels":
        """The clips of both; each clip once. Raises `TeachError` where that makes too many."""
        joined = self
        for label, clips in other.clips.items():
            for clip in clips:
                joined = joined.with_clip(label, clip)
        return joined

    def fit(self) -> Prototypes:
        """The labels as means, at once: nothing is trained."""
        points = self._points()
        means = torch.stack([point.mean(dim=0) for point in points])
        around = [float((point - mean).square().sum()) for point, mean in zip(points, means, strict=True)]
        counts = torch.tensor([float(len(point)) for point in points])
        prior = SCATTER_CLIPS * SCATTER
        return Prototypes(
            labels=tuple(self.clips),
            means=means,
            counts=counts,
            scatters=(prior + torch.tensor(around)) / (SCATTER_CLIPS + counts - 1),
        )

    def leave_one_out(self) -> LeftOut:
        """Each clip named by the labels as they would be without it."""
        labels, fitted = list(self.clips), self.fit()
        named: dict[str, tuple[str | None, ...]] = {}
        for own, points in enumerate(self._points()):
            others = len(points) - 1
            distances = weighed(points, fitted.means, fitted.counts)  # (clips, labels)
            if others and self.is_ready:
                without = (len(points) * fitted.means[own] - points) / others  # (clips, 200)
                distances[:, own] = (points - without).square().sum(dim=1) / (1 + 1 / others)
                named[labels[own]] = tuple(labels[i] for i in distances.argmin(dim=1).tolist())
            else:
                named[labels[own]] = (None,) * len(points)
        return LeftOut(named)

    def _points(self) -> list[Tensor]:
        """Each label's clips, (clips, 200)."""
        return [torch.tensor([clip.embedding for clip in clips]) for clips in self.clips.values()]

    def _known(self, label: str) -> str:
        """The label as it was spelt before, or as it is spelt now."""
        return next((known for known in self.clips if known.casefold() == label.casefold()), label)


def clean_label(text: str) -> str:
    """A label without what cannot be seen, and with single spaces. Raises `TeachError` if none is left."""
    label = _printable(text)
    if not label:
        raise TeachError(UNNAMED)
    if len(label) > MAX_LABEL_LENGTH:
        raise TeachError(f"This label is too long: {MAX_LABEL_LENGTH} characters at most, please.")
    return label


def clean_name(text: str) -> str:
    """A clip's name, cut to its first MAX_NAME_LENGTH characters."""
    return _printable(text)[:MAX_NAME_LENGTH].rstrip() or "a clip"


def _printable(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


@torch.inference_mode()
def embed(path: str | Path, ear: MusiCNN) -> Embedding:
    """What the ear makes of an audio file, averaged over its segments; the recording's level says nothing.

    Raises `audio.AudioError` for what cannot be read as sound, and for silence.
    """
    clip, at_16_khz = audio.read_at(path, [audio.SAMPLE_RATE, musicnn.SAMPLE_RATE])
    segments = audio.segment(clip.waveform)
    if audio.is_silent(clip.waveform):
        raise audio.AudioError(SILENT)
    return embed_segments(audio.cut(at_16_khz.waveform, segments.starts_s, musicnn.SAMPLE_RATE), ear)


def embed_segments(waveforms: Tensor, ear: MusiCNN) -> Embedding:
    """The embedding of a clip in segments, (n, 96000) at 16 kHz."""
    unit = F.normalize(ear.listen(waveforms).embedding.mean(dim=0), dim=0)
    return tuple(round(value, DECIMALS) for value in unit.tolist())


def fingerprint(ear: MusiCNN) -> str:
    """Which ear this is: embeddings, which are not restored, of different ears cannot be compared."""
    digest = hashlib.sha256()
    for values in ear.unrestored().state_dict().values():
        if values.is_floating_point():
            digest.update(values.float().contiguous().numpy().tobytes())
    return f"musicnn-{digest.hexdigest()[:16]}"
