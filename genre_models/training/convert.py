"""MusiCNN's published weights as this project keeps them: `python -m genre_models.training.convert NPZ`."""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from genre_models.classifiers import MusiCNNClassifier
from genre_models.denoiser import Denoiser
from genre_models.musicnn import N_MELS, MusiCNN
from genre_models.paths import BUNDLED_WEIGHTS

Variables = Mapping[str, np.ndarray]


def _numbered(kind: str, number: int) -> str:
    """TensorFlow's name of the n-th layer of a kind: the first one has no number."""
    return f"{kind}_{number}" if number else kind


def _norm(variables: Variables, number: int) -> dict[str, np.ndarray]:
    name = _numbered("batch_normalization", number)
    return {
        "weight": variables[f"{name}/gamma"],
        "bias": variables[f"{name}/beta"],
        "running_mean": variables[f"{name}/moving_mean"],
        "running_var": variables[f"{name}/moving_variance"],
    }


def _convolution(variables: Variables, number: int, layer: nn.Module) -> dict[str, np.ndarray]:
    """TensorFlow keeps kernels as (time, channels or mels, 1, filters)."""
    name = _numbered("conv2d", number)
    kernel = variables[f"{name}/kernel"].transpose(3, 2, 0, 1)  # (filters, 1, time, channels or mels)
    if isinstance(layer, nn.Conv1d):
        kernel = kernel[:, 0].transpose(0, 2, 1)  # (filters, channels, time)
    return {"weight": kernel, "bias": variables[f"{name}/bias"]}


def _linear(variables: Variables, name: str) -> dict[str, np.ndarray]:
    return {"weight": variables[f"{name}/kernel"].T, "bias": variables[f"{name}/bias"]}


def _fill(module: nn.Module, values: Mapping[str, np.ndarray]) -> None:
    tensors: dict[str, Tensor] = {
        name: torch.from_numpy(np.ascontiguousarray(value, dtype=np.float32))
        for name, value in values.items()
    }
    counters = {name: value for name, value in module.state_dict().items() if "num_batches" in name}
    module.load_state_dict(tensors | counters)


def musicnn_from(variables: Variables) -> MusiCNN:
    """The network with the variables of the TensorFlow checkpoint MSD_musicnn, under their names there."""
    ear = MusiCNN()
    _fill(ear.input_norm, _norm(variables, 0))
    for number, layer in enumerate([*ear.timbral, *ear.temporal, *ear.middle]):
        _fill(layer.convolution, _convolution(variables, number, layer.convolution))
        _fill(layer.norm, _norm(variables, number + 1))
    _fill(ear.pool_norm, _norm(variables, 9))
    _fill(ear.penultimate, _linear(variables, "dense"))
    _fill(ear.penultimate_norm, _norm(variables, 10))
    _fill(ear.tags, _linear(variables, "dense_1"))
    return ear


def main() -> None:
    """Write the network with denoiser, restorer and heads that know nothing yet: `train.py` trains them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("npz", type=Path, help="the 64 variables of MSD_musicnn")
    parser.add_argument("--output", type=Path, default=BUNDLED_WEIGHTS / MusiCNNClassifier.name)
    arguments = parser.parse_args()
    model = MusiCNNClassifier()
    with np.load(arguments.npz) as variables:
        published = musicnn_from(variables)
    model.ear = published.behind(Denoiser(N_MELS), published.new_restorer())
    model.heads.know_nothing()
    model.save_pretrained(arguments.output)


if __name__ == "__main__":
    main()
