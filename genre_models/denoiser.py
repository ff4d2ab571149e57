"""What stands between a microphone and a network that learned from clean recordings.

A room, noise and a narrow band change a mel spectrogram in ways that its neighbouring frames and bands give
away. A small residual network of dilated convolutions over time, as in van den Oord et al., "WaveNet: a
generative model for raw audio" (2016), takes out what it can; what it learned from is told in
`training.denoising`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CHANNELS = 192
OUTER_KERNEL = 5  # frames
INNER_KERNEL = 3
DILATIONS = (1, 2, 4, 8, 1)
CENTRE = HALF_RANGE = 2.0  # of the log-mels, which lie between 0 and a little over 4

MENDED = 0.1
"""Mean change of the log-mels above which a recording is distant: it is restored, and has a head of its own.
Of the labelled ones as they are 95 of 100 lie below. No label had a part in it."""


class Denoiser(nn.Module):
    """Log-mels as a microphone gave them -> as they may have been without what lay between.

    (n, frames, mels) -> the same shape. It knows of each segment the mean and deviation of every band, which
    tell the noise and the band-width; untrained it changes nothing.
    """

    def __init__(self, mels: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(mels, CHANNELS, OUTER_KERNEL, padding=OUTER_KERNEL // 2)
        self.overall = nn.Linear(2 * mels, CHANNELS)
        self.blocks = nn.ModuleList(
            nn.Conv1d(CHANNELS, CHANNELS, INNER_KERNEL, padding=dilation, dilation=dilation)
            for dilation in DILATIONS
        )
        self.last = nn.Conv1d(CHANNELS, mels, OUTER_KERNEL, padding=OUTER_KERNEL // 2)
        for weights in self.last.parameters():
            nn.init.zeros_(weights)

    def forward(self, log_mels: Tensor) -> Tensor:
        """(n, frames, mels) -> (n, frames, mels)."""
        bands = (log_mels.transpose(1, 2) - CENTRE) / HALF_RANGE  # (n, mels, frames)
        overall = self.overall(torch.cat([bands.mean(dim=2), bands.std(dim=2)], dim=1))
        hidden = F.relu(self.first(bands) + overall[:, :, None])
        for block in self.blocks:
            hidden = hidden + F.relu(block(hidden))
        changed: Tensor = log_mels + HALF_RANGE * self.last(hidden).float().transpose(1, 2)
        return changed
