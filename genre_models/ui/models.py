"""What the pages say about a model beside its answer: name, size, layers, measured accuracy."""

from collections.abc import Mapping
from dataclasses import dataclass

from genre_models.classifiers import ARCHITECTURES, GenreClassifier, LayerSize, layer_sizes
from genre_models.metrics import Accuracy

BYTES_PER_PARAMETER = 4  # float32
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
        )
        for name, model in models.items()
    }


def title(name: str) -> str:
    """A model's name, or that of what it is compared with, as people write it."""
    return ARCHITECTURES[name].title if name in ARCHITECTURES else OTHER_SYSTEMS.get(name, name)
