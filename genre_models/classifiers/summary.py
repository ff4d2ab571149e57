"""The sizes that flow through a classifier, read off the running modules."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from genre_models.attention import EncoderLayer
from genre_models.classifiers.base import GenreClassifier, Standardisation
from genre_models.features import N_FRAMES, N_MFCC

_WHOLE = (EncoderLayer, Standardisation)


@dataclass(frozen=True)
class LayerSize:
    """One step of a network: what it is, the shape that leaves it (batch left out), its parameters."""

    layer: str
    output: tuple[int, ...]
    parameters: int


def _steps(module: nn.Module) -> list[nn.Module]:
    """The modules that a reader would call layers, in the order of their definition."""
    children = list(module.children())
    if isinstance(module, _WHOLE) or not children:
        return [module]
    return [step for child in children for step in _steps(child)]


def _describe(module: nn.Module) -> str:
    if isinstance(module, EncoderLayer):
        attention = module.attention
        return f"EncoderLayer(heads={attention.heads}, d_k={attention.d_k}, d_v={attention.d_v})"
    if isinstance(module, nn.LSTM):
        return f"LSTM({module.input_size}, {module.hidden_size}) x {module.num_layers}"
    if isinstance(module, nn.Linear):
        return f"Linear({module.in_features}, {module.out_features})"
    return str(module)


@torch.no_grad()
def layer_sizes(model: GenreClassifier) -> list[LayerSize]:
    """Run one segment of zeros through the model and note what leaves each layer."""
    sizes = [LayerSize("Input", (N_FRAMES, N_MFCC), 0)]

    def note(module: nn.Module, _: object, output: Tensor | tuple[Tensor, object]) -> None:
        tensor = output[0] if isinstance(output, tuple) else output
        parameters = sum(parameter.numel() for parameter in module.parameters())
        sizes.append(LayerSize(_describe(module), tuple(tensor.shape[1:]), parameters))

    training = model.training
    hooks = [step.register_forward_hook(note) for step in _steps(model)]
    try:
        model.eval()(torch.zeros(1, N_FRAMES, N_MFCC))
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return sizes
