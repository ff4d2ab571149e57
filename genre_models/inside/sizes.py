"""The sizes of a network that a note on it mentions, read off the running modules."""

from dataclasses import dataclass
from functools import singledispatch
from typing import Any, cast

from torch import nn

from genre_models import denoiser, restorer
from genre_models.attention import EncoderLayer
from genre_models.audio import SAMPLE_RATE
from genre_models.classifiers import CNN, LSTM, MLP, MusiCNNClassifier, TransformerClassifier
from genre_models.classifiers.cnn import SamePadMaxPool2d
from genre_models.features import HOP_LENGTH
from genre_models.melody.compose import WINDOW_NOTES
from genre_models.musicnn import HOP_LENGTH as EAR_HOP_LENGTH
from genre_models.musicnn import N_MELS, PATCH_FRAMES, POOLED
from genre_models.musicnn import SAMPLE_RATE as EAR_SAMPLE_RATE
from genre_models.seq2seq import EncoderDecoder

Sizes = dict[str, Any]


@dataclass(frozen=True)
class Attending:
    """An attention layer and its feed-forward layer."""

    d_model: int
    heads: int
    d_k: int
    d_v: int
    d_ff: int


@singledispatch
def sizes(model: nn.Module) -> Sizes:
    """By name, what is countable about a network. Raises `TypeError` for one that is not known here."""
    raise TypeError(f"nothing is known of the sizes of a {type(model).__name__}")


@sizes.register
def _(model: MLP) -> Sizes:
    linear = _linear(model.layers)
    return {
        "inputs": linear[0].in_features,
        "widths": [layer.out_features for layer in linear],
        "first": _count(linear[0]),
        "all": model.n_trained,
        "temperature": float(model.temperature),
    }


@sizes.register
def _(model: CNN) -> Sizes:
    convolutions = [layer for layer in model.layers if isinstance(layer, nn.Conv2d)]
    (pool, *_) = (layer for layer in model.layers if isinstance(layer, SamePadMaxPool2d))
    linear = _linear(model.layers)
    seen = frames_seen(model)
    return {
        "kernels": [layer.kernel_size for layer in convolutions],
        "filters": [layer.out_channels for layer in convolutions],
        "first": _count(convolutions[0]),
        "pool": pool.kernel_size,
        "stride": pool.stride,
        "flat": linear[0].in_features,
        "hidden": linear[0].out_features,
        "genres": linear[-1].out_features,
        "dropout": _dropout(model),
        "seen": seen,
        "seen_s": seen * HOP_LENGTH / SAMPLE_RATE,
    }


@sizes.register
def _(model: LSTM) -> Sizes:
    return {
        "hidden": model.lstm.hidden_size,
        "layers": model.lstm.num_layers,
        "coefficients": model.lstm.input_size,
        "widths": [layer.out_features for layer in _linear(model.layers)],
        "dropout": _dropout(model),
    }


@sizes.register
def _(model: TransformerClassifier) -> Sizes:
    return {
        "layers": len(model.encoder),
        "frames": len(model.positions),
        "genres": model.head.out_features,
        "attending": _attending(cast(EncoderLayer, model.encoder[0])),
    }


@sizes.register
def _(model: MusiCNNClassifier) -> Sizes:
    return {
        "mels": N_MELS,
        "patch_frames": PATCH_FRAMES,
        "patch_s": PATCH_FRAMES * EAR_HOP_LENGTH / EAR_SAMPLE_RATE,
        "timbral": [_kernel(layer) for layer in model.ear.timbral],
        "temporal": [_kernel(layer)[0] for layer in model.ear.temporal],
        "middle": len(model.ear.middle),
        "tags": model.ear.tags.out_features,
        "pooled": POOLED,
        "genres": len(model.genres),
        "denoiser": len(denoiser.DILATIONS),
        "restorer": 2 + len(restorer.DILATIONS),
        "frozen": model.n_frozen,
        "denoising": model.n_denoising,
        "restoring": model.n_restoring,
        "heads": model.n_trained - model.n_denoising - model.n_restoring,
    }


@sizes.register
def _(model: EncoderDecoder) -> Sizes:
    return {
        "encoder_layers": len(model.encoder),
        "decoder_layers": len(model.decoder),
        "vocabulary": model.head.out_features,
        "window": WINDOW_NOTES,
        "attending": _attending(cast(EncoderLayer, model.encoder[0])),
    }


def frames_seen(model: CNN) -> int:
    """How many frames of the input one frame of the last convolution depends on.

    Each layer adds (kernel - 1) times the strides of those before it (Araujo, Norris and Sim, "Computing
    receptive fields of convolutional neural networks", 2019).
    """
    seen = step = 1
    for layer in model.layers:
        if isinstance(layer, nn.Conv2d):
            seen += (layer.kernel_size[0] - 1) * step
            step *= layer.stride[0]
        elif isinstance(layer, SamePadMaxPool2d):
            seen += (layer.kernel_size - 1) * step
            step *= layer.stride
    return seen


def _linear(layers: nn.Sequential) -> list[nn.Linear]:
    return [layer for layer in layers if isinstance(layer, nn.Linear)]


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _dropout(model: CNN | LSTM) -> float:
    (layer,) = (layer for layer in model.layers if isinstance(layer, nn.Dropout))
    return layer.p


def _kernel(layer: nn.Module) -> tuple[int, ...]:
    """(frames, mels)."""
    return cast(nn.Conv2d, layer.convolution).kernel_size


def _attending(layer: EncoderLayer) -> Attending:
    attention, first = layer.attention, cast(nn.Linear, layer.feed_forward[0])
    return Attending(first.in_features, attention.heads, attention.d_k, attention.d_v, first.out_features)
