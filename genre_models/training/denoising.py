"""Training the denoiser in front of MusiCNN, on music of any kind, without a word about genres.

It learns to draw the mel spectrogram of the clean recording from that of a bad one.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from genre_models import audio
from genre_models.classifiers import MusiCNNClassifier
from genre_models.denoiser import Denoiser
from genre_models.hub import bundled_ear
from genre_models.musicnn import N_MELS, PATCH_FRAMES, MusiCNN
from genre_models.training.checkpoint import (
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from genre_models.training.degrading import DRAWS, Music, Pairs
from genre_models.training.loop import fix_seed
from genre_models.training.warm_cosine import warm_cosine

CLEAN_SHARE = 0.13
"""Of the segments that it is shown, so many are clean, and shall stay as they are."""
MOST_GRADIENT = 1.0
CHECKPOINT_STEPS = 500
MEASURED_SEGMENTS = 128

Metrics = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """Settings of a training; the rate rises over `warm_up` steps, then falls as a cosine to `last` of it."""

    steps: int = 12_000
    batch_size: int = 8
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    warm_up: int = 200
    last: float = 0.1
    seed: int = 0

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        return self.learning_rate * warm_cosine(step, self.steps, self.warm_up, self.last)


def off_by(drawn: Tensor, clean: Tensor) -> Tensor:
    """Mean absolute difference of log-mels."""
    return (drawn - clean).abs().mean()


class DenoiserTraining:
    """The denoiser on its way: weights, optimiser and the losses so far, one a step."""

    def __init__(self, music: Music, plan: Plan) -> None:
        fix_seed(plan.seed)
        self.music, self.plan = music, plan
        self.denoiser = Denoiser(N_MELS)
        self.optimizer = torch.optim.AdamW(self.denoiser.parameters(), weight_decay=plan.weight_decay)
        self.losses: list[float] = []

    def _batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Degraded and clean log-mels; what is drawn depends on the seed and the step alone."""
        rng = torch.Generator().manual_seed(self.plan.seed * 1_000_003 + step)
        pairs, size = self.music.learned, self.plan.batch_size
        chosen = torch.randint(len(pairs), (size,), generator=rng)
        draw = torch.randint(len(DRAWS), (size,), generator=rng)
        stays = torch.rand(size, generator=rng) < CLEAN_SHARE
        clean = pairs.clean[chosen].float()
        degraded = pairs.degraded[draw, chosen].float()
        return torch.where(stays[:, None, None], clean, degraded), clean

    def step(self) -> None:
        """Take the next step."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.rate(len(self.losses))
        degraded, clean = self._batch(len(self.losses))
        with torch.autocast("cpu", torch.bfloat16):
            drawn = self.denoiser(degraded)
        loss = off_by(drawn, clean)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.denoiser.parameters(), MOST_GRADIENT)
        self.optimizer.step()
        self.losses.append(float(loss.detach()))

    def run(self, checkpoint: Path) -> None:
        """Train to the end, with a checkpoint now and then."""
        done = len(self.losses)
        with tqdm(total=self.plan.steps, initial=done, desc="denoiser", unit="step") as bar:
            for _ in range(done, self.plan.steps):
                self.step()
                bar.update()
                if len(self.losses) % CHECKPOINT_STEPS == 0:
                    bar.set_postfix(loss=f"{sum(self.losses[-CHECKPOINT_STEPS:]) / CHECKPOINT_STEPS:.4f}")
                    self.save(checkpoint)

    def _settings(self) -> dict[str, Any]:
        return {"plan": asdict(self.plan), "files": self.music.files}

    def save(self, path: Path) -> None:
        """Write all that is needed to go on."""
        groups = {"denoiser": self.denoiser.state_dict(), "optimizer": optimizer_tensors(self.optimizer)}
        save_checkpoint(path, groups, self._settings(), self.losses)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint. Raises `CheckpointError` if it is damaged or another run's."""
        groups, self.losses = load_checkpoint(path, self._settings())
        self.denoiser.load_state_dict(groups["denoiser"])
        restore_optimizer(self.optimizer, groups["optimizer"])


@torch.no_grad()
def measure(denoiser: Denoiser, ear: MusiCNN, held_back: Pairs) -> dict[str, dict[str, float]]:
    """How far bad recordings are from clean ones, before and after, on music that was not learned from.

    Of log-mels the mean absolute difference; of what the published `ear` hears the mean squared one of its
    features, each by its own deviation over the clean patches.
    """
    rng = torch.Generator().manual_seed(0)
    chosen = torch.randperm(len(held_back), generator=rng)[:MEASURED_SEGMENTS]
    clean, degraded = held_back.clean[chosen].float(), held_back.degraded[:, chosen].float()
    wanted = _heard(ear, clean)
    deviation = wanted.std(dim=0).clamp_min(1e-3)
    measured = {}
    for name, given in (("clean", clean), ("all at once", degraded[0]), ("in parts", degraded[-1])):
        drawn = denoiser(given)
        before, after = (
            float(((_heard(ear, one) - wanted) / deviation).square().mean()) for one in (given, drawn)
        )
        measured[name] = {
            "log-mels before": float(off_by(given, clean)),
            "log-mels after": float(off_by(drawn, clean)),
            "heard before": before,
            "heard after": after,
        }
    return measured


def _heard(ear: MusiCNN, log_mels: Tensor) -> Tensor:
    """Pooled features of each patch of segments, (n, 374, 96) -> (2 n, 1506)."""
    return ear(log_mels.unflatten(1, (-1, PATCH_FRAMES)).flatten(0, 1)).pooled


def train(music: Music, plan: Plan, output: Path, resume: bool = False) -> tuple[MusiCNNClassifier, Metrics]:
    """MusiCNN behind a new denoiser, with a restorer and heads that know nothing yet, and what was measured.

    Raises `CheckpointError` where `resume` finds another run's checkpoint in `output`, or a damaged one.
    """
    published, training = bundled_ear().as_published(), DenoiserTraining(music, plan)
    checkpoint = output / "checkpoints" / "denoiser.safetensors"
    if resume and checkpoint.is_file():
        training.resume(checkpoint)
    training.run(checkpoint)
    model = MusiCNNClassifier()
    model.ear = published.behind(training.denoiser, published.new_restorer())
    model.heads.know_nothing()
    return model.eval(), {
        "plan": asdict(plan),
        "segments": {"learned from": len(music.learned), "held back": len(music.validated)},
        "segment_s": audio.SEGMENT_S,
        "measured": measure(training.denoiser, published, music.validated),
        "files": music.files,
    }


def summary(metrics: Mapping[str, Any]) -> str:
    """What was measured, a line for each kind of recording."""
    return "\n".join(
        f"{name}: log-mels off by {row['log-mels before']:.3f}, denoised {row['log-mels after']:.3f}; "
        f"what MusiCNN hears {row['heard before']:.3f}, denoised {row['heard after']:.3f}"
        for name, row in metrics["measured"].items()
    )
