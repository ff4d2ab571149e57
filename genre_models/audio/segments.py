"""A waveform -> segments of 6 s, as the notes cut a clip of 30 s into five."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from genre_models.audio.limits import SAMPLE_RATE, SEGMENT_S, SEGMENT_SAMPLES
from genre_models.decoding import MIN_S, AudioError

MIN_SAMPLES = MIN_S * SAMPLE_RATE
WINDOW_SAMPLES = SAMPLE_RATE * 400 // 1000  # 400 ms, the momentary loudness of EBU R 128
# The loudest 400 ms of every GTZAN clip and excerpt lie between -25 and -6 dBFS: music turned down by 30 dB
# stays above this, a quiet room in front of a laptop's microphone below.
SILENCE_DBFS = -60


@dataclass(frozen=True)
class Segments:
    """Equal pieces of a clip at SAMPLE_RATE, in order."""

    waveforms: Tensor  # (n, SEGMENT_SAMPLES)
    starts_s: tuple[float, ...]  # where each begins in the clip
    warnings: tuple[str, ...]


def segment(waveform: Tensor) -> Segments:
    """Cut a waveform (samples,) at SAMPLE_RATE from its start into pieces of SEGMENT_SAMPLES.

    A tail under 1 s is dropped; one that lacks less than 1 s is filled up; any other becomes the last 6 s of
    the clip, which overlap the piece before. A clip under 6 s is filled up, under 5 s with a warning.
    Filling repeats the piece from its start: zeros would be a floor in the log mel spectrum.
    Raises AudioError for a clip under 1 s.
    """
    samples = len(waveform)
    if samples < MIN_SAMPLES:
        length = f"{samples / SAMPLE_RATE:.2f} s"
        raise AudioError(f"This clip lasts only {length}; please give at least {MIN_S} second of sound.")
    starts = list(range(0, samples - SEGMENT_SAMPLES + 1, SEGMENT_SAMPLES))
    tail = samples - len(starts) * SEGMENT_SAMPLES
    if not starts or SEGMENT_SAMPLES - tail < MIN_SAMPLES:
        starts.append(samples - tail)
    elif tail >= MIN_SAMPLES:
        starts.append(samples - SEGMENT_SAMPLES)
    starts_s = tuple(start / SAMPLE_RATE for start in starts)
    return Segments(cut(waveform, starts_s, SAMPLE_RATE), starts_s, _short_clip_warnings(samples))


def cut(waveform: Tensor, starts_s: Sequence[float], sample_rate: int) -> Tensor:
    """The segments that begin at these seconds of a waveform (samples,) at any rate, (n, 6 s of samples).

    They share the waveform's memory where they are whole and follow each other from its start.
    """
    length = SEGMENT_S * sample_rate
    starts = [round(start_s * sample_rate) for start_s in starts_s]
    end = len(starts) * length
    if starts == list(range(0, end, length)) and end <= len(waveform):
        return waveform[:end].unflatten(0, (len(starts), length))
    return torch.stack([_filled(waveform[start : start + length], length) for start in starts])


def is_silent(waveform: Tensor) -> bool:
    """Whether nothing in a waveform (samples,) at SAMPLE_RATE can be heard, a constant offset set aside.

    True if no 0.4 s of it reach an RMS of -60 dBFS about their own mean.
    """
    loudest = max(float(window.std(correction=0)) for window in torch.split(waveform, WINDOW_SAMPLES))
    return loudest < 10 ** (SILENCE_DBFS / 20)


def _filled(piece: Tensor, length: int) -> Tensor:
    if len(piece) == length:
        return piece  # ten minutes need not be copied
    copies = -(-length // len(piece))  # rounded up
    return piece.repeat(copies)[:length]


def _short_clip_warnings(samples: int) -> tuple[str, ...]:
    if SEGMENT_SAMPLES - samples <= MIN_SAMPLES:
        return ()
    return (
        f"This clip lasts only {samples / SAMPLE_RATE:.1f} s: it was repeated to fill {SEGMENT_S} s, "
        "so take the answer with care.",
    )
