"""Training the restorer: what MusiCNN pools of a bad recording shall be what it pools of the good one.

Two recordings of the same music, one as it is and one through a room, noise or a narrow band, teach it (Li,
Seltzer, Wang, Zhao and Gong, "Large-scale domain adaptation via teacher-student learning", Interspeech 2017),
above all what a head makes genres of. Every training side has a restorer of its own, which knows the
recordings of no other.
"""

import hashlib
import inspect
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from genre_models import middle, parallel, restorer
from genre_models.denoiser import MENDED
from genre_models.hub import bundled_ear
from genre_models.musicnn import FRONT_CHANNELS, MusiCNN
from genre_models.restorer import Restorer
from genre_models.training import fronts as kept_fronts
from genre_models.training.dataset import Dataset, Work, digest, fill
from genre_models.training.fronts import DRAWN_NAMES, PATCHES, Examples, Fronts, fronts
from genre_models.training.head import Given, HeadRecipe, fit_head
from genre_models.training.loop import fix_seed
from genre_models.training.recording_conditions import CLEAN, CONDITIONS
from genre_models.training.warm_cosine import warm_cosine

CLEAN_HEAD = HeadRecipe(variants=False)
"""The head whose answers on good recordings shall stay the same on bad ones."""
LEAST_DEVIATION = 0.5
"""In the units of MusiCNN: what moves less in music counts no more than this."""
MEASURED_SEGMENTS = 200
"""Whose deviations are taken."""
SHARES = 0.3, 1.0, 0.5
"""How much first convolutions, pooled ones and the embedding count."""
MIDDLE_SHARE = 0.3
"""Of the learning rate: the middle begins as the published one."""
SOFTENED = 2.0
"""Temperature at which the head's answers are compared (Hinton, Vinyals and Dean, "Distilling the knowledge
in a neural network", 2015)."""
MOST_GRADIENT = 1.0
AT_ONCE = 16  # segments, when all are restored
RESTORER, HEARD = "restorer.", "heard."


@dataclass(frozen=True)
class Plan:
    """So many `passes` over the examples; the rate rises over `warm_up` steps, then falls as a cosine."""

    passes: int = 2
    batch_size: int = 16  # segments
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warm_up: int = 50
    last: float = 0.02
    seed: int = 0


PLAN = Plan()


class Aim:
    """How far what is heard of bad recordings is from what is heard of good ones."""

    def __init__(self, ear: MusiCNN, good: Tensor, head: nn.Linear) -> None:
        """Deviations, which are the measure, are those of `good`, first convolutions (n, 187, 561)."""
        self.ear, self.head = ear, head.requires_grad_(False)
        with torch.no_grad():
            pooled = ear.pooled(ear.middle(good.float()))
            embedding = ear.embedding(pooled)
        self.deviations = [_deviation(one) for one in (good.flatten(0, 1), pooled, embedding)]

    def loss(self, learning: Restorer, bad: Tensor, good: Tensor) -> Tensor:
        """Of first convolutions of patches (n, 187, 561), in bfloat16, pairs of which are segments.

        Squared differences of first convolutions, pooled ones and embedding, as shares of their variance, and
        the divergence of the head's answers.
        """
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                channels_wanted = self.ear.middle(good)
            restored = learning.restored(bad)
            channels = learning.middle(restored)
        with torch.no_grad():
            wanted = self.ear.pooled(channels_wanted.float())
            embedding_wanted = self.ear.embedding(wanted)
        pooled = self.ear.pooled(channels.float())
        got = restored, pooled, self.ear.embedding(pooled)
        off = [
            ((one - other) / deviation).square().mean()
            for one, other, deviation in zip(
                got, (good, wanted, embedding_wanted), self.deviations, strict=True
            )
        ]
        answers = F.kl_div(self._named(pooled), self._named(wanted), log_target=True, reduction="batchmean")
        return sum((share * one for share, one in zip(SHARES, off, strict=True)), start=answers)

    def _named(self, pooled: Tensor) -> Tensor:
        """Softened log-probabilities of segments (n, 10), from their patches."""
        logits = self.head(pooled.unflatten(0, (-1, PATCHES)).mean(dim=1))
        return (logits / SOFTENED).log_softmax(dim=-1)


def _deviation(heard: Tensor) -> Tensor:
    """Of each channel or feature over all music."""
    return heard.float().std(dim=0).clamp_min(LEAST_DEVIATION).to(heard.dtype)


def train(examples: Examples, ear: MusiCNN, head: nn.Linear, plan: Plan) -> Restorer:
    """A restorer that learned from all examples, rounded as the app's is.

    `head` names genres from what `ear` pools of good ones.
    """
    fix_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    measured = rng.permutation(len(examples))[:MEASURED_SEGMENTS]
    learning, aim = ear.new_restorer(), Aim(ear, examples[measured][1].flatten(0, 1), head)
    optimizer = torch.optim.AdamW(_groups(learning), weight_decay=plan.weight_decay)
    order = np.concatenate([rng.permutation(len(examples)) for _ in range(plan.passes)])
    steps = range(0, len(order), plan.batch_size)
    for step, start in enumerate(tqdm(steps, desc="restorer", unit="step")):
        rate = plan.learning_rate * warm_cosine(step, len(steps), plan.warm_up, plan.last)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["share"]
        bad, good = (part.flatten(0, 1) for part in examples[order[start : start + plan.batch_size]])
        loss = aim.loss(learning, bad, good)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learning.parameters(), MOST_GRADIENT)
        optimizer.step()
    return learning.round().requires_grad_(False)


