"""Checkpoints: tensors in groups, and what must be the same for a training to be gone on with."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

Groups = dict[str, dict[str, Tensor]]
"""By group, such as "model": tensors by name."""


class CheckpointError(ValueError):
    """A checkpoint that is damaged or belongs to another training run."""


def save_checkpoint(
    path: Path, groups: Mapping[str, Mapping[str, Tensor]], settings: Mapping[str, Any], history: list[Any]
) -> None:
    """Write all that is needed to go on; the old checkpoint stays until the new one is safe on the disk."""
    tensors = {f"{group}.{name}": value for group, named in groups.items() for name, value in named.items()}
    metadata = {"settings": json.dumps(settings), "history": json.dumps(history)}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    save_file({name: value.cpu().contiguous() for name, value in tensors.items()}, unfinished, metadata)
    _to_disk(unfinished)
    unfinished.replace(path)
    _to_disk(path.parent)


def _to_disk(path: Path) -> None:
    """Have a file, or the names in a folder, survive a power cut; Windows opens no folders."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load_checkpoint(path: Path, settings: Mapping[str, Any]) -> tuple[Groups, list[Any]]:
    """Groups and history; raises `CheckpointError` for a damaged file or another run's."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            names = list(file.keys())  # an open safetensors file cannot be iterated over
            tensors = {name: file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise CheckpointError(f"{path} is damaged: train without --resume.") from error
    if metadata["settings"] != json.dumps(settings):
        raise CheckpointError(f"{path} was made with other settings or data: train without --resume.")
    groups: Groups = {}
    for name, value in tensors.items():
        group, rest = name.split(".", 1)
        groups.setdefault(group, {})[rest] = value
    return groups, json.loads(metadata["history"])


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """An optimiser's moments by "<parameter number>.<name>"."""
    states = optimizer.state_dict()["state"]
    return {f"{i}.{name}": value for i, state in states.items() for name, value in state.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimiser the moments that `optimizer_tensors` returned."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
