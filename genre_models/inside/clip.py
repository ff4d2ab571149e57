"""A clip opened once and looked at many times."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from genre_models import audio, features, musicnn
from genre_models.inside.features import Seen, frame_times_s, see

MAX_KEPT = 16
"""Clips; one of 10 minutes takes a megabyte."""


@dataclass(frozen=True)
class InsideClip:
    """A clip as the networks take it in, without its sound; segments are those of `classify`.

    A clip under 6 s is repeated to fill its segment, so the frames of that one go on after the clip's end.
    """

    path: Path
    seen: Seen
    mfccs: Tensor  # (segments, 130, 13), not standardised

    @property
    def starts_s(self) -> tuple[float, ...]:
        """Where each segment begins, seconds from the clip's start."""
        return self.seen.segment_starts_s

    def frame_times_s(self, segment: int) -> np.ndarray:
        """The middle of the 130 frames of a segment, (130,), seconds from the clip's start."""
        return frame_times_s(self.starts_s[segment])

    def coefficients(self, segment: int) -> np.ndarray:
        """The MFCCs of a segment, (13, 130)."""
        return self.mfccs[segment].T.numpy()

    def at_16_khz(self, segment: int) -> Tensor:
        """One segment as MusiCNN takes it in, (1, 96000); reads the file again. Raises `AudioError`."""
        waveform = audio.load(self.path, musicnn.SAMPLE_RATE)
        return audio.cut(waveform, [self.starts_s[segment]], musicnn.SAMPLE_RATE)


def open_clip(path: str | Path) -> InsideClip:
    """Read a file and work out what is drawn and what the networks get; the last few files are kept.

    Raises `audio.AudioError`, whose text is a sentence for a person, for what cannot be read as sound.
    """
    path = Path(path)
    try:
        status = path.stat()
    except OSError:
        return _open(path, 0, 0)  # for the sentence
    return _open(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=MAX_KEPT)
@torch.no_grad()
def _open(path: Path, _modified_ns: int, _size: int) -> InsideClip:
    waveform = audio.load(path)
    segments = audio.segment(waveform)
    mfccs = features.mfcc(segments.waveforms)
    return InsideClip(path, see(waveform, segments, mfccs), mfccs)