def _groups(learning: Restorer) -> list[dict[str, Any]]:
    """What learns and at which share of the rate: the middle has learned before."""
    begun = [one for one in learning.middle.parameters() if one.requires_grad]
    new = [one for name, one in learning.named_parameters() if not name.startswith("middle.")]
    return [{"params": new, "share": 1.0}, {"params": begun, "share": MIDDLE_SHARE}]


@dataclass(frozen=True)
class Restored:
    """The restorer of a training side, and what a head is given of every segment of the data set.

    Of what chance drew ("drawn <i>") that is NaN outside the training side.
    """

    restorer: Restorer
    heard: Given


def _learn(fronts_of_all: Fronts, recordings: np.ndarray, head: nn.Linear, plan: Plan) -> dict[str, Tensor]:
    """The restorer of a side, which are these recordings, and what is pooled with it of all distant ones."""
    ear = bundled_ear()
    learned = train(Examples(fronts_of_all, recordings), ear, head, plan)
    kept = {f"{RESTORER}{name}": values for name, values in learned.state_dict().items()}
    return kept | _hear(fronts_of_all, recordings, ear, learned)


def _hear(
    fronts_of_all: Fronts, recordings: np.ndarray, ear: MusiCNN, learned: Restorer
) -> dict[str, Tensor]:
    pooled: dict[str, list[Tensor]] = {}
    for i in range(len(fronts_of_all.files)):
        for name, front in fronts_of_all.distant(i):
            pooled.setdefault(name, []).append(_restored(ear, learned, front))
    for i in recordings:
        for name, front in fronts_of_all.drawn(i):
            pooled.setdefault(name, []).append(_restored(ear, learned, front))
    return {f"{HEARD}{name}": torch.cat(values) for name, values in pooled.items()}


@torch.no_grad()
def _restored(ear: MusiCNN, learned: Restorer, front: Tensor) -> Tensor:
    """First convolutions of segments (n, 2, 187, 561) -> what is pooled of them (n, 1506)."""
    parts = [ear.pooled(learned(part.flatten(0, 1).float())) for part in front.split(AT_ONCE)]
    return torch.cat(parts).unflatten(0, (-1, PATCHES)).mean(dim=1)


def _file(of: Fronts, dataset: Dataset, side: np.ndarray, cache: Path) -> Path:
    sources = [inspect.getsource(one) for one in (sys.modules[__name__], kept_fronts, restorer, middle)]
    made = digest([sources, torch.__version__])
    taught = hashlib.sha256(dataset.heard[CLEAN][side].numpy().tobytes() + dataset.labels[side].tobytes())
    shown = [str(file.relative_to(cache)) for file in of.files]
    key = digest([shown, side.tolist(), taught.hexdigest(), asdict(PLAN)])
    return cache / made / "restorers" / f"{key}.safetensors"


def restored(dataset: Dataset, sides: Sequence[np.ndarray], workers: int, cache: Path) -> list[Restored]:
    """A restorer for each training side, whose segments are given; finished ones are kept.

    Raises `DataError` where a recording cannot be read any more.
    """
    of_all = fronts(dataset, cache)
    work: dict[Path, Work] = {}
    files = []
    for segments in sides:
        recordings, head = np.unique(dataset.recording[segments]), fit_head(dataset, segments, CLEAN_HEAD)
        file = _file(of_all, dataset, dataset.segments_of(recordings), cache)
        work[file] = file, partial(_learn, of_all, recordings, head, PLAN)
        files.append(file)
    fill(work, "restorers", partial(parallel.run, workers=workers, start_method="spawn"), unit="restorer")
    return [_read(dataset, segments, file) for segments, file in zip(sides, files, strict=True)]


def _read(dataset: Dataset, segments: np.ndarray, file: Path) -> Restored:
    kept = load_file(file)
    learned = Restorer(FRONT_CHANNELS)
    learned.load_state_dict(
        {name.removeprefix(RESTORER): values for name, values in kept.items() if name.startswith(RESTORER)}
    )
    heard, side = {}, dataset.segments_of(np.unique(dataset.recording[segments]))
    for name in (CLEAN, *CONDITIONS):
        heard[name] = dataset.heard[name].clone()
        distant = dataset.mended[name] > MENDED
        if distant.any():
            heard[name][distant] = kept[f"{HEARD}{name}"]
    for name in DRAWN_NAMES:
        heard[name] = torch.full_like(heard[CLEAN], torch.nan)
        heard[name][side] = kept[f"{HEARD}{name}"]
    return Restored(learned.requires_grad_(False), heard)
