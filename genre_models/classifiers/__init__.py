"""The genre classifiers, one architecture a file."""

from genre_models.classifiers.base import GENRES, GenreClassifier, MFCCClassifier
from genre_models.classifiers.cnn import CNN
from genre_models.classifiers.lstm import LSTM
from genre_models.classifiers.mlp import MLP
from genre_models.classifiers.pretrained import MusiCNNClassifier
from genre_models.classifiers.summary import LayerSize, layer_sizes
from genre_models.classifiers.transformer import TransformerClassifier

NETWORKS: dict[str, type[MFCCClassifier]] = {
    model.name: model for model in (MLP, CNN, LSTM, TransformerClassifier)
}
"""The four networks of the notes, trained here on MFCCs."""

ARCHITECTURES: dict[str, type[GenreClassifier]] = {**NETWORKS, MusiCNNClassifier.name: MusiCNNClassifier}
"""These, and the pretrained one."""

__all__ = [
    "ARCHITECTURES",
    "CNN",
    "GENRES",
    "LSTM",
    "MLP",
    "NETWORKS",
    "GenreClassifier",
    "LayerSize",
    "MFCCClassifier",
    "MusiCNNClassifier",
    "TransformerClassifier",
    "layer_sizes",
]
