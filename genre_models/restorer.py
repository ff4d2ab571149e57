"""What MusiCNN's convolutions say of a bad recording, brought towards what they say of the good one.

What a room, noise and a narrow band leave after the denoiser still moves the first convolutions. A small
residual network over time takes that back, as feature enhancement does before a speech recogniser (Li, Deng,
Gong and Haeb-Umbach, "An overview of noise-robust automatic speech recognition", 2014), and a middle of its
own goes on from there. What it learned from is told in `training.restoring`.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genre_models.middle import Middle, over_time

CHANNELS = 256
KERNEL = 7  # frames
DILATIONS = (1, 4)
KERNEL_DIMENSIONS = 3
INT8_MOST = 127
LEAST_SCALE = 1e-12


def in_8_bits(kernel: Tensor) -> tuple[Tensor, Tensor]:
    """A kernel (out, in, frames) -> the same as int8, and a scale for each output channel, (out, 1, 1)."""
    scale = kernel.abs().amax(dim=(1, 2), keepdim=True).clamp_min(LEAST_SCALE) / INT8_MOST
    return (kernel / scale).round().to(torch.int8), scale


class Restorer(nn.Module):
    """First convolutions of a bad recording -> all convolutions, as they may have been of the good one.

    (n, frames, channels) -> (n, frames, channels + 192). Untrained it changes nothing of the first ones.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(channels, CHANNELS, KERNEL, padding=KERNEL // 2)
        self.blocks = nn.ModuleList(
            nn.Conv1d(CHANNELS, CHANNELS, KERNEL, padding=KERNEL // 2 * dilation, dilation=dilation)
            for dilation in DILATIONS
        )
        self.last = nn.Conv1d(CHANNELS, channels, 1)
        for weights in self.last.parameters():
            nn.init.zeros_(weights)
        self.middle = Middle(channels).eval()
        for layer in self.middle:
            layer.norm.requires_grad_(False)

    def train(self, mode: bool = True) -> "Restorer":
        """The statistics of the middle's batch norms stay as they are."""
        super().train(mode)
        self.middle.eval()
        return self

    @torch.no_grad()
    def round(self) -> "Restorer":
        """Every kernel is now what 8 bits can hold, as it is when it was kept and read again."""
        for values in self.parameters():
            if values.dim() == KERNEL_DIMENSIONS:
                kept, scale = in_8_bits(values)
                values.copy_(kept * scale)
        return self

    def restored(self, front: Tensor) -> Tensor:
        """First convolutions, (n, frames, channels) -> the same shape."""
        hidden = F.relu(over_time(front, self.first))
        for block in self.blocks:
            hidden = hidden + F.relu(over_time(hidden, cast(nn.Conv1d, block)))
        return front + over_time(hidden, self.last)

    def forward(self, front: Tensor) -> Tensor:
        """(n, frames, channels) -> (n, frames, channels + 192)."""
        channels: Tensor = self.middle(self.restored(front))
        return channels
