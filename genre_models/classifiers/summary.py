"""The sizes that flow through a classifier, read off the running modules."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from genre_models.attention import EncoderLayer
from genre_models.audio.limits import SEGMENT_S
from genre_models.classifiers.base import GenreClassifier, Standardisation
from genre_models.classifiers.cnn import SamePadMaxPool2d
from genre_models.classifiers.pretrained import MusiCNNClassifier
from genre_models.features import N_FRAMES, N_MFCC
from genre_models.musicnn import N_MELS, PATCH_FRAMES, POOLED, TEMPORAL_KERNELS, TIMBRAL_KERNELS
from genre_models.musicnn import SAMPLE_RATE as EAR_SAMPLE_RATE

_WHOLE = (EncoderLayer, Standardisation)

HEARD_AS = {"babble": "voices"}
"""What a way to be recorded is called on the pages, where that is another word."""


@dataclass(frozen=True)
class LayerSize:
    """One step of a network: what it is, the shape that leaves it (batch left out), its parameters."""

    layer: str
    output: tuple[int, ...]
    parameters: int


@dataclass(frozen=True)
class _Step:
    """What a reader would call one layer: its modules, the last of which gives the output.

    `output` overrides a shape that only serves the arithmetic, or is that of a step not all sounds take.
    """

    layer: str
    modules: tuple[nn.Module, ...]
    output: tuple[int, ...] | None = None

    @property
    def parameters(self) -> int:
        """How many numbers were learned, the statistics of a pretrained batch norm among them."""
        parts = [part for module in self.modules for part in module.modules()]
        norms = [part for part in parts if isinstance(part, nn.BatchNorm1d)]
        statistics = [s for norm in norms for s in (norm.running_mean, norm.running_var) if s is not None]
        weights = [weight for module in self.modules for weight in module.parameters()]
        return sum(tensor.numel() for tensor in (*weights, *statistics))


def _leaves(module: nn.Module) -> list[nn.Module]:
    """The modules that a reader would call layers, in the order of their definition."""
    children = list(module.children())
    if isinstance(module, _WHOLE) or not children:
        return [module]
    return [leaf for child in children for leaf in _leaves(child)]


def describe(module: nn.Module) -> str:
    """What a reader would call a layer, with its size: "Linear(1690, 512)"."""
    if isinstance(module, EncoderLayer):
        attention = module.attention
        return f"Encoder layer, {attention.heads} heads, d_k {attention.d_k}, d_v {attention.d_v}"
    if isinstance(module, Standardisation):
        return "Standardise"
    if isinstance(module, nn.LSTM):
        return f"LSTM({module.input_size}, {module.hidden_size}) x {module.num_layers}"
    if isinstance(module, nn.Linear):
        return f"Linear({module.in_features}, {module.out_features})"
    if isinstance(module, nn.Conv2d):
        return f"Convolution {'×'.join(map(str, module.kernel_size))}, {module.out_channels} filters"
    if isinstance(module, SamePadMaxPool2d):
        return f"Max-pool {module.kernel_size}×{module.kernel_size}, stride {module.stride}"
    if isinstance(module, nn.Dropout):
        return f"Dropout {module.p:g}"
    return type(module).__name__


def _pretrained_steps(model: MusiCNNClassifier) -> list[_Step]:
    """MusiCNN as its makers name its parts, each with its batch norm, and what was trained here."""
    ear = model.ear
    denoiser = [] if ear.denoiser is None else [_Step("Denoiser", (ear.denoiser,))]
    restored = (PATCH_FRAMES, POOLED // 2)
    restorer = [] if ear.restorer is None else [_Step("Restorer, if distant", (ear.restorer,), restored)]
    return [
        *denoiser,
        _Step("Log-mel spectrogram of 3 s", (ear.input_norm,), (PATCH_FRAMES, N_MELS)),
        *(
            _Step(f"Timbral filters, {frames}×{mels}", (layer,))
            for (frames, mels), layer in zip(TIMBRAL_KERNELS, ear.timbral, strict=True)
        ),
        *(
            _Step(f"Temporal filters, {frames}×1", (layer,))
            for frames, layer in zip(TEMPORAL_KERNELS, ear.temporal, strict=True)
        ),
        *(_Step(f"Convolution over time {i}", (layer,)) for i, layer in enumerate(ear.middle, start=1)),
        *restorer,
        _Step("Maximum and mean over time", (ear.pool_norm,)),
        _Step(f"Penultimate {describe(ear.penultimate)}", (ear.penultimate, ear.penultimate_norm)),
        _Step(f"Tags {describe(ear.tags)}", (ear.tags,)),
        _Step(f"How it is recorded: {describe(model.heads.gate)}", (model.heads.gate,)),
        *(
            _Step(f"Head, {HEARD_AS.get(name, name)}: {describe(head)}", (head,))
            for name, head in model.heads.near.items()
        ),
        _Step(f"Head, distant: {describe(model.heads.distant)}", (model.heads.distant,)),
    ]


def _steps(model: GenreClassifier) -> list[_Step]:
    if isinstance(model, MusiCNNClassifier):
        return _pretrained_steps(model)
    return [_Step(describe(leaf), (leaf,)) for leaf in _leaves(model)]


@torch.no_grad()
def layer_sizes(model: GenreClassifier) -> list[LayerSize]:
    """Run one segment of zeros through the model and note what leaves each layer."""
    shape = (SEGMENT_S * EAR_SAMPLE_RATE,) if model.hears == "waveform" else (N_FRAMES, N_MFCC)
    steps = _steps(model)
    outputs = [step.output for step in steps]

    def note(place: int, output: Tensor | tuple[Tensor, object]) -> None:
        tensor = output[0] if isinstance(output, tuple) else output
        outputs[place] = outputs[place] or tuple(tensor.shape[1:])

    hooks = [
        step.modules[-1].register_forward_hook(lambda _, __, output, place=place: note(place, output))
        for place, step in enumerate(steps)
    ]
    training = model.training
    try:
        model.eval()(torch.zeros(1, *shape))
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    taken = [
        LayerSize(step.layer, output, step.parameters)
        for step, output in zip(steps, outputs, strict=True)
        if output is not None
    ]
    return [LayerSize("Input", shape, 0), *taken]
