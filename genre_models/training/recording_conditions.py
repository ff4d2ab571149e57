"""Recording conditions under which every model is measured, beside the recording as it is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from genre_models.training import recording

Apply = Callable[[Tensor, np.random.Generator], Tensor]
CLEAN = "clean"


@dataclass(frozen=True)
class Condition:
    """What happens to the recording, in words and as a function of waveform and generator."""

    title: str
    apply: Apply


def _noise(waveform: Tensor, rng: np.random.Generator) -> Tensor:
    return recording.with_background(waveform, recording.noise(len(waveform), 1.0, rng), 10.0)


def _babble(waveform: Tensor, rng: np.random.Generator) -> Tensor:
    return recording.with_background(waveform, recording.babble(len(waveform), 6, rng), 10.0)


def _room(waveform: Tensor, rng: np.random.Generator) -> Tensor:
    return recording.room(waveform, rng.uniform(0.4, 0.7), 0.0, rng)


def _all_at_once(waveform: Tensor, rng: np.random.Generator) -> Tensor:
    return recording.gain(recording.telephone(_noise(_room(waveform, rng), rng)), -20.0)


CONDITIONS: dict[str, Condition] = {
    "quiet": Condition("20 dB down", lambda waveform, _: recording.gain(waveform, -20.0)),
    "clipped": Condition("5% clipped", lambda waveform, _: recording.clip(waveform, 0.05)),
    "mp3": Condition(
        "MP3, 64 kbit/s stereo", lambda waveform, _: recording.codec(waveform, "mp3", 64_000, channels=2)
    ),
    "opus": Condition("Opus, 24 kbit/s", lambda waveform, _: recording.codec(waveform, "opus", 24_000)),
    "telephone": Condition("300 to 3,400 Hz", lambda waveform, _: recording.telephone(waveform)),
    "room": Condition("in a room", _room),
    "noise": Condition("noise, 10 dB", _noise),
    "babble": Condition("voices, 10 dB", _babble),
    "hard": Condition("room, noise, 300 to 3,400 Hz and 20 dB down", _all_at_once),
}
"""By name; noise and voices are 10 dB below the music, and rooms echo for 0.4 to 0.7 s."""
