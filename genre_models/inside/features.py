"""What is drawn of a clip: its waveform, mel spectrogram and MFCCs on one axis of seconds."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from genre_models.audio import SAMPLE_RATE, SEGMENT_S, Segments
from genre_models.features import AMIN, HOP_LENGTH, N_FFT, N_FRAMES, N_MELS, TOP_DB, mel_spectrogram
from genre_models.inside.mel import band_hz

MAX_BINS = 2_000
"""Of the envelope."""
MAX_COLUMNS = 1_300
"""Of the spectrogram and of the MFCCs: a clip of a minute is drawn frame by frame."""


@dataclass(frozen=True)
class Seen:
    """A clip as it is drawn; all times in seconds from its start.

    `mfccs` are the very numbers that the networks get, before their standardisation; where two segments
    overlap, those of the earlier. In a long clip a column is the mean of several frames.
    """

    duration_s: float
    segment_starts_s: tuple[float, ...]
    envelope_times_s: np.ndarray  # (bins,), the middle of each bin
    envelope_low: np.ndarray  # (bins,), full scale is -1
    envelope_high: np.ndarray  # (bins,), full scale is 1
    mel_times_s: np.ndarray  # (columns,)
    mel_frequencies_hz: np.ndarray  # (128,), the middle of each band
    mel_db: np.ndarray  # (128, columns), int8, whole dB below the loudest that is drawn, -80 to 0
    mfcc_times_s: np.ndarray  # (columns,)
    mfccs: np.ndarray  # (13, columns), float32


@torch.inference_mode()
def see(waveform: Tensor, segments: Segments, mfccs: Tensor) -> Seen:
    """Of a waveform (samples,) at 22,050 Hz, its segments and their MFCCs (segments, 130, 13)."""
    duration_s = len(waveform) / SAMPLE_RATE
    mel_times_s, mel_db = _mel(waveform)
    mfcc_times_s, drawn_mfccs = _mfccs(mfccs, segments.starts_s, duration_s)
    return Seen(
        duration_s,
        segments.starts_s,
        *_envelope(waveform),
        mel_times_s,
        band_hz(np.arange(1, N_MELS + 1), N_MELS, SAMPLE_RATE / 2),
        mel_db,
        mfcc_times_s,
        drawn_mfccs,
    )


def frame_times_s(start_s: float, frames: int = N_FRAMES) -> np.ndarray:
    """The middle of each frame of what begins at `start_s`, (frames,), seconds."""
    return start_s + np.arange(frames) * (HOP_LENGTH / SAMPLE_RATE)


def _envelope(waveform: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, minimum and maximum of bins of equal length, (bins,) each; the last may be shorter."""
    size = -(-len(waveform) // MAX_BINS)
    bins = -(-len(waveform) // size)
    missing = bins * size - len(waveform)
    filled = torch.cat([waveform, waveform[-1:].expand(missing)]).view(bins, size)
    times_s = (np.arange(bins) + 0.5) * size / SAMPLE_RATE
    return times_s, filled.amin(dim=1).numpy(), filled.amax(dim=1).numpy()


def _mel(waveform: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Times (columns,), and decibels (128, columns) as `Seen.mel_db`; mean power where frames are joined."""
    mel = mel_spectrogram(SAMPLE_RATE, N_FFT, HOP_LENGTH, N_MELS)(waveform[None])[0]  # (128, frames)
    power = _thinned(mel)
    share = power / power.max().clamp_min(AMIN)  # of the loudest; 0 everywhere in digital silence
    decibels = 10 * share.clamp_min(10 ** (-TOP_DB / 10)).log10()
    times_s = _thinned(torch.from_numpy(frame_times_s(0.0, mel.shape[1]))[None])[0]
    return times_s.numpy(), decibels.round().to(torch.int8).numpy()


def _mfccs(mfccs: Tensor, starts_s: tuple[float, ...], duration_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Times (columns,) and MFCCs (13, columns) of the segments one after the other, to the clip's end."""
    times_s = np.stack([frame_times_s(start_s) for start_s in starts_s])  # (segments, 130)
    shown_from_s = np.array([0.0, *(start_s + SEGMENT_S for start_s in starts_s[:-1])])
    drawn = torch.from_numpy((times_s >= shown_from_s[:, None]) & (times_s < duration_s))
    columns = _thinned(mfccs[drawn].T)  # (13, columns)
    return _thinned(torch.from_numpy(times_s)[drawn][None])[0].numpy(), columns.contiguous().numpy()


def _thinned(rows: Tensor) -> Tensor:
    """(rows, n) -> (rows, MAX_COLUMNS or less), each the mean of equally many, but for the last."""
    step = -(-rows.shape[1] // MAX_COLUMNS)
    return rows if step == 1 else F.avg_pool1d(rows[None], step, ceil_mode=True)[0]
