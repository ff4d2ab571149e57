"""What changes the answer of a network when a part of its input is taken away.

Zeiler and Fergus, "Visualizing and understanding convolutional networks" (ECCV 2014), on MFCCs. What is taken
away becomes 0 after the network's standardisation: the mean of the coefficient over all that the network was
trained on, at the level of the segment. Digital silence would be no absence but an extreme, far from anything
the network was trained on. Done after the standardisation, which takes the mean level out, it leaves the
numbers that stay as they were. An empty input is one in which all is taken away: the same for every clip.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from genre_models.audio import SAMPLE_RATE
from genre_models.classifiers import MFCCClassifier
from genre_models.features import HOP_LENGTH, N_FRAMES, N_MFCC
from genre_models.inside.clip import InsideClip

WINDOW_FRAMES = 10
STRIDE_FRAMES = 5
WINDOW_S = WINDOW_FRAMES * HOP_LENGTH / SAMPLE_RATE  # 0.46 s
BATCH = 128
"""Inputs at a time, so that a long clip takes no more memory than a short one."""


@dataclass(frozen=True)
class Occlusion:
    """Changes of the probability of a genre in n segments: with a part taken away, less with all there.

    Below 0 the part spoke for the genre, above 0 against it. Probabilities are the calibrated ones of each
    segment by itself; those of the clip are their mean, so a window changes them by 1 / n as much, and a
    coefficient taken from all segments by the mean of `by_coefficient` over them.
    """

    times_s: np.ndarray  # (n, 25), the middle of each window, seconds from the clip's start
    by_time: np.ndarray  # (n, 25), all coefficients taken away in a window of WINDOW_S
    by_coefficient: np.ndarray  # (n, 13), a coefficient taken away from the whole segment


@torch.inference_mode()
def occlude(model: MFCCClassifier, clip: InsideClip, genre: str, segments: Sequence[int]) -> Occlusion:
    """Take windows and coefficients away from segments of a clip.

    39 inputs a segment; raises `ValueError` for a genre that the model does not know.
    """
    windows, nothing = window_masks(), torch.zeros(1, N_FRAMES, N_MFCC).bool()
    masks = torch.cat([nothing, windows, coefficient_masks()])
    place = model.genres.index(genre)
    answers = probabilities_without(model, clip.mfccs[list(segments)], masks)[..., place].numpy()  # (n, 39)
    changes = answers[:, 1:] - answers[:, :1]
    return Occlusion(
        np.stack([_window_times_s(clip, segment) for segment in segments]),
        changes[:, : len(windows)],
        changes[:, len(windows) :],
    )


def probabilities_without(model: MFCCClassifier, mfccs: Tensor, masks: Tensor) -> Tensor:
    """What a model answers when parts are taken away, (n, 130, 13) and (m, 130, 13) -> (n, m, 10).

    A mask is True at what is taken away. Every segment is tried with every mask.
    """
    standardised = model.standardise(mfccs).unsqueeze(1)  # (n, 1, 130, 13)
    inputs = standardised.masked_fill(masks, 0.0).flatten(0, 1)  # (n * m, 130, 13)
    logits = torch.cat([model.answer(batch) for batch in inputs.split(BATCH)])
    return model.probabilities(logits).unflatten(0, (len(mfccs), len(masks)))


def window_masks() -> Tensor:
    """Windows that overlap by half and together cover all frames, (25, 130, 13)."""
    starts = torch.arange(0, N_FRAMES - WINDOW_FRAMES + 1, STRIDE_FRAMES)[:, None]
    frames = torch.arange(N_FRAMES)
    inside = (frames >= starts) & (frames < starts + WINDOW_FRAMES)  # (25, 130)
    return inside[:, :, None].expand(-1, -1, N_MFCC)


def coefficient_masks() -> Tensor:
    """Each coefficient in all frames, (13, 130, 13)."""
    return torch.eye(N_MFCC).bool()[:, None].expand(-1, N_FRAMES, -1)


def _window_times_s(clip: InsideClip, segment: int) -> np.ndarray:
    times_s = clip.frame_times_s(segment)
    first = times_s[: N_FRAMES - WINDOW_FRAMES + 1 : STRIDE_FRAMES]
    last = times_s[WINDOW_FRAMES - 1 :: STRIDE_FRAMES]
    return (first + last) / 2
