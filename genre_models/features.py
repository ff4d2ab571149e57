"""Mel-frequency cepstral coefficients of 6 s segments, equal to librosa's."""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F
from torchaudio.functional import amplitude_to_DB, create_dct, melscale_fbanks

from genre_models.audio import SAMPLE_RATE, SEGMENT_SAMPLES

N_FFT = 2048
HOP_LENGTH = 1024
N_MELS = 128
N_MFCC = 13
N_FRAMES = 1 + SEGMENT_SAMPLES // HOP_LENGTH  # 130: the first frame is centred on sample 0
TOP_DB = 80.0
AMIN = 1e-10
BAND_MELS = 16
BLOCK_NUMBERS = 2**19  # in a block of frames: 2 MB; smaller ones cost more in calls than they save in memory


class MelSpectrogram:
    """Waveforms (n, samples) -> mel power spectrograms (n, mels, frames), as librosa computes them.

    Slaney's mel scale and norm, frames centred on multiples of the hop and zeros beyond the ends. A block of
    frames goes through all of it before the next, so that it stays in a core's fast memory, and a band of
    neighbouring mels is multiplied only with the bins it hears: an eighth of all.
    """

    def __init__(self, sample_rate: int, n_fft: int, hop_length: int, n_mels: int) -> None:
        self.n_fft, self.hop_length, self.n_mels = n_fft, hop_length, n_mels
        self.window = torch.hann_window(n_fft)
        filters = melscale_fbanks(
            n_fft // 2 + 1, 0.0, sample_rate / 2, n_mels, sample_rate, norm="slaney", mel_scale="slaney"
        )  # (bins, mels)
        parts = filters.repeat_interleave(2, dim=0)  # (2 bins, mels), for real and imaginary parts
        self.bands = [_heard_by(band) for band in parts.split(BAND_MELS, dim=1)]

    def __call__(self, waveforms: Tensor) -> Tensor:
        """Of each waveform by itself; without gradients."""
        half, block = self.n_fft // 2, BLOCK_NUMBERS // self.n_fft
        mels = waveforms.new_empty(len(waveforms), 1 + waveforms.shape[1] // self.hop_length, self.n_mels)
        for waveform, out in zip(waveforms, mels, strict=True):
            frames = F.pad(waveform, (half, half)).unfold(0, self.n_fft, self.hop_length)  # (frames, n_fft)
            for rows, part in zip(frames.split(block), out.split(block), strict=True):
                spectrum = torch.view_as_real(torch.fft.rfft(rows * self.window))  # (block, bins, 2)
                squares = spectrum.flatten(1).square_()
                bands = part.split(BAND_MELS, dim=1)
                for (bins, filters), band in zip(self.bands, bands, strict=True):
                    torch.mm(squares[:, bins], filters, out=band)
        return mels.transpose(1, 2)


def _heard_by(filters: Tensor) -> tuple[slice, Tensor]:
    """The rows of filters (parts, mels) from the first that is not all 0 to the last, and where they are."""
    rows = filters.any(dim=1).nonzero()
    heard = slice(int(rows[0]), int(rows[-1]) + 1)
    return heard, filters[heard].contiguous()


@cache
def mel_spectrogram(sample_rate: int, n_fft: int, hop_length: int, n_mels: int) -> MelSpectrogram:
    """The spectrogram with these settings, made once."""
    return MelSpectrogram(sample_rate, n_fft, hop_length, n_mels)


def log_mel(segments: Tensor) -> Tensor:
    """Mel power spectrogram in decibels, (n, samples) -> (n, 128 mels, frames).

    Values more than 80 dB below the loudest of their own segment are raised to that floor, as
    `librosa.power_to_db` does; the channel axis added here keeps one segment's floor from another's.
    """
    mel = mel_spectrogram(SAMPLE_RATE, N_FFT, HOP_LENGTH, N_MELS)(segments)  # (n, mels, frames)
    return amplitude_to_DB(
        mel.unsqueeze(1), multiplier=10.0, amin=AMIN, db_multiplier=0.0, top_db=TOP_DB
    ).squeeze(1)


def mfcc(segments: Tensor) -> Tensor:
    """MFCCs of mono 22,050 Hz segments, (n, 132300) -> (n, 130 frames, 13 coefficients).

    Equal within 1e-3 to `librosa.feature.mfcc(y=y, sr=22050, n_mfcc=13, n_fft=2048, hop_length=1024)`
    of each segment alone (Davis and Mermelstein 1980; orthonormal DCT-II of the log-mel spectrogram).
    """
    if segments.ndim != 2:
        raise ValueError(f"segments must have shape (n, samples), not {tuple(segments.shape)}")
    return (log_mel(segments).double().transpose(1, 2) @ _dct()).float()


@cache
def _dct() -> Tensor:
    """The orthonormal DCT-II, (mels, coefficients), in double precision."""
    return create_dct(N_MFCC, N_MELS, norm="ortho").double()
