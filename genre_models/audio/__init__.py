"""Any sound file -> mono waveform at 22,050 Hz -> segments of 6 s."""

from genre_models.audio.clip import Clip, load, read
from genre_models.audio.limits import MAX_S, MIN_S, SAMPLE_RATE, SEGMENT_S, SEGMENT_SAMPLES, AudioError
from genre_models.audio.segments import Segments, is_silent, segment

__all__ = [
    "MAX_S",
    "MIN_S",
    "SAMPLE_RATE",
    "SEGMENT_S",
    "SEGMENT_SAMPLES",
    "AudioError",
    "Clip",
    "Segments",
    "is_silent",
    "load",
    "read",
    "segment",
]
