"""Training batches: a variant of each segment, cut at a random frame and mixed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from genre_models.classifiers import GENRES
from genre_models.features import N_FRAMES
from genre_models.training.assistant import Assistant
from genre_models.training.dataset import Dataset
from genre_models.training.recipes import Recipe

UNMIXED = 0.3
"""Share of the samples with soft labels that are shown as they are; the others are mixtures."""

MICRO_BATCH = 256
"""Most samples held at once; a larger batch gathers its gradient over several of these."""

EVERYTHING = slice(None)


@dataclass(frozen=True)
class Batch:
    """A part of one step: inputs (n, 130, 13), target probabilities (n, 10), weight of each sample (n,).

    The n are this process's share of `size` samples.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor
    size: int


class TrainingSegments:
    """The segments to train on, held on `device`."""

    def __init__(self, dataset: Dataset, segments: np.ndarray, device: torch.device) -> None:
        inside = np.isin(dataset.following, segments)
        following = np.where(inside, dataset.following, np.arange(len(dataset.following)))
        self.bank = torch.cat(  # (n, variants + 1, 130, 13)
            [dataset.mfccs["clean"][segments].unsqueeze(1), dataset.variants[segments].float()], dim=1
        ).to(device)
        position = np.full(len(dataset.following), -1)
        position[segments] = np.arange(len(segments))
        self.following = torch.from_numpy(position[following[segments]]).to(device)
        labels = dataset.labels[segments]
        self.labels = torch.from_numpy(labels).to(device)
        self.weights = torch.from_numpy(_sample_weights(dataset, segments)).float().to(device)
        self.unlabelled = (dataset.unlabelled_mfccs, dataset.unlabelled_embedding)
        self.embedding = dataset.embedding[segments]
        self.assistant: Assistant | None = None
        self.device = device

    def __len__(self) -> int:
        return len(self.labels)

    def n_steps(self, recipe: Recipe) -> int:
        """How many steps an epoch has."""
        shown = min(len(self), recipe.most_segments or len(self))
        return -(-shown // (recipe.batch_size or shown))

    def epoch(self, recipe: Recipe, mine: slice = EVERYTHING) -> Iterator[list[Batch]]:
        """Every segment once, or as many as the recipe allows, in random order: the steps as micro-batches.

        Of each micro-batch, the samples that are `mine` are kept. All chance is drawn from torch's global
        generator of the CPU, the same whoever keeps what.
        """
        order = torch.randperm(len(self))[: recipe.most_segments]
        for step in order.split(recipe.batch_size or len(order)):
            yield [self._batch(part.to(self.device), recipe, mine) for part in step.split(MICRO_BATCH)]

    def _taught(self) -> Assistant:
        """The assistant that gives the soft labels, fitted when first asked."""
        if self.assistant is None:
            known, weights = self.bank[:, 0].cpu(), self.weights.cpu()
            self.assistant = Assistant(known, self.embedding, self.labels.cpu(), weights, self.unlabelled)
        return self.assistant

    def _batch(self, chosen: Tensor, recipe: Recipe, mine: slice) -> Batch:
        if recipe.soft_labels:
            return self._soft_batch(chosen, recipe, mine)
        inputs = self._cut(chosen, recipe)
        targets = F.one_hot(self.labels[chosen], len(GENRES)).float()
        weights = self.weights[chosen]
        if recipe.mixup:
            share = float(np.random.default_rng(_seed()).beta(recipe.mixup, recipe.mixup))
            partner = torch.randperm(len(chosen)).to(self.device)
            inputs = share * inputs + (1 - share) * inputs[partner]
            targets = share * targets + (1 - share) * targets[partner]
            weights = share * weights + (1 - share) * weights[partner]
        return Batch(inputs[mine], targets[mine], weights[mine], len(chosen))

    def _soft_batch(self, chosen: Tensor, recipe: Recipe, mine: slice) -> Batch:
        """Labelled and unlabelled segments, most of them mixed with another; the assistant names them all."""
        inputs, weights = self._cut(chosen, recipe).cpu(), self.weights[chosen].cpu()
        others = self.unlabelled[0]
        if len(others):
            drawn = torch.randint(len(others), (round(recipe.unlabelled * len(chosen)),))
            inputs = torch.cat([inputs, others[drawn].roll(int(torch.randint(N_FRAMES, ())), dims=1)])
            weights = torch.cat([weights, torch.ones(len(drawn))])
        shares = torch.rand(len(inputs))
        shares[torch.rand(len(inputs)) < UNMIXED] = 1.0
        partner = torch.randperm(len(inputs))
        weights = (shares * weights + (1 - shares) * weights[partner])[mine]
        shares = shares[:, None, None]
        inputs = shares * inputs + (1 - shares) * inputs[partner]
        size, inputs = len(inputs), inputs[mine]
        targets = self._taught()(inputs).exp()
        return Batch(inputs.to(self.device), targets.to(self.device), weights.to(self.device), size)

    def _cut(self, chosen: Tensor, recipe: Recipe) -> Tensor:
        """130 frames from a random one on, running into the segment that follows, of a random variant."""
        n, block = len(chosen), recipe.shuffle_block
        frames = torch.arange(N_FRAMES).expand(n, -1)  # (n, 130)
        if block:
            order = torch.rand(n, -(-N_FRAMES // block)).repeat_interleave(block, 1)
            frames = order[:, :N_FRAMES].argsort(dim=1, stable=True)
        frames = (frames + torch.randint(N_FRAMES, (n, 1))).to(self.device)
        variant = torch.randint(self.bank.shape[1] if recipe.variants else 1, (n, 1)).to(self.device)
        segment = torch.where(frames < N_FRAMES, chosen.unsqueeze(1), self.following[chosen].unsqueeze(1))
        return self.bank[segment, variant, frames % N_FRAMES]


def _seed() -> int:
    return int(torch.randint(2**31, ()))


def _sample_weights(dataset: Dataset, segments: np.ndarray) -> np.ndarray:
    """Genres weigh the same, and within a genre each recording by the root of its segments; mean 1."""
    recording = dataset.recording[segments]
    weights = 1 / np.sqrt(np.bincount(recording)[recording])
    labels = dataset.labels[segments]
    per_genre = np.bincount(labels, weights, minlength=len(GENRES))
    weights = weights / per_genre[labels]
    return weights / weights.mean()
