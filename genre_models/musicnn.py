"""MusiCNN, a convolutional network pretrained on the Million Song Dataset to name 50 tags.

Pons, Nieto, Prockup, Schmidt, Ehmann and Serra, "End-to-end learning for music audio tagging at scale"
(ISMIR 2018); Pons and Serra, "musicnn: pre-trained convolutional neural networks for music audio tagging"
(2019). The architecture and the front end are theirs (ISC licence); the arithmetic is arranged to take fewer
operations and less memory traffic, with the same results.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genre_models.denoiser import MENDED, Denoiser
from genre_models.features import mel_spectrogram
from genre_models.middle import BATCH_NORM_EPSILON, MIDDLE_FILTERS, MIDDLE_LAYERS, Middle
from genre_models.restorer import Restorer

SAMPLE_RATE = 16_000
N_FFT = 512
HOP_LENGTH = 256
N_MELS = 96
PATCH_FRAMES = 187  # 3 s
COMPRESSION = 10_000.0
LEVEL_DBFS = -17.0  # RMS of what the network listens to: the median of GTZAN's 6 s segments
QUIETEST_DBFS = -80.0
AT_ONCE = 10  # segments, which bounds the memory that ten minutes take

TIMBRAL_KERNELS = ((7, 38), (7, 67))  # (frames, mels)
TIMBRAL_FILTERS = 204
TEMPORAL_KERNELS = (128, 64, 32)  # frames
TEMPORAL_FILTERS = 51
BLOCK_NUMBERS = 2**19  # held by the matrix products: 2 MB, a core's share of fast memory
FRONT_CHANNELS = len(TIMBRAL_KERNELS) * TIMBRAL_FILTERS + len(TEMPORAL_KERNELS) * TEMPORAL_FILTERS  # 561
POOLED = 2 * (FRONT_CHANNELS + MIDDLE_LAYERS * MIDDLE_FILTERS)  # 1,506
EMBEDDING = 200

# fmt: off
TAGS = (
    "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s",
    "alternative rock", "jazz", "beautiful", "metal", "chillout", "male vocalists", "classic rock",
    "soul", "indie rock", "Mellow", "electronica", "80s", "folk", "90s", "chill", "instrumental", "punk",
    "oldies", "blues", "hard rock", "ambient", "acoustic", "experimental", "female vocalist", "guitar",
    "Hip-Hop", "70s", "party", "country", "easy listening", "sexy", "catchy", "funk", "electro",
    "heavy metal", "Progressive rock", "60s", "rnb", "indie pop", "sad", "House", "happy",
)
# fmt: on
"""The tags, in the order of the network's outputs: Last.fm's 50 most given in the Million Song Dataset."""


def levelled(waveforms: Tensor) -> Tensor:
    """Bring each waveform (n, samples) to the same level: an RMS of LEVEL_DBFS."""
    rms = waveforms.square().mean(dim=-1, keepdim=True).sqrt()
    return waveforms * 10 ** (LEVEL_DBFS / 20) / rms.clamp_min(10 ** (QUIETEST_DBFS / 20))


def log_mel(waveforms: Tensor) -> Tensor:
    """Compressed mel spectrogram log10(10000 m + 1), (n, samples at 16 kHz) -> (n, frames, 96)."""
    mel: Tensor = mel_spectrogram(SAMPLE_RATE, N_FFT, HOP_LENGTH, N_MELS)(waveforms)  # (n, mels, frames)
    return (COMPRESSION * mel + 1).log10().transpose(1, 2)


def patches(log_mels: Tensor) -> Tensor:
    """Whole patches of 187 frames from the start, (n, frames, 96) -> (n, patches, 187, 96)."""
    n_patches = log_mels.shape[1] // PATCH_FRAMES
    if not n_patches:
        raise ValueError(f"a patch needs {PATCH_FRAMES} frames, not {log_mels.shape[1]}")
    return log_mels[:, : n_patches * PATCH_FRAMES].unflatten(1, (n_patches, PATCH_FRAMES))


def levelled_patches(waveforms: Tensor) -> Tensor:
    """Segments (n, samples at 16 kHz), 3 s each or longer, at one level -> patches (n, patches, 187, 96).

    The recording's level so says nothing.
    """
    return patches(log_mel(levelled(waveforms)))


@dataclass(frozen=True)
class Heard:
    """What the network makes of each patch or, averaged, of each segment."""

    tags: Tensor  # (n, 50), probabilities, each tag by itself
    embedding: Tensor  # (n, 200), the penultimate layer
    pooled: Tensor  # (n, 1506), maximum and mean over time of the convolutions
    mended: Tensor  # (n,), mean absolute change of the log-mels by the denoiser
    restored: Tensor  # (n, 1506), the same as pooled, through the restorer where `mended` is above MENDED


class _Layer(nn.Module, ABC):
    """Convolution, bias, ReLU, batch norm, then the maximum over all mels: (batch, frames, mels) -> (batch,
    frames, filters).

    The norm is monotone in each channel, so the maximum may be taken before bias, ReLU and norm: of the
    products where the norm rises, of their negatives where it falls.
    """

    def __init__(self, filters: int, frames: int, mels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, filters, (frames, mels))
        self.norm = nn.BatchNorm1d(filters, eps=BATCH_NORM_EPSILON)

    @abstractmethod
    def highest(self, x: Tensor, kernels: Tensor) -> Tensor:
        """Maximum over the mels of x, zero-padded in time, convolved with kernels (size, filters)."""

    def forward(self, x: Tensor) -> Tensor:
        """One filter a channel, one value a frame."""
        signs = torch.where(self.norm.weight < 0, -1.0, 1.0)  # (filters,)
        kernels = (self.convolution.weight.flatten(1) * signs[:, None]).T.contiguous()
        bias = cast(Tensor, self.convolution.bias)
        heard = F.relu(signs * self.highest(x, kernels) + bias)
        normed: Tensor = self.norm(heard.transpose(1, 2)).transpose(1, 2)
        return normed


class _Timbral(_Layer):
    """Filters of a few frames and many mels: matrix products for each block of frames.

    Even and odd mels are taken apart, which needs three products of half the length instead of four (the
    fast FIR algorithm; Mou and Duhamel, "Short-length FIR filters and their use in fast nonrecursive
    filtering", 1991). With kernels h and mels x, one output is h0 x0 + h1 x1 and the next h0 x1 + h1 x0',
    where x0' are the even mels one place on; (h0 + h1) x1 is common to h0 (x0 - x1) and h1 (x0' - x1).
    """

    def highest(self, x: Tensor, kernels: Tensor) -> Tensor:
        frames, mels = self.convolution.kernel_size
        taps = (mels + 1) // 2
        n_odd = (x.shape[2] - mels + 1) // 2  # outputs at odd mels
        windows = [part.unfold(1, frames, 1).unfold(2, taps, 1) for part in self._parts(x)]
        halves = self._halves(kernels, taps)
        positions = windows[0].shape[2]
        highest = x.new_empty(*x.shape[:2], kernels.shape[1])
        block = BLOCK_NUMBERS // (sum(kernels.shape) * positions)  # frames
        products = x.new_empty(3, block * positions, kernels.shape[1])
        for out, *patch in zip(highest, *windows, strict=True):  # (frames, positions, 7, taps) each
            for part, *rows in zip(out.split(block), *(one.split(block) for one in patch), strict=True):
                size = len(part) * positions
                for product, window, half in zip(products, rows, halves, strict=True):
                    torch.mm(window.reshape(size, -1), half, out=product[:size])
                common, even, odd = products[:, :size].unflatten(1, (-1, positions))
                torch.maximum(even[:, :n_odd], odd[:, :n_odd], out=even[:, :n_odd])
                torch.amax(even.add_(common), dim=1, out=part)
        return highest

    def _parts(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x1, x0 - x1 and x0' - x1, zero-padded in time, (batch, frames, mels / 2) each."""
        before = self.convolution.kernel_size[0] // 2
        padded = F.pad(x, (0, 0, before, before))
        even, odd = padded[..., 0::2], padded[..., 1::2]
        return odd, even - odd, F.pad(even, (0, 1))[..., 1:] - odd

    def _halves(self, kernels: Tensor, taps: int) -> tuple[Tensor, Tensor, Tensor]:
        """h0 + h1, h0 and h1, each (frames * taps, filters)."""
        frames, mels = self.convolution.kernel_size
        apart = kernels.unflatten(0, (frames, mels))
        even = apart[:, 0::2]
        odd = F.pad(apart[:, 1::2], (0, 0, 0, taps - mels // 2))
        return (even + odd).flatten(0, 1), even.flatten(0, 1), odd.flatten(0, 1)


class _Temporal(_Layer):
    """Filters of many frames and one mel: one matrix product a patch."""

    def highest(self, x: Tensor, kernels: Tensor) -> Tensor:
        frames = len(kernels)
        before = (frames - 1) // 2
        windows = F.pad(x.transpose(1, 2), (before, frames - 1 - before)).unfold(2, frames, 1)
        return torch.stack([(patch @ kernels).amax(dim=0) for patch in windows])  # (mels, frames, size) each


class MusiCNN(nn.Module):
    """Patches of log-mel frames (batch, 187, 96) -> tags, embedding and pooled convolutions.

    Only for listening: it stays in evaluation mode and without gradients whatever holds it does. With a
    denoiser it is this that hears the waveforms first; what happens to patches is as published. A restorer
    tells beside that what the network would have pooled of a distant recording, had it been a good one.
    """

    def __init__(self, denoiser: Denoiser | None = None, restorer: Restorer | None = None) -> None:
        super().__init__()
        self.denoiser = denoiser
        self.restorer = restorer
        self.input_norm = nn.BatchNorm1d(1, eps=BATCH_NORM_EPSILON)
        self.timbral = nn.ModuleList(_Timbral(TIMBRAL_FILTERS, *kernel) for kernel in TIMBRAL_KERNELS)
        self.temporal = nn.ModuleList(_Temporal(TEMPORAL_FILTERS, frames, 1) for frames in TEMPORAL_KERNELS)
        self.middle = Middle(FRONT_CHANNELS)
        self.pool_norm = nn.BatchNorm1d(POOLED, eps=BATCH_NORM_EPSILON)
        self.penultimate = nn.Linear(POOLED, EMBEDDING)
        self.penultimate_norm = nn.BatchNorm1d(EMBEDDING, eps=BATCH_NORM_EPSILON)
        self.tags = nn.Linear(EMBEDDING, len(TAGS))
        self.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> "MusiCNN":
        """Does nothing: the statistics of the batch norms are as frozen as the weights."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, patches: Tensor, distant: Tensor | None = None) -> Heard:
        """Listen to each patch by itself, (batch, 187, 96); those `distant`, (batch,), are restored."""
        front = self.front(patches)
        pooled = self.pooled(self.middle(front))
        restored = pooled
        if self.restorer is not None and distant is not None and distant.any():
            restored = pooled.clone()
            restored[distant] = self.pooled(self.restorer(front[distant]))
        embedding = self.embedding(pooled)
        return Heard(
            self.tags(embedding).sigmoid(), embedding, pooled, pooled.new_zeros(len(pooled)), restored
        )

    @torch.no_grad()
    def front(self, patches: Tensor) -> Tensor:
        """The first convolutions of patches, (batch, 187, 96) -> (batch, 187, 561)."""
        x = self.input_norm(patches.flatten(1).unsqueeze(1)).view_as(patches)
        return torch.cat([layer(x) for layer in (*self.timbral, *self.temporal)], dim=2)

    def pooled(self, channels: Tensor) -> Tensor:
        """Maximum and mean over time of all convolutions, (batch, 187, 753) -> (batch, 1506)."""
        both = torch.stack([channels.amax(dim=1), channels.mean(dim=1)], dim=2)
        pooled: Tensor = self.pool_norm(both.flatten(1))
        return pooled

    def embedding(self, pooled: Tensor) -> Tensor:
        """The penultimate layer, (batch, 1506) -> (batch, 200)."""
        embedding: Tensor = self.penultimate_norm(F.relu(self.penultimate(pooled)))
        return embedding

    def as_published(self) -> "MusiCNN":
        """The same network without a denoiser and a restorer."""
        published, values = MusiCNN(), self.state_dict()
        published.load_state_dict({name: values[name] for name in published.state_dict()})
        return published

    def behind(self, denoiser: Denoiser, restorer: Restorer | None = None) -> "MusiCNN":
        """The same network with this denoiser before it, and this restorer in it."""
        denoised = MusiCNN(denoiser, restorer)
        denoised.load_state_dict(denoised.state_dict() | self.as_published().state_dict())
        return denoised

    def new_restorer(self) -> Restorer:
        """One that changes nothing until it is trained."""
        restorer = Restorer(FRONT_CHANNELS)
        restorer.middle.load_state_dict(self.middle.state_dict())
        return restorer

    def unrestored(self) -> "MusiCNN":
        """The same network with its denoiser and without a restorer."""
        return self.as_published() if self.denoiser is None else self.behind(self.denoiser)

    @torch.no_grad()
    def patches_of(self, waveforms: Tensor) -> Tensor:
        """`levelled_patches` of segments as the denoiser, if any, passes them on."""
        return self.denoised(levelled_patches(waveforms))

    @torch.no_grad()
    def denoised(self, pieces: Tensor) -> Tensor:
        """Patches of segments (n, patches, 187, 96) as the denoiser, if any, passes them on."""
        if self.denoiser is None:
            return pieces
        denoised: Tensor = self.denoiser(pieces.flatten(1, 2))
        return denoised.view_as(pieces)

    def listen(self, waveforms: Tensor) -> Heard:
        """Segments (n, samples at 16 kHz), 3 s each or longer -> averages over each segment's patches."""
        parts = [self._listen(part) for part in waveforms.split(AT_ONCE)]
        return Heard(*(torch.cat(values) for values in zip(*parts, strict=True)))

    @torch.no_grad()
    def _listen(self, waveforms: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        recorded = levelled_patches(waveforms)
        pieces = self.denoised(recorded)
        mended = (pieces - recorded).abs().mean(dim=(1, 2, 3))
        heard = self(pieces.flatten(0, 1), (mended > MENDED).repeat_interleave(pieces.shape[1]))
        tags, embedding, pooled, restored = (
            each.unflatten(0, pieces.shape[:2]).mean(dim=1)
            for each in (heard.tags, heard.embedding, heard.pooled, heard.restored)
        )
        return tags, embedding, pooled, mended, restored
