"""The heads of the pretrained model: multinomial logistic regression on what the frozen ear hears."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from genre_models.classifiers import GENRES, MusiCNNClassifier
from genre_models.musicnn import POOLED
from genre_models.training.dataset import Dataset
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


def _weights(dataset: Dataset, segments: np.ndarray) -> np.ndarray:
    """A recording weighs the root of its segments; mean 1."""
    recording = dataset.recording[segments]
    weights = 1 / np.sqrt(np.bincount(recording)[recording])
    return weights / weights.mean()


def _fit(dataset: Dataset, segments: np.ndarray, recipe: HeadRecipe) -> nn.Linear:
    banks = [dataset.heard[CLEAN][segments]] if recipe.clean else []
    if recipe.variants:
        banks += list(dataset.heard_variants[segments].float().unbind(dim=1))
    banks += [dataset.heard[condition][segments] for condition in recipe.conditions]
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


def fit_heads(dataset: Dataset, segments: np.ndarray, recipe: HeadRecipe) -> tuple[nn.Linear, nn.Linear]:
    """Linear layers, (n, 1506) -> logits (n, 10), fitted to these segments, in which genres weigh the same.

    The first is for recordings that the denoiser leaves much as they are, the second for the others.
    """
    head = _fit(dataset, segments, recipe)
    return head, copy.deepcopy(head) if recipe.distant is None else _fit(dataset, segments, recipe.distant)


@torch.inference_mode()
def head_answers(
    dataset: Dataset, segments: np.ndarray, recipe: HeadRecipe, tested: np.ndarray
) -> dict[str, np.ndarray]:
    """What heads fitted to `segments` say of the `tested` ones: log-probabilities (n, 10) by condition."""
    model = MusiCNNClassifier()
    model.head, model.distant_head = fit_heads(dataset, segments, recipe)
    return {
        name: model.name_genres(dataset.heard[name][tested], dataset.mended[name][tested])
        .log_softmax(dim=-1)
        .numpy()
        for name in (CLEAN, *CONDITIONS)
    }
