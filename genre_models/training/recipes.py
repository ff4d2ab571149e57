"""How each network is trained: the settings in use and the candidates they were chosen from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Settings of one training run.

    `batch_size` None puts the whole set into each step. `mixup` is the parameter of its Beta distribution
    (Zhang et al. 2018) and `shuffle_block` the number of neighbouring frames kept together while the blocks
    change places; 0 switches either off. `averaging_epochs` is the half-life of the moving average of the
    weights.
    """

    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    label_smoothing: float = 0.1
    mixup: float = 0.0
    shuffle_block: int = 0
    batch_size: int | None = 32
    averaging_epochs: float = 3.0
    max_epochs: int = 40


CANDIDATES: dict[str, list[Recipe]] = {
    "mlp": [
        Recipe(learning_rate=1e-4, weight_decay=1.0, mixup=0.4, max_epochs=40),
        Recipe(learning_rate=1e-4, weight_decay=1.0, mixup=0.4, shuffle_block=1, max_epochs=40),
    ],
    "cnn": [
        Recipe(learning_rate=1e-3, max_epochs=45),
        Recipe(learning_rate=1e-3, mixup=0.2, max_epochs=45),
    ],
    "lstm": [
        Recipe(learning_rate=2e-3, mixup=0.2, max_epochs=25),
        Recipe(learning_rate=5e-3, mixup=0.2, max_epochs=25),
    ],
    "transformer": [
        Recipe(learning_rate=3e-3, weight_decay=0.3, max_epochs=25),
        Recipe(learning_rate=3e-3, weight_decay=0.3, mixup=0.2, max_epochs=25),
    ],
}
"""What `train.py choose` tries."""

RECIPES: dict[str, Recipe] = {
    "mlp": CANDIDATES["mlp"][1],
    "cnn": CANDIDATES["cnn"][0],
    "lstm": CANDIDATES["lstm"][0],
    "transformer": CANDIDATES["transformer"][1],
}
"""The recipes in use: what `train.py choose` settled on for all of the data."""
