"""The convolutional network of the notes."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from genre_models.classifiers.base import GENRES, MFCCClassifier


class SamePadMaxPool2d(nn.Module):
    """Max-pooling padded as Keras' `padding="same"`: output = ceil(input / stride).

    The padding is minus infinity, and an odd one goes to the far side; `nn.MaxPool2d(padding=1)` pads
    both sides alike and so looks at other windows.
    """

    def __init__(self, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride

    def padding(self, size: int) -> tuple[int, int]:
        """Cells added (before, after) an axis of this size."""
        total = max((-(-size // self.stride) - 1) * self.stride + self.kernel_size - size, 0)
        return total // 2, total - total // 2

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) -> (batch, channels, ceil(height / s), ceil(width / s))."""
        height, width = x.shape[-2:]
        padded = F.pad(x, (*self.padding(width), *self.padding(height)), value=float("-inf"))
        return F.max_pool2d(padded, self.kernel_size, self.stride)

    def extra_repr(self) -> str:
        """The arguments, for `repr`."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}"


class CNN(MFCCClassifier):
    """Three valid convolutions with two max-pools between, then 64 -> 10."""

    name = "cnn"
    title = "CNN"

    def __init__(self, genres: Sequence[str] = GENRES) -> None:
        super().__init__(genres)
        self.layers = nn.Sequential(
            nn.Conv2d(1, 32, 3),  # (batch, 32, 128, 11)
            nn.ReLU(),
            SamePadMaxPool2d(3, 2),  # (batch, 32, 64, 6)
            nn.Conv2d(32, 64, 3),  # (batch, 64, 62, 4)
            nn.ReLU(),
            SamePadMaxPool2d(3, 2),  # (batch, 64, 31, 2)
            nn.Conv2d(64, 128, 2),  # (batch, 128, 30, 1)
            nn.ReLU(),
            nn.Flatten(),  # (batch, 3840)
            nn.Linear(3840, 64),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Linear(64, len(genres)),
        )

    def answer(self, standardised: Tensor) -> Tensor:
        """Standardised MFCCs (batch, 130, 13) -> logits (batch, 10)."""
        return self.layers(standardised.unsqueeze(1))
