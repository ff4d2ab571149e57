"""What changes the answer of MusiCNN when a cell of its mel spectrogram is silenced."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from genre_models.classifiers import MusiCNNClassifier
from genre_models.denoiser import MENDED
from genre_models.inside.clip import InsideClip
from genre_models.inside.mel import band_hz
from genre_models.musicnn import HOP_LENGTH, N_MELS, PATCH_FRAMES, SAMPLE_RATE, levelled_patches

TIMES = 6
"""Cells along a patch of 3 s, of which a segment has two: half a second each."""
BANDS = 8
BAND_MELS = N_MELS // BANDS


@dataclass(frozen=True)
class MelOcclusion:
    """Change of the probability of `genre` with a cell of the spectrogram silenced, less with all there.

    Below 0 the cell spoke for the genre, above 0 against it. NaN at the cells not tried yet; `done` of
    `total` are. Times are seconds from the clip's start, frequencies ascend.
    """

    genre: str
    probability: float  # of the segment, with all there
    time_edges_s: np.ndarray  # (13,)
    frequency_edges_hz: np.ndarray  # (9,)
    change: np.ndarray  # (8 bands, 12 times), float32
    done: int
    total: int


def occlude_mel(
    model: MusiCNNClassifier, clip: InsideClip, segment: int, genre: str
) -> Iterator[MelOcclusion]:
    """Silence each cell of one segment by itself; yields what is known so far: first nothing, last all.

    Silenced are the log-mels that the network listens to, levelled and denoised: 0, as digital silence gives.
    The segment's other cells stay as they were. Raises `AudioError` where the file cannot be read any more,
    `ValueError` for a genre unknown to the model.
    """
    place = model.genres.index(genre)
    waveform = clip.at_16_khz(segment)
    patches = model.ear.patches_of(waveform)[0]  # (2, 187, 96)
    mended = (patches - levelled_patches(waveform)[0]).abs().mean()[None]
    distant = mended > MENDED  # (1,)
    heard = model.ear(patches, distant.expand(len(patches))).restored  # (2, 1506)
    known = MelOcclusion(
        genre,
        _probability(model, heard[None], mended, place).item(),
        clip.starts_s[segment] + _time_edges(len(patches)) * HOP_LENGTH / SAMPLE_RATE,
        band_hz(np.arange(BANDS + 1) * BAND_MELS + 0.5, N_MELS, SAMPLE_RATE / 2),
        np.full((BANDS, TIMES * len(patches)), np.nan, np.float32),
        0,
        BANDS * TIMES * len(patches),
    )
    yield known
    for time in range(known.change.shape[1]):
        pooled = heard_without(model, patches, heard, distant, time)  # (8, 2, 1506)
        change = known.change.copy()
        change[:, time] = _probability(model, pooled, mended, place).numpy() - known.probability
        known = replace(known, change=change, done=known.done + BANDS)
        yield known


def heard_without(
    model: MusiCNNClassifier, patches: Tensor, heard: Tensor, distant: Tensor, time: int
) -> Tensor:
    """What the ear hears when each band is silenced at one of the times, (8 bands, patches, 1506).

    `heard` (patches, 1506) is what it hears of the `patches` (patches, 187, 96) as they are: only the one
    with the silenced cell is listened to again. `distant` (1,) tells whether they are restored.
    """
    patch, place = divmod(time, TIMES)
    first, last = _time_edges(1)[place : place + 2]
    silenced = patches[patch].repeat(BANDS, 1, 1)  # (8, 187, 96)
    for band in range(BANDS):
        silenced[band, first:last, band * BAND_MELS : (band + 1) * BAND_MELS] = 0.0
    pooled = heard.repeat(BANDS, 1, 1)  # (8, patches, 1506)
    pooled[:, patch] = model.ear(silenced, distant.expand(BANDS)).restored
    return pooled


@torch.no_grad()
def _probability(model: MusiCNNClassifier, pooled: Tensor, mended: Tensor, place: int) -> Tensor:
    """Of the genre at `place`, from what is heard of the patches of n segments (n, patches, 1506): (n,).

    The head is the one that the denoiser's change (1,) of the segment as it is calls for.
    """
    return model.probabilities(model.heads(pooled.mean(dim=1), mended))[:, place]


def _time_edges(patches: int) -> np.ndarray:
    """Frames at which the cells of so many patches begin, and the last ends."""
    frames = np.arange(TIMES * patches + 1) * PATCH_FRAMES / TIMES
    return np.round(frames).astype(int)
