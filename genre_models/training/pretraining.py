"""Where the networks of the notes start from: a function of the MFCCs that is known for any music at all.

A few hundred labelled recordings are too little for a network to find out which measures of an MFCC matrix
matter. It learns them first, from music that nobody labelled: the statistics of `assistant`, and what MusiCNN
would hear as far as these statistics can tell it. As both can be worked out for whatever is shown, mixtures
of segments and altered ones are shown, never the same twice, for as long as it takes (function matching;
Beyer et al., "Knowledge distillation: a good teacher is patient and consistent", CVPR 2022). No label and no
recording that is measured has a part in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from genre_models.classifiers import NETWORKS
from genre_models.features import N_FRAMES, N_MFCC
from genre_models.training.assistant import MOST_UNLABELLED, SMALL, Imagination
from genre_models.training.checkpoint import (
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from genre_models.training.starting import weights_file, without_dropout
from genre_models.training.warm_cosine import warm_cosine

UNMIXED = 0.4
STRETCH, SHIFT = 0.3, 0.5
"""How far a coefficient's deviation (in nepers) and mean (in its deviations over all music) are altered."""
FARTHEST = 5.0  # deviations; statistics beyond are as unlikely as these
MOST_GRADIENT = 1.0
CHECKPOINT_STEPS = 100
MEASURED_STEPS = 500

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Plan:
    """Settings of a pretraining; the rate rises over `warm_up` steps, then falls as a cosine to `last` of it.

    `keep` is how much of the moving average of the weights each step leaves.
    """

    steps: int = 4_000
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    warm_up: int = 200
    last: float = 0.02
    keep: float = 0.995
    seed: int = 0

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        return self.learning_rate * warm_cosine(step, self.steps, self.warm_up, self.last)


class Targets:
    """What a network shall tell of MFCCs (n, 130, 13): (n, 141) statistics and (n, 200) imagined features."""

    def __init__(self, mfccs: Tensor, embedding: Tensor) -> None:
        chosen = torch.randperm(len(mfccs), generator=torch.Generator().manual_seed(0))[:MOST_UNLABELLED]
        self._imagine = Imagination(mfccs[chosen], embedding[chosen])
        described, imagined = self._of(mfccs[chosen])
        self.n_statistics, self.n_imagined = described.shape[1], imagined.shape[1]
        self._mean, self._std = imagined.mean(dim=0), imagined.std(dim=0) + SMALL

    def _of(self, mfccs: Tensor) -> tuple[Tensor, Tensor]:
        described = self._imagine.described(mfccs)
        return described, self._imagine(described)

    @torch.no_grad()
    def __call__(self, mfccs: Tensor) -> tuple[Tensor, Tensor]:
        """Both standardised."""
        described, imagined = self._of(mfccs)
        return described.clamp(-FARTHEST, FARTHEST), (imagined - self._mean) / self._std


