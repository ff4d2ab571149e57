"""MusiCNN's middle: three convolutions over time, each but the first added to what came before it."""

from torch import Tensor, cat, nn
from torch.nn import functional as F

BATCH_NORM_EPSILON = 1e-3
MIDDLE_LAYERS = 3
MIDDLE_KERNEL = 7  # frames
MIDDLE_FILTERS = 64


class MiddleLayer(nn.Module):
    """Convolution over time of all channels, bias, ReLU, batch norm; (batch, frames, in) -> (..., 64)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(channels, MIDDLE_FILTERS, MIDDLE_KERNEL, padding=MIDDLE_KERNEL // 2)
        self.norm = nn.BatchNorm1d(MIDDLE_FILTERS, eps=BATCH_NORM_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """One value a frame and filter."""
        normed: Tensor = self.norm(F.relu(self.convolution(x.transpose(1, 2)))).transpose(1, 2)
        return normed


class Middle(nn.ModuleList):
    """First convolutions -> all convolutions, (n, frames, channels) -> (n, frames, channels + 192)."""

    def __init__(self, channels: int) -> None:
        widths = [channels] + [MIDDLE_FILTERS] * (MIDDLE_LAYERS - 1)
        super().__init__(MiddleLayer(width) for width in widths)

    def forward(self, front: Tensor) -> Tensor:
        """With residual connections from the second layer on."""
        first, *others = self
        heard = [first(front)]
        for layer in others:
            heard.append(layer(heard[-1]) + heard[-1])
        return cat([front, *heard], dim=2)
