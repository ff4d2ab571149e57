"""The head of the pretrained model: multinomial logistic regression on what the frozen ear hears."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from genre_models.classifiers import GENRES
from genre_models.musicnn import POOLED
from genre_models.training.dataset import Dataset

MAX_ITERATIONS = 1_000
DISTANT = ("telephone", "room", "noise", "hard")
"""Conditions under which a microphone far from the music hears it."""
HARDEST = "hard"


@dataclass(frozen=True)
class HeadRecipe:
    """`C` is scikit-learn's inverse penalty, where all weights together are the number of segments.

    `variants` adds augmented recordings, `conditions` the recordings as they are heard under these.
    """

    C: float = 1e-3
    variants: bool = True
    conditions: tuple[str, ...] = ()


HEAD_CANDIDATES: dict[str, HeadRecipe] = {
    "clean recordings": HeadRecipe(C=3e-4, variants=False),
    "and augmented ones": HeadRecipe(C=3e-4),
    "and under conditions": HeadRecipe(C=3e-4, conditions=DISTANT),
    "a third of the penalty": HeadRecipe(C=1e-3, conditions=DISTANT),
    "a tenth of the penalty": HeadRecipe(C=3e-3, conditions=DISTANT),
}
"""What `train.py choose` tries; their answers under `HARDEST` count as much as those to clean recordings."""

HEAD_RECIPE = HEAD_CANDIDATES["a tenth of the penalty"]
"""The recipe in use: what `train.py choose` settled on for all of the data."""


def _weights(dataset: Dataset, segments: np.ndarray) -> np.ndarray:
    """A recording weighs the root of its segments; mean 1."""
    recording = dataset.recording[segments]
    weights = 1 / np.sqrt(np.bincount(recording)[recording])
    return weights / weights.mean()


def fit_head(dataset: Dataset, segments: np.ndarray, recipe: HeadRecipe) -> nn.Linear:
    """A linear layer, (n, 1506) -> logits (n, 10), fitted to these segments; genres weigh the same."""
    banks = [dataset.heard["clean"][segments]]
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


@torch.inference_mode()
def head_answers(dataset: Dataset, segments: np.ndarray, recipe: HeadRecipe, heard: Tensor) -> np.ndarray:
    """Log-probabilities (n, 10) of a head fitted to `segments` for what was heard, (n, 1506)."""
    logits: Tensor = fit_head(dataset, segments, recipe)(heard)
    return logits.log_softmax(dim=-1).numpy()
