"""Mel-frequency cepstral coefficients of 6 s segments, equal to librosa's."""

from functools import cache

from torch import Tensor
from torchaudio.functional import amplitude_to_DB, create_dct
from torchaudio.transforms import MelSpectrogram

from genre_models.audio import SAMPLE_RATE, SEGMENT_SAMPLES

N_FFT = 2048
HOP_LENGTH = 1024
N_MELS = 128
N_MFCC = 13
N_FRAMES = 1 + SEGMENT_SAMPLES // HOP_LENGTH  # 130: the first frame is centred on sample 0
TOP_DB = 80.0
AMIN = 1e-10


@cache
def mel_spectrogram(sample_rate: int, n_fft: int, hop_length: int, n_mels: int) -> MelSpectrogram:
    """Waveforms (n, samples) -> mel power spectrograms (n, mels, frames), as librosa computes them."""
    return MelSpectrogram(
        sample_rate=sample_rate,
        n_fft=n_fft,
        hop_length=hop_length,
        n_mels=n_mels,
        mel_scale="slaney",
        norm="slaney",
        pad_mode="constant",
    )


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
    dct = create_dct(N_MFCC, N_MELS, norm="ortho").double()  # (mels, coefficients)
    return (log_mel(segments).double().transpose(1, 2) @ dct).float()
