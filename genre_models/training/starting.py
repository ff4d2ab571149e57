"""The weights that networks start from where their recipe says so; `pretraining` makes them."""

from pathlib import Path

from safetensors.torch import load_file
from torch import nn

from genre_models.classifiers import MFCCClassifier
from genre_models.paths import BUNDLED_WEIGHTS

START = BUNDLED_WEIGHTS / "start"
"""Those that come with the project, a file a network."""


def weights_file(model: str, folder: Path = START) -> Path:
    """Where the starting weights of a network are."""
    return folder / f"{model}.safetensors"


def without_dropout(model: nn.Module) -> None:
    """Drop no units in training: who is never shown the same twice learns nothing by heart."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0


def start_from(model: MFCCClassifier) -> None:
    """Give a new network the starting weights of its kind; its last layer stays as it was drawn."""
    model.load_state_dict(load_file(weights_file(model.name)), strict=False)
