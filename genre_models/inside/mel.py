"""Where the bands of a mel spectrogram lie, in Hz."""

import numpy as np

HZ_PER_MEL = 200 / 3
BEND_MEL, BEND_HZ = 15.0, 1_000.0
LOG_STEP = np.log(6.4) / 27
"""Slaney's scale (Auditory Toolbox, 1998): straight up to 1 kHz, then 27 mels for each factor of 6.4."""


def band_hz(places: np.ndarray, n_mels: int, highest_hz: float) -> np.ndarray:
    """Hz at places along `n_mels` bands between 0 and `highest_hz`, of the same shape.

    Band j, counted from 0, is a triangle that begins at place j, peaks at j + 1 and ends at j + 2; it meets
    the next at j + 1.5.
    """
    return mel_to_hz(np.asarray(places) * hz_to_mel(highest_hz) / (n_mels + 1))


def hz_to_mel(hz: float) -> float:
    """Of one frequency."""
    if hz < BEND_HZ:
        return hz / HZ_PER_MEL
    return float(BEND_MEL + np.log(hz / BEND_HZ) / LOG_STEP)


def mel_to_hz(mels: np.ndarray) -> np.ndarray:
    """Of any shape."""
    above = BEND_HZ * np.exp(LOG_STEP * (np.maximum(mels, BEND_MEL) - BEND_MEL))
    return np.where(mels < BEND_MEL, HZ_PER_MEL * mels, above)
