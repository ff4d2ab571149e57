"""Any sound file -> mono waveform at 22,050 Hz -> segments of 6 s."""

from genre_models.audio.clip import Clip, load, read, read_at
from genre_models.audio.limits import SAMPLE_RATE, SEGMENT_S, SEGMENT_SAMPLES
from genre_models.audio.segments import SILENCE_DBFS, Segments, cut, is_silent, segment
from genre_models.decoding import MAX_S, MIN_S, AudioError

__all__ = [
    "MAX_S",
    "MIN_S",
    "SAMPLE_RATE",
    "SEGMENT_S",
    "SEGMENT_SAMPLES",
    "SILENCE_DBFS",
    "AudioError",
    "Clip",
    "Segments",
    "cut",
    "is_silent",
    "load",
    "read",
    "read_at",
    "segment",
]
