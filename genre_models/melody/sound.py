"""A tune as sound: its MIDI file played by the piano of a SoundFont."""

import wave
from dataclasses import replace
from fractions import Fraction
from functools import cache
from importlib.metadata import distribution
from io import BytesIO
from itertools import accumulate
from pathlib import Path

import midirenderer
import numpy as np
from numpy.typing import NDArray

from genre_models.melody.score import TEMPO, midi
from genre_models.melody.tune import Tune

SAMPLE_RATE = 48_000  # Hz, the only rate of midirenderer
SOUND_FONT = "pretty_midi/TimGM6mb.sf2"
"""General MIDI instruments by Tim Brechbill (GPL-2), a file of the package pretty_midi."""
PEAK = 10 ** (-1 / 20)
"""-1 dB of full scale."""
LONGEST_S = 300
RING_S = 2.0
"""For the strings and the room to ring after the last note."""
FADE_S = 0.5
"""Over so long at the end the ringing is brought to nothing."""


@cache
def sound_font() -> bytes:
    """The SoundFont's file; nothing of its package is imported."""
    return Path(str(distribution("pretty_midi").locate_file(SOUND_FONT))).read_bytes()


def audio(tune: Tune, tempo: int = TEMPO) -> tuple[int, NDArray[np.int16]]:
    """Sample rate in Hz and samples (length, 2), -1 dB of full scale where loudest; rests alone are silent.

    A tune of more than LONGEST_S seconds ends with the last note that is over by then.
    """
    rendered = midirenderer.render_wave_from(sound_font(), midi(_cut(tune, tempo), tempo, RING_S))
    with wave.open(BytesIO(rendered)) as file:
        frames = file.readframes(file.getnframes())
    samples = np.frombuffer(frames, np.int16).reshape(-1, 2).astype(np.float32)  # (length, 2)
    fade = np.linspace(1, 0, int(FADE_S * SAMPLE_RATE), dtype=np.float32)
    samples[-len(fade) :] *= fade[:, None]
    loudest = max(1.0, float(np.abs(samples).max()))
    return SAMPLE_RATE, (samples * (PEAK * np.iinfo(np.int16).max / loudest)).astype(np.int16)


def _cut(tune: Tune, tempo: int) -> Tune:
    longest = Fraction(LONGEST_S * tempo, 60 * 4)  # whole notes
    ends = accumulate(note.length for note in tune.notes)
    return replace(tune, notes=tune.notes[: sum(end <= longest for end in ends)])
