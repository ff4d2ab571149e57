"""Tells music from what is none, and says what spoke for that."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genre_models import audio
from genre_models.musicnn import POOLED, Heard
from genre_models.sound import measures
from genre_models.sound.evidence import evidence
from genre_models.sound.measures import MEASURES, measure
from genre_models.weights import StrictWeights

KINDS = {
    "music": "music",
    "speech": "speech",
    "noise": "noise",
    "tone": "a single tone",
    "signal": "beeps, a siren or calls",
    "knocks": "clicks or knocks",
}
"""The detector's classes, and how each reads in a sentence."""

REACH = 4.0  # deviations; beyond it a measure says nothing more
AUDIBLE_DB = 40.0  # segments this far below the loudest one of a clip are its silence


@dataclass(frozen=True)
class Sound:
    """What a recording sounds like.

    `kind` is "music", "silence", or what else it is; `evidence` are sentences for a person on what was
    measured; `music_probability` is None where nothing but the level was looked at.
    """

    kind: str
    music_probability: float | None
    evidence: tuple[str, ...]

    @property
    def is_music(self) -> bool:
        """Whether it makes sense to name a genre."""
        return self.kind == "music"

    @property
    def sentence(self) -> str:
        """What to tell the visitor instead of a genre."""
        return f"This does not sound like music but like {self.kind}, so there is no genre to name."


class SoundDetector(
    nn.Module,
    StrictWeights,
    library_name="genre-models",
    license="mit",
    pipeline_tag="audio-classification",
    tags=["music"],
    model_card_template=(Path(__file__).parent / "card.md").read_text(encoding="utf-8"),
):
    """Logistic regressions on `measures.measure` and on what MusiCNN hears of 6 s segments.

    The standardised measures enter with their squares: too much of one and too little of it may both be
    unlike music. `by_measures` answers where MusiCNN did not listen, `by_both` where it did. A clip is music
    if its probability of being that reaches `threshold`, or `threshold_deaf` where MusiCNN did not listen.
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, threshold: float = 0.5, threshold_deaf: float = 0.5) -> None:
        super().__init__()
        self.threshold, self.threshold_deaf = threshold, threshold_deaf
        self.register_buffer("centre", torch.zeros(len(MEASURES) + POOLED))
        self.register_buffer("spread", torch.ones(len(MEASURES) + POOLED))
        self.by_measures = nn.Linear(2 * len(MEASURES), len(KINDS))
        self.by_both = nn.Linear(2 * len(MEASURES) + POOLED, len(KINDS))
        self.requires_grad_(False)

    def card_facts(self) -> dict[str, Any]:
        """For the card: size and thresholds, and the constants of the measures."""
        return {
            "parameters": sum(weight.numel() for weight in self.parameters()),
            "threshold": self.threshold,
            "threshold_deaf": self.threshold_deaf,
            "measures": measures,
            "pooled": POOLED,
        }

    def inputs(self, features: Tensor) -> Tensor:
        """Measures and MusiCNN's features (n, 25 + 1506), or measures alone (n, 25), as the regressions take
        them: standardised, with the measures' squares at the end.
        """
        width = features.shape[1]
        standard = ((features - self.centre[:width]) / self.spread[:width]).clamp(-REACH, REACH)
        return torch.cat([standard, standard[:, : len(MEASURES)].square()], dim=1)

    def forward(self, features: Tensor) -> Tensor:
        """Features of n segments (n, 25 or 1531) -> logits (n, kinds)."""
        layer = self.by_measures if features.shape[1] == len(MEASURES) else self.by_both
        logits: Tensor = layer(self.inputs(features))
        return logits

    def probabilities(self, features: Tensor) -> Tensor:
        """Of a clip, by the mean over its segments of the logits, (n, 25 or 1531) -> (kinds,)."""
        return self(features).mean(dim=0).softmax(dim=0)

    def judge(self, waveform: Tensor, heard: Heard | None) -> Sound:
        """What a clip (samples,) at 22,050 Hz is of; `heard` is MusiCNN's of the same clip's segments.

        Without it the acoustic measures decide alone, which is less reliable. A clip without any sound has
        to be recognised before.
        """
        segments = audio.segment(waveform).waveforms
        kept = audible(segments)
        found = measure(segments[kept])
        pooled = None if heard is None else heard.pooled[kept]
        tags = None if heard is None else heard.tags[kept].mean(dim=0)
        probabilities = self.probabilities(features(found, pooled))
        threshold = self.threshold_deaf if heard is None else self.threshold
        return _sound(probabilities, threshold, {name: float(x.mean()) for name, x in found.items()}, tags)


def _sound(
    probabilities: Tensor, threshold: float, measured: Mapping[str, float], tags: Tensor | None
) -> Sound:
    music = float(probabilities[0])
    likeliest = list(KINDS)[1 + int(probabilities[1:].argmax())]
    if music < threshold:
        return Sound(KINDS[likeliest], music, evidence(likeliest, measured, tags))
    if music < 0.5:
        doubt = f"This may not be music: it also resembles {KINDS[likeliest]}."
        return Sound("music", music, (doubt, *evidence(likeliest, measured, tags)))
    return Sound("music", music, ())


def audible(segments: Tensor) -> Tensor:
    """Which of the segments (n, samples) are not the silence of their clip, (n,) booleans."""
    rms = segments.std(dim=1)
    return rms >= rms.max() * 10 ** (-AUDIBLE_DB / 20)


def features(found: Mapping[str, Tensor], pooled: Tensor | None) -> Tensor:
    """What the detector takes in: measures of n segments, MusiCNN's features (n, 1506) -> (n, 25 or 1531)."""
    measures = torch.stack([found[name] for name in MEASURES], dim=1)
    return measures if pooled is None else torch.cat([measures, pooled], dim=1)
