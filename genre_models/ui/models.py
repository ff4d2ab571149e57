"""What the pages say about a model beside its answer: name, size, layers, measured accuracy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genre_models.classifiers import ARCHITECTURES, GenreClassifier, LayerSize, layer_sizes
from genre_models.metrics import Accuracy

BYTES_PER_PARAMETER = 4  # float32
LOOKS_AT = {
    "mlp": "all numbers of a segment at once, as one long list",
    "cnn": "small patches of the sound, wherever in the segment they come",
    "lstm": "one moment after the other, with a memory of those before",
    "transformer": "every moment beside every other, and weighs which matter",
    "musicnn": "a finer picture of the sound, with an ear trained on much other music",
}
"""What each model goes by, in a few words."""
CONDITIONS = {
    "telephone": "through a telephone",
    "room": "in a room",
    "babble": "with voices behind it",
    "noise": "in noise",
    "hard": "over a telephone from a noisy room",
}
"""The recording conditions that a recipe may name, in words."""
OTHER_SYSTEMS = {"verdict": "The verdict", "plain average": "Plain average", "baseline": "Baseline (SVM)"}


@dataclass(frozen=True)
class ModelCard:
    """One model as the pages present it: numbers `trained` here and those that came `frozen`."""

    name: str
    title: str
    trained: int
    frozen: int
    megabytes: float
    layers: list[LayerSize]
    accuracy: Accuracy | None
    looks_at: str


def describe(models: Mapping[str, GenreClassifier], measured: Mapping[str, Accuracy]) -> dict[str, ModelCard]:
    """The cards of `models`, by name; sizes are read off the modules, accuracies are those `measured`."""
    return {
        name: ModelCard(
            name=name,
            title=model.title,
            trained=model.n_trained,
            frozen=model.n_frozen,
            megabytes=BYTES_PER_PARAMETER * model.n_parameters / 1e6,
            layers=layer_sizes(model),
            accuracy=measured.get(name),
            looks_at=LOOKS_AT[name],
        )
        for name, model in models.items()
    }


def title(name: str) -> str:
    """A model's name, or that of what it is compared with, as people write it."""
    return ARCHITECTURES[name].title if name in ARCHITECTURES else OTHER_SYSTEMS.get(name, name)


def in_conditions(recipe: Mapping[str, Any]) -> list[str]:
    """How a head's recipe had the recordings sound, in words."""
    return [CONDITIONS.get(condition, condition) for condition in recipe.get("conditions", ())]
