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


@dataclass(frozen=True)
class HeadRecipe:
    """`penalty` is the inverse of scikit-learn's C, per sample; `variants` adds augmented recordings."""

    C: float = 1e-3
    variants: bool = True


HEAD_CANDIDATES: dict[str, HeadRecipe] = {
    "clean recordings": HeadRecipe(variants=False),
    "and augmented ones": HeadRecipe(),
    "a third of the penalty": HeadRecipe(C=3e-3),
    "three times the penalty": HeadRecipe(C=3e-4),
}
"""What `train.py choose` tries."""

HEAD_RECIPE = HEAD_CANDIDATES["three times the penalty"]
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
