"""What the denoiser in front of MusiCNN takes out of a segment."""

from dataclasses import dataclass

import numpy as np
import torch

from genre_models.classifiers import MusiCNNClassifier
from genre_models.inside.clip import InsideClip
from genre_models.inside.mel import band_hz
from genre_models.musicnn import HOP_LENGTH, N_MELS, SAMPLE_RATE, levelled_patches


@dataclass(frozen=True)
class Denoised:
    """Log-mels log10(10000 m + 1) of a segment, (96 bands, 374 frames), recorded and as MusiCNN hears them.

    Frames follow one another by `step_s` from `start_s`, in seconds of the clip; `frequencies_hz` (96,) are
    the middles of the bands.
    """

    start_s: float
    step_s: float
    frequencies_hz: np.ndarray
    recorded: np.ndarray
    heard: np.ndarray


@torch.no_grad()
def denoised(model: MusiCNNClassifier, clip: InsideClip, segment: int) -> Denoised:
    """Both spectrograms of one segment. Raises `AudioError` where the file cannot be read any more."""
    waveforms = clip.at_16_khz(segment)
    patches = levelled_patches(waveforms), model.ear.patches_of(waveforms)
    recorded, heard = (of_segment[0].flatten(0, 1).T.numpy() for of_segment in patches)
    return Denoised(
        clip.starts_s[segment],
        HOP_LENGTH / SAMPLE_RATE,
        band_hz(np.arange(1, N_MELS + 1), N_MELS, SAMPLE_RATE / 2),
        recorded,
        heard,
    )