class Pretraining:
    """One network on its way: weights, their moving average, optimiser and the losses so far, one a step."""

    def __init__(self, model: str, mfccs: Tensor, embedding: Tensor, plan: Plan) -> None:
        torch.manual_seed(plan.seed)
        self.mfccs, self.plan = mfccs, plan
        self.targets = Targets(mfccs, embedding)
        self.std = mfccs.std(dim=(0, 1))
        outputs = [str(i) for i in range(self.targets.n_statistics + self.targets.n_imagined)]
        self.model = NETWORKS[model](outputs)
        self.model.standardise.fit(mfccs)
        without_dropout(self.model)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), weight_decay=plan.weight_decay)
        self.average = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.losses: list[list[float]] = []

    def _batch(self, rng: torch.Generator) -> Tensor:
        """Mixed and altered segments, (n, 130, 13)."""
        n = self.plan.batch_size
        chosen = self.mfccs[torch.randint(len(self.mfccs), (2 * n,), generator=rng)]
        start = torch.randint(N_FRAMES, (2 * n, 1), generator=rng)
        frames = (torch.arange(N_FRAMES) + start) % N_FRAMES
        turned = chosen.gather(1, frames[:, :, None].expand(-1, -1, N_MFCC))
        share = torch.rand(n, 1, 1, generator=rng)
        share[torch.rand(n, generator=rng) < UNMIXED] = 1.0
        mixed = share * turned[:n] + (1 - share) * turned[n:]
        mean = mixed.mean(dim=1, keepdim=True)
        stretch = (STRETCH * torch.randn(n, 1, N_MFCC, generator=rng)).exp()
        shift = SHIFT * self.std * torch.randn(n, 1, N_MFCC, generator=rng)
        return (mixed - mean) * stretch + mean + shift

    def step(self) -> None:
        """Take the next step; what is drawn depends on the seed and the step alone."""
        number = len(self.losses)
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.rate(number)
        shown = self._batch(torch.Generator().manual_seed(self.plan.seed * 1_000_003 + number))
        described, imagined = self.targets(shown)
        told = self.model(shown).split([self.targets.n_statistics, self.targets.n_imagined], dim=1)
        losses = torch.stack([F.smooth_l1_loss(told[0], described), F.mse_loss(told[1], imagined)])
        self.optimizer.zero_grad()
        losses.sum().backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), MOST_GRADIENT)
        self.optimizer.step()
        self._update_average(number)
        self.losses.append(losses.tolist())

    @torch.no_grad()
    def _update_average(self, number: int) -> None:
        keep = min(self.plan.keep, (1 + number) / (10 + number))
        for name, value in self.model.state_dict().items():
            self.average[name].lerp_(value, 1 - keep)

    def run(self, checkpoint: Path) -> None:
        """Train to the end, with a checkpoint now and then."""
        done, total = len(self.losses), self.plan.steps
        with tqdm(desc=self.model.title, unit="step", initial=done, total=total) as bar:
            for _ in range(done, total):
                self.step()
                bar.update()
                if len(self.losses) % CHECKPOINT_STEPS == 0:
                    self.save(checkpoint)

    def _settings(self) -> dict[str, Any]:
        return {"plan": asdict(self.plan), "model": self.model.name, "segments": len(self.mfccs)}

    def save(self, path: Path) -> None:
        """Write all that is needed to go on."""
        groups = {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimizer": optimizer_tensors(self.optimizer),
        }
        save_checkpoint(path, groups, self._settings(), self.losses)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint. Raises `CheckpointError` if it is damaged or another run's."""
        groups, self.losses = load_checkpoint(path, self._settings())
        self.model.load_state_dict(groups["model"])
        self.average = groups["average"]
        restore_optimizer(self.optimizer, groups["optimizer"])

    def learned(self) -> Weights:
        """The averaged weights of all but the last layer."""
        fresh = NETWORKS[self.model.name]().state_dict()
        return {name: value for name, value in self.average.items() if value.shape == fresh[name].shape}


def _pretrained(
    model: str, music: tuple[Tensor, Tensor], plan: Plan, output: Path, resume: bool
) -> dict[str, float]:
    training = Pretraining(model, *music, plan)
    checkpoint = output / "checkpoints" / f"{model}.safetensors"
    if resume and checkpoint.is_file():
        training.resume(checkpoint)
    training.run(checkpoint)
    training.save(checkpoint)
    save_file(training.learned(), weights_file(model, output))
    last = torch.tensor(training.losses[-MEASURED_STEPS:]).mean(dim=0).tolist()
    return {"statistics": last[0], "imagined": last[1]}


def pretrain(
    models: Sequence[str], music: tuple[Tensor, Tensor], plan: Plan, output: Path, resume: bool = False
) -> dict[str, Any]:
    """Pretrain networks in turn on MFCCs (n, 130, 13) and embedding (n, 200) of unlabelled music.

    Starting weights go to "<model>.safetensors" in `output`. Returns what was measured: the mean losses of
    the last steps, on mixtures that had not been shown before; of a network that always tells the average,
    the second would be about 1. Raises `CheckpointError` where `resume` finds another run's checkpoint.
    """
    return {
        "plan": asdict(plan),
        "segments": len(music[0]),
        "losses": {model: _pretrained(model, music, plan, output, resume) for model in models},
    }


def summary(metrics: Mapping[str, Any]) -> str:
    """What was measured, a line for each network."""
    return "\n".join(
        f"{model}: statistics off by {row['statistics']:.3f}, imagined features by {row['imagined']:.3f}"
        for model, row in metrics["losses"].items()
    )
