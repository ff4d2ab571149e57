"""The genre classifiers, one architecture a file."""

from genre_models.classifiers.base import GENRES, GenreClassifier
from genre_models.classifiers.cnn import CNN
from genre_models.classifiers.lstm import LSTM
from genre_models.classifiers.mlp import MLP
from genre_models.classifiers.summary import LayerSize, layer_sizes
from genre_models.classifiers.transformer import TransformerClassifier

ARCHITECTURES: dict[str, type[GenreClassifier]] = {
    model.name: model for model in (MLP, CNN, LSTM, TransformerClassifier)
}

__all__ = [
    "ARCHITECTURES",
    "CNN",
    "GENRES",
    "LSTM",
    "MLP",
    "GenreClassifier",
    "LayerSize",
    "TransformerClassifier",
    "layer_sizes",
]
