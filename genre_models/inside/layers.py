"""What flows through the networks for one segment of a clip, and the sizes worked out by formula."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from genre_models.audio import SAMPLE_RATE
from genre_models.classifiers import CNN, LSTM, MLP
from genre_models.classifiers.cnn import SamePadMaxPool2d
from genre_models.classifiers.summary import describe
from genre_models.features import HOP_LENGTH, N_FRAMES, N_MFCC
from genre_models.inside.clip import InsideClip


@dataclass(frozen=True)
class SizeFormula:
    """The output size of a convolution or pooling, along (frames, coefficients).

    `padding` counts both sides of an axis together.
    """

    layer: str  # as in `classifiers.LayerSize`
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    input: tuple[int, int]

    @property
    def output(self) -> tuple[int, int]:
        """floor((input - kernel + padding) / stride) + 1 of both axes."""
        frames, coefficients = (
            (self.input[axis] - self.kernel[axis] + self.padding[axis]) // self.stride[axis] + 1
            for axis in (0, 1)
        )
        return frames, coefficients


@dataclass(frozen=True)
class FeatureMaps:
    """What leaves a convolution (after its ReLU) or a pooling."""

    layer: str  # as in `classifiers.LayerSize`
    times_s: np.ndarray  # (frames,), the middle of what each row sees, seconds from the clip's start
    maps: np.ndarray  # (channels, frames, coefficients), float32


@dataclass(frozen=True)
class CellStates:
    """An LSTM layer step by step, (130, 64) float32 each; rows stand at `InsideClip.frame_times_s`.

    The gates lie between 0 and 1, `candidate` and `hidden` between -1 and 1; `cell` has no bounds.
    """

    input_gate: np.ndarray  # i
    forget_gate: np.ndarray  # f
    candidate: np.ndarray  # g
    output_gate: np.ndarray  # o
    cell: np.ndarray  # c = f * the c before + i * g
    hidden: np.ndarray  # h = o * tanh(c), what the next layer gets


@dataclass(frozen=True)
class Activations:
    """What leaves a linear layer, after its ReLU; the last layer has none: its values are the logits."""

    layer: str  # as in `classifiers.LayerSize`
    values: np.ndarray  # (neurons,), float32


def formulas(model: CNN) -> list[SizeFormula]:
    """The sizes of each convolution and pooling, in order, from (130, 13) on."""
    found: list[SizeFormula] = []
    for module in model.layers:
        if isinstance(module, nn.Conv2d | SamePadMaxPool2d):
            found.append(_formula(module, found[-1].output if found else (N_FRAMES, N_MFCC)))
    return found


@torch.inference_mode()
def feature_maps(model: CNN, clip: InsideClip, segment: int) -> list[FeatureMaps]:
    """Of each convolution and pooling, in order."""
    flow = _flow(model.layers, model.standardise(_mfccs(clip, segment)).unsqueeze(1))  # (1, 1, 130, 13)
    outputs = [x[0].numpy() for module, x in flow if isinstance(module, nn.Conv2d | SamePadMaxPool2d)]
    found = []
    first, step = 0.0, 1  # frames of the clip: where the first row looks, and how far apart rows are
    for formula, maps in zip(formulas(model), outputs, strict=True):
        first += ((formula.kernel[0] - 1) / 2 - formula.padding[0] // 2) * step
        step *= formula.stride[0]
        frames = first + step * np.arange(maps.shape[1])
        times_s = clip.starts_s[segment] + frames * HOP_LENGTH / SAMPLE_RATE
        found.append(FeatureMaps(formula.layer, times_s, maps))
    return found


@torch.inference_mode()
def lstm_states(model: LSTM, clip: InsideClip, segment: int) -> list[CellStates]:
    """Of each layer, the first one first."""
    x = model.standardise(_mfccs(clip, segment))[0]  # (130, 13)
    found = []
    for layer in range(model.lstm.num_layers):
        steps = _steps(model.lstm, layer, x)  # (130, 6, 64)
        found.append(CellStates(*(part.numpy() for part in steps.unbind(dim=1))))
        x = steps[:, -1]  # (130, 64)
    return found


@torch.inference_mode()
def activations(model: MLP, clip: InsideClip, segment: int) -> list[Activations]:
    """Of each linear layer, in order."""
    flow = _flow(model.layers, model.standardise(_mfccs(clip, segment)))
    return [
        Activations(describe(module), x[0].numpy()) for module, x in flow if isinstance(module, nn.Linear)
    ]


def _mfccs(clip: InsideClip, segment: int) -> Tensor:
    return clip.mfccs[segment : segment + 1]  # (1, 130, 13)


def _flow(layers: nn.Sequential, x: Tensor) -> Iterator[tuple[nn.Module, Tensor]]:
    """Each module and what leaves it: after the ReLU, where one follows."""
    modules = list(layers)
    for module, following in zip(modules, [*modules[1:], None], strict=True):
        if isinstance(module, nn.ReLU):
            continue
        x = module(x)
        if isinstance(following, nn.ReLU):
            x = following(x)
        yield module, x


def _formula(module: nn.Conv2d | SamePadMaxPool2d, size: tuple[int, int]) -> SizeFormula:
    if isinstance(module, SamePadMaxPool2d):
        kernel, stride = (module.kernel_size, module.kernel_size), (module.stride, module.stride)
        padding = sum(module.padding(size[0])), sum(module.padding(size[1]))
        return SizeFormula(describe(module), kernel, stride, padding, size)
    (frames, coefficients), stride = module.kernel_size, (module.stride[0], module.stride[1])
    return SizeFormula(describe(module), (frames, coefficients), stride, (0, 0), size)


def _steps(lstm: nn.LSTM, layer: int, x: Tensor) -> Tensor:
    """One layer by its equations, which `nn.LSTM` keeps to itself: (130, inputs) -> (130, 6, 64).

    The six are those of `CellStates`; both start from zeros.
    """
    to_hidden: Tensor = getattr(lstm, f"weight_hh_l{layer}")  # (4 * 64, 64)
    from_input = x @ getattr(lstm, f"weight_ih_l{layer}").T  # (130, 4 * 64)
    from_input = from_input + getattr(lstm, f"bias_ih_l{layer}") + getattr(lstm, f"bias_hh_l{layer}")
    hidden = cell = x.new_zeros(lstm.hidden_size)
    steps = []
    for at_once in from_input:
        i, f, g, o = (at_once + to_hidden @ hidden).chunk(4)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        cell = f * cell + i * g
        hidden = o * cell.tanh()
        steps.append(torch.stack([i, f, g, o, cell, hidden]))
    return torch.stack(steps)
