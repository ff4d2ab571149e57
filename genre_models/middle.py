"""MusiCNN's middle: three convolutions over time, each but the first added to what came before it."""

from torch import Tensor, cat, nn
from torch.nn import functional as F

BATCH_NORM_EPSILON = 1e-3
MIDDLE_LAYERS = 3
MIDDLE_KERNEL = 7  # frames
MIDDLE_FILTERS = 64


def over_time(x: Tensor, convolution: nn.Conv1d) -> Tensor:
    """What the convolution gives, (batch, frames, in) -> (batch, frames, out).

    As one of images a single row high, whose channels may lie last in memory: called by itself, a Conv1d
    would have every tensor copied into its own order and back.
    """
    rows = x.transpose(1, 2).unsqueeze(2)
    padding, dilation = (0, int(convolution.padding[0])), (1, convolution.dilation[0])
    convolved = F.conv2d(
        rows, convolution.weight.unsqueeze(2), convolution.bias, padding=padding, dilation=dilation
    )
    return convolved.squeeze(2).transpose(1, 2)


class MiddleLayer(nn.Module):
    """Convolution over time of all channels, bias, ReLU, batch norm; (batch, frames, in) -> (..., 64)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(channels, MIDDLE_FILTERS, MIDDLE_KERNEL, padding=MIDDLE_KERNEL // 2)
        self.norm = nn.BatchNorm1d(MIDDLE_FILTERS, eps=BATCH_NORM_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """One value a frame and filter."""
        heard = F.relu(over_time(x, self.convolution))
        normed: Tensor = self.norm(heard.flatten(0, 1)).unflatten(0, heard.shape[:2])
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
