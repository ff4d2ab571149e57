"""The heads of the pretrained model: multinomial logistic regression on what the frozen ear hears."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from genre_models.classifiers import GENRES, MusiCNNClassifier
from genre_models.musicnn import POOLED
from genre_models.training.dataset import Dataset
from genre_models.training.fronts import DRAWN_NAMES
from genre_models.training.recording_conditions import CLEAN, CONDITIONS

MAX_ITERATIONS = 1_000


@dataclass(frozen=True)
class HeadRecipe:
    """`C` is scikit-learn's inverse penalty, where all weights together are the number of segments.

    A head learns from the recordings as they are, if they are `clean`, from augmented `variants` of them and
    from how they sound under these `conditions`. `distant` is for a head of its own for what the denoiser
    changes much; without it one head is both.
    """

    C: float = 1e-3
    clean: bool = True
    variants: bool = True
    conditions: tuple[str, ...] = ()
    distant: "HeadRecipe | None" = None

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "HeadRecipe":
        """From what `asdict` and JSON made of one."""
        distant = stored["distant"] and cls.read(stored["distant"])
        return cls(**{**stored, "conditions": tuple(stored["conditions"]), "distant": distant})


FOR_DISTANT = HeadRecipe(C=3e-3, clean=False, variants=False, conditions=("telephone", "noise", "hard"))
FOR_RESTORED = HeadRecipe(C=3e-3, variants=False, conditions=(*FOR_DISTANT.conditions, *DRAWN_NAMES))
"""Of the head for distant recordings where they are restored: it learns from all that the restorer learned
from."""

HEAD_CANDIDATES: dict[str, HeadRecipe] = {
    "clean recordings": HeadRecipe(C=3e-4, variants=False),
    "and augmented ones": HeadRecipe(C=3e-4),
    "and under conditions": HeadRecipe(C=3e-3, conditions=("telephone", "room", "noise", "hard")),
    "a head for distant recordings": HeadRecipe(conditions=("room", "babble"), distant=FOR_DISTANT),
    "noise for both heads": HeadRecipe(conditions=("room", "babble", "noise"), distant=FOR_DISTANT),
}
"""What `train.py choose` tries; their answers under every recording condition count alike."""

HEAD_RECIPE = HEAD_CANDIDATES["noise for both heads"]
"""The recipe in use: what `train.py choose` settled on for all of the data."""


def for_restored(recipe: HeadRecipe) -> HeadRecipe:
    """The recipe where a restorer has its hand in what is distant."""
    return replace(recipe, distant=FOR_RESTORED)


def _weights(dataset: Dataset, segments: np.ndarray) -> np.ndarray:
    """A recording weighs the root of its segments; mean 1."""
    recording = dataset.recording[segments]
    weights = 1 / np.sqrt(np.bincount(recording)[recording])
    return weights / weights.mean()


Given = Mapping[str, Tensor]
"""By recording condition what a head is given of every segment of a data set, (segments, 1506)."""


def fit_head(
    dataset: Dataset, segments: np.ndarray, recipe: HeadRecipe, heard: Given | None = None
) -> nn.Linear:
    """A linear layer, (n, 1506) -> logits (n, 10), fitted to these segments, in which genres weigh the same.

    Without `heard` it learns from what MusiCNN hears unrestored.
    """
    heard = dataset.heard if heard is None else heard
    banks = [dataset.heard[CLEAN][segments]] if recipe.clean else []
    if recipe.variants:
        banks += list(dataset.heard_variants[segments].float().unbind(dim=1))
    banks += [heard[condition][segments] for condition in recipe.conditions]
    inputs = torch.cat(banks).numpy()
    weights = np.tile(_weights(dataset, segments), len(banks)) / len(banks)
    labels = np.tile(dataset.labels[segments], len(banks))
    regression = LogisticRegression(C=recipe.C, class_weight="balanced", max_iter=MAX_ITERATIONS)
    regression.fit(inputs, labels, sample_weight=weights)
    head = nn.Linear(POOLED, len(GENRES))
    with torch.no_grad():
        head.weight.zero_()
        head.bias.fill_(-1e4)  # a genre that was not in training is never named
        head.weight[regression.classes_] = torch.from_numpy(regression.coef_).float()
        head.bias[regression.classes_] = torch.from_numpy(regression.intercept_).float()
    return head


def fit_heads(
    dataset: Dataset, segments: np.ndarray, recipe: HeadRecipe, restored: Given | None = None
) -> tuple[nn.Linear, nn.Linear]:
    """Heads for recordings that the denoiser leaves much as they are, and for the others.

    With `restored` the second learns from those that a restorer had a hand in.
    """
    head = fit_head(dataset, segments, recipe)
    if recipe.distant is None:
        return head, copy.deepcopy(head)
    return head, fit_head(dataset, segments, recipe.distant, restored)


@torch.inference_mode()
def head_answers(
    dataset: Dataset,
    segments: np.ndarray,
    recipe: HeadRecipe,
    tested: np.ndarray,
    restored: Given | None = None,
) -> dict[str, np.ndarray]:
    """What heads fitted to `segments` say of the `tested` ones: log-probabilities (n, 10) by condition."""
    model = MusiCNNClassifier()
    model.head, model.distant_head = fit_heads(dataset, segments, recipe, restored)
    heard = dataset.heard if restored is None else restored
    return {
        name: model.name_genres(heard[name][tested], dataset.mended[name][tested]).log_softmax(dim=-1).numpy()
        for name in (CLEAN, *CONDITIONS)
    }
