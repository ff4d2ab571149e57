"""What the pages say about a model beside its answer: name, size, layers, measured accuracy."""

from collections.abc import Mapping
from dataclasses import dataclass

from genre_models.classifiers import ARCHITECTURES, GenreClassifier, LayerSize, layer_sizes
from genre_models.metrics import Accuracy

BYTES_PER_PARAMETER = 4  # float32


@dataclass(frozen=True)
class ModelCard:
    """One model as the pages present it."""

    name: str
    title: str
    parameters: int
    megabytes: float
    layers: list[LayerSize]
    accuracy: Accuracy | None


def describe(models: Mapping[str, GenreClassifier], measured: Mapping[str, Accuracy]) -> dict[str, ModelCard]:
    """The cards of `models`, by name; sizes are read off the modules, accuracies are those `measured`."""
    return {
        name: ModelCard(
            name=name,
            title=model.title,
            parameters=model.n_parameters,
            megabytes=BYTES_PER_PARAMETER * model.n_parameters / 1e6,
            layers=layer_sizes(model),
            accuracy=measured.get(name),
        )
        for name, model in models.items()
    }


def title(name: str) -> str:
    """A model's name as people write it."""
    return ARCHITECTURES[name].title
