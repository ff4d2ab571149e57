"""How each network is trained: the settings in use and the candidates they were chosen from."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Recipe:
    """Settings of one training run.

    `batch_size` None puts the whole set into each step. `variants` adds the augmented recordings. `mixup` is
    the parameter of its Beta distribution (Zhang et al. 2018) and `shuffle_block` the number of neighbouring
    frames kept together while the blocks change places; 0 switches either off. `averaging_epochs` is the
    half-life of the moving average of the weights. `pretrained` networks start from the weights of
    `pretraining`. With `soft_labels` the targets are those of the assistant (see `assistant`), mostly on
    mixtures, and each batch holds `unlabelled` times as many unlabelled segments as labelled ones. An epoch
    shows at most `most_segments` labelled ones, drawn anew each time.
    """

    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    label_smoothing: float = 0.1
    mixup: float = 0.0
    shuffle_block: int = 0
    batch_size: int | None = 32
    variants: bool = True
    averaging_epochs: float = 3.0
    pretrained: bool = False
    soft_labels: bool = False
    unlabelled: float = 1.0
    most_segments: int | None = None
    max_epochs: int = 40


TAUGHT = Recipe(
    label_smoothing=0.0,
    variants=False,
    pretrained=True,
    soft_labels=True,
    most_segments=640,
    max_epochs=60,
)
"""Pretrained on music without labels, then the assistant names mixtures."""


MLP = Recipe(learning_rate=1e-4, weight_decay=1.0, mixup=0.4, shuffle_block=1)

CANDIDATES: dict[str, dict[str, Recipe]] = {
    "mlp": {"clean recordings": replace(MLP, variants=False), "augmented recordings": MLP},
    "cnn": {"clean recordings": Recipe(variants=False), "pretrained, soft labels": TAUGHT},
    "lstm": {
        "clean recordings": Recipe(learning_rate=2e-3, mixup=0.2, variants=False, max_epochs=25),
    },
    "transformer": {
        "clean recordings": Recipe(
            learning_rate=3e-3, weight_decay=0.3, mixup=0.2, variants=False, max_epochs=25
        ),
        "pretrained, soft labels": replace(TAUGHT, max_epochs=40),
    },
}
"""What `train.py choose` tries, each a step beyond the best one before."""

RECIPES: dict[str, Recipe] = {
    "mlp": CANDIDATES["mlp"]["clean recordings"],
    "cnn": CANDIDATES["cnn"]["pretrained, soft labels"],
    "lstm": CANDIDATES["lstm"]["clean recordings"],
    "transformer": CANDIDATES["transformer"]["pretrained, soft labels"],
}
"""The recipes in use: what `train.py choose` settled on for all of the data."""
