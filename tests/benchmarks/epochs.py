"""Training seconds per epoch of the four networks, beside the same networks in Keras on its torch backend.

`python -m tests.benchmarks.epochs` trains both, turn by turn, on the same made-up segments with the same
optimiser, batch size and number of threads. Ours also keeps the moving average of the weights. The figures
go to `assets/metrics/epochs.json`.
"""

import os

os.environ["KERAS_BACKEND"] = "torch"

from collections.abc import Callable

import keras
import numpy as np
import torch

from genre_models.classifiers import NETWORKS
from genre_models.features import N_FRAMES, N_MFCC
from genre_models.training.dataset import Dataset
from genre_models.training.distributed import Alone
from genre_models.training.loop import Run, Trainer
from genre_models.training.recipes import Recipe
from tests.benchmarks.beside import compared, keep, machine, turns
from tests.benchmarks.distributed import made_up
from tests.test_classifiers import keras_cnn, keras_lstm, keras_mlp

ROUNDS = 3
SEGMENTS = 320
BATCH_SIZE = 32
RECIPE = Recipe(batch_size=BATCH_SIZE, variants=False, label_smoothing=0.0)


@keras.saving.register_keras_serializable()
class Positions(keras.layers.Layer):  # type: ignore[misc]
    """Adds numbers that stay as they are, as many as there are frames."""

    def call(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, frames, d_model) -> the same shape."""
        return x + keras.ops.ones(x.shape[1:])


def keras_transformer() -> keras.Model:
    """Our encoder's sizes: d_model 64, 4 heads, 2 layers, d_ff 128, dropout 0.1."""
    inputs = keras.Input((N_FRAMES, N_MFCC))
    x = keras.layers.Dropout(0.1)(Positions()(keras.layers.Dense(64)(inputs)))
    for _ in range(2):
        attended = keras.layers.Dropout(0.1)(keras.layers.MultiHeadAttention(4, 16)(x, x))
        x = keras.layers.LayerNormalization()(x + attended)
        hidden = keras.layers.Dense(64)(keras.layers.Dense(128, activation="relu")(x))
        x = keras.layers.LayerNormalization()(x + keras.layers.Dropout(0.1)(hidden))
    pooled = keras.layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(pooled))


PEERS = {"mlp": keras_mlp, "cnn": keras_cnn, "lstm": keras_lstm, "transformer": keras_transformer}


def our_epoch(name: str, dataset: Dataset) -> Callable[[], None]:
    """One pass of the training loop over the data."""
    run = Run(np.arange(SEGMENTS), RECIPE, epochs=1)
    return Trainer(NETWORKS[name](), dataset, run, Alone(torch.device("cpu"))).train_epoch


def their_epoch(name: str, dataset: Dataset) -> Callable[[], object]:
    """One pass of Keras' `fit`."""
    model = PEERS[name]()
    optimizer = keras.optimizers.AdamW(RECIPE.learning_rate, weight_decay=RECIPE.weight_decay)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    inputs = dataset.mfccs["clean"][:SEGMENTS].numpy().reshape(-1, *model.input_shape[1:])
    return lambda: model.fit(inputs, dataset.labels[:SEGMENTS], batch_size=BATCH_SIZE, verbose=0)


def main() -> None:
    """Measure, print and keep."""
    dataset = made_up()
    ran_on = machine(threads=torch.get_num_threads(), rounds=ROUNDS)
    rows = [
        compared(
            f"an epoch of the {network.title}, {SEGMENTS} segments",
            "Keras on PyTorch",
            turns(our_epoch(name, dataset), their_epoch(name, dataset), ROUNDS),
        )
        for name, network in NETWORKS.items()
    ]
    keep("epochs", ran_on, rows, batch_size=BATCH_SIZE)


if __name__ == "__main__":
    main()
