"""The heads of the pretrained model: multinomial logistic regressions on what the frozen ear hears."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from genre_models.classifiers import GENRES
from genre_models.classifiers.heads import RECORDED, Heads
from genre_models.musicnn import POOLED
from genre_models.training.dataset import Dataset
from genre_models.training.fronts import DRAWN_NAMES
from genre_models.training.recording_conditions import CLEAN, CONDITIONS

MAX_ITERATIONS = 1_000
NEVER = -1e4
"""The logit of what shall never be named, as a genre that was not in training."""
AS_CLEAN = (CLEAN, "quiet", "clipped", "mp3", "opus")
"""Conditions under which a recording sounds nearly as it is."""
OF_OTHERS = 0.3
"""The share of its weight that an expert's data have from all ways to be recorded alike."""
GATE_C = 1e-3
GOOD_COUNTS = 2
"""How much more good recordings weigh in the gate than bad ones, which they outnumber too."""


@dataclass(frozen=True)
class HeadRecipe:
    """`C` is scikit-learn's inverse penalty, where all weights together are the number of segments.

    A head learns from the recordings as they are, if they are `clean`, from augmented `variants` of them and
    from how they sound under these `conditions`. With `experts` that is the head for what sounds clean, and
    each other way to be recorded has one that learns from it above all. `distant` is for a head of its own
    for what the denoiser changes much; without it one head is both.
    """

    C: float = 1e-3
    clean: bool = True
    variants: bool = True
    conditions: tuple[str, ...] = ()
    experts: bool = False
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
    "a head for each way to be recorded": HeadRecipe(
        conditions=("room", "babble", "noise"), experts=True, distant=FOR_DISTANT
    ),
}
"""What `train.py choose` tries; their answers under every recording condition count alike."""

HEAD_RECIPE = HEAD_CANDIDATES["a head for each way to be recorded"]
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


def _fitted(
    inputs: Tensor,
    labels: np.ndarray,
    weights: np.ndarray,
    inverse_penalty: float,
    n_classes: int,
    balanced: bool = True,
) -> nn.Linear:
    """A linear layer to logits, (n, 1506) -> (n, classes); in the fit `balanced` classes weigh the same."""
    alike = "balanced" if balanced else None
    regression = LogisticRegression(C=inverse_penalty, class_weight=alike, max_iter=MAX_ITERATIONS)
    regression.fit(inputs.numpy(), labels, sample_weight=weights)
    layer = nn.Linear(POOLED, n_classes)
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.fill_(NEVER)
        layer.weight[regression.classes_] = torch.from_numpy(regression.coef_).float()
        layer.bias[regression.classes_] = torch.from_numpy(regression.intercept_).float()
    return layer


def _fit_genres(
    dataset: Dataset, segments: np.ndarray, banks: list[Tensor], shares: list[float], inverse_penalty: float
) -> nn.Linear:
    """A head that learns from several `banks` of the same segments, which have these shares of the weight."""
    weights = _weights(dataset, segments)
    return _fitted(
        torch.cat(banks),
        np.tile(dataset.labels[segments], len(banks)),
        np.concatenate([share * weights for share in shares]) / sum(shares),
        inverse_penalty,
        len(GENRES),
    )


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
    return _fit_genres(dataset, segments, banks, [1.0] * len(banks), recipe.C)


def _fit_expert(dataset: Dataset, segments: np.ndarray, recorded: str, inverse_penalty: float) -> nn.Linear:
    """A head for one way to be recorded, which learns a little from the others too."""
    banks = [dataset.heard[name][segments] for name in RECORDED]
    shares = [OF_OTHERS / len(RECORDED)] * len(RECORDED)
    shares[RECORDED.index(recorded)] += 1 - OF_OTHERS
    return _fit_genres(dataset, segments, banks, shares, inverse_penalty)


def _fit_gate(dataset: Dataset, segments: np.ndarray) -> nn.Linear:
    """Which of `RECORDED` it is."""
    names = (*AS_CLEAN, *RECORDED[1:])
    weights = np.concatenate(
        [(GOOD_COUNTS if name in AS_CLEAN else 1) * _weights(dataset, segments) for name in names]
    )
    return _fitted(
        torch.cat([dataset.heard[name][segments] for name in names]),
        np.repeat([RECORDED.index(name) if name in RECORDED else 0 for name in names], len(segments)),
        weights / weights.mean(),
        GATE_C,
        len(RECORDED),
        balanced=False,
    )


def _takes_all_for_clean() -> nn.Linear:
    gate = nn.Linear(POOLED, len(RECORDED))
    with torch.no_grad():
        gate.weight.zero_()
        gate.bias.fill_(NEVER)
        gate.bias[RECORDED.index(CLEAN)] = 0
    return gate


def fit_heads(
    dataset: Dataset, segments: np.ndarray, recipe: HeadRecipe, restored: Given | None = None
) -> Heads:
    """All heads. With `restored` the distant one learns from what a restorer had a hand in."""
    heads, head = Heads(len(GENRES)), fit_head(dataset, segments, recipe)
    for name in RECORDED:
        expert = recipe.experts and name != CLEAN
        heads.near[name] = _fit_expert(dataset, segments, name, recipe.C) if expert else copy.deepcopy(head)
    heads.gate = _fit_gate(dataset, segments) if recipe.experts else _takes_all_for_clean()
    heads.distant = head if recipe.distant is None else fit_head(dataset, segments, recipe.distant, restored)
    return heads


@dataclass(frozen=True)
class HeadAnswers:
    """By recording condition: log-probabilities of segments (n, 10); how unlike good ones they are (n,)."""

    answers: dict[str, np.ndarray]
    unlike: dict[str, np.ndarray]


@torch.inference_mode()
def head_answers(
    dataset: Dataset,
    segments: np.ndarray,
    recipe: HeadRecipe,
    tested: np.ndarray,
    restored: Given | None = None,
) -> HeadAnswers:
    """What heads fitted to `segments` say of the `tested` ones."""
    heads = fit_heads(dataset, segments, recipe, restored)
    heard = dataset.heard if restored is None else restored
    given = {
        name: (heard[name][tested], dataset.mended[name][tested].float()) for name in (CLEAN, *CONDITIONS)
    }
    return HeadAnswers(
        {name: heads(*one).numpy() for name, one in given.items()},
        {name: heads.unlike(*one).numpy() for name, one in given.items()},
    )
