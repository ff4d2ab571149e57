"""Several models' answers -> one: a calibrated combination and what it allows one to say."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from genre_models.classifiers import GENRES

SURE_CONFIDENCE = 0.6
"""A verdict is sure when its probability reaches this and most of the models name that genre."""

CANDIDATE_SHARE = 0.5
"""A genre is a candidate of an unsure verdict from this share of the likeliest genre's probability."""

MAX_CANDIDATES = 3

OUTSIDE_TAGS = ("ambient", "electronic", "electronica", "House", "electro")
"""MusiCNN's tags for music that is none of the ten genres."""

FAMILIAR, FOREIGN = 0.15, 0.45
"""Probability of the likeliest of these tags up to which a clip may be one of the ten genres, and from which
it is taken for none of them: most of GTZAN lies below the first, much ambient and electronic music above the
second."""

SMALLEST = 1e-6  # probability; below it a logarithm says more of rounding than of music


@dataclass(frozen=True)
class Verdict:
    """What the models say together; `genre` is None only where there is nothing to name."""

    genre: str | None
    sure: bool
    candidates: list[str]
    agreement: float
    confidence: float
    sentence: str


@dataclass(frozen=True)
class Combination:
    """How much each model counts, for every set of models that may be asked.

    The combined probabilities are proportional to the product of the models' own, each to the power of its
    weight (a logarithmic opinion pool; Genest and Zidek, "Combining probability distributions", 1986).
    Weights fitted to answers on unseen artists make them calibrated. A set without weights counts alike.
    """

    weights: Mapping[frozenset[str], Mapping[str, float]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "Combination":
        """Read what `save` wrote. Raises ValueError where the file holds something else."""
        sets = json.loads(path.read_text(encoding="utf-8"))
        return cls({frozenset(weights): {n: float(w) for n, w in weights.items()} for weights in sets})

    def save(self, path: Path) -> None:
        """Write the weights of every set as JSON."""
        sets = [dict(weights) for weights in self.weights.values()]
        path.write_text(json.dumps(sets, indent=1) + "\n", encoding="utf-8")

    def of(self, names: Iterable[str]) -> Mapping[str, float]:
        """The weights of a set of models."""
        names = list(names)
        return self.weights.get(frozenset(names), {name: 1 / len(names) for name in names})

    def combine(self, answers: Mapping[str, Tensor]) -> Tensor:
        """Each model's probabilities (..., genres), by name -> the combined ones (..., genres)."""
        weights = self.of(answers)
        logs = [weights[name] * answer.clamp_min(SMALLEST).log() for name, answer in answers.items()]
        return torch.stack(logs).sum(dim=0).softmax(dim=-1)


@dataclass(frozen=True)
class Outside:
    """How far music is from all ten genres, 0 to 1, and the tag that says so."""

    share: float
    tag: str

    @property
    def is_likelier(self) -> bool:
        """Whether the music is taken for none of the ten genres rather than for one of them."""
        return self.share >= 0.5


NOWHERE = Outside(0.0, "")


def outside(tags: Mapping[str, float] | None) -> Outside:
    """Judge by MusiCNN's tags; without them nothing is known to be outside."""
    if not tags:
        return NOWHERE
    tag = max(OUTSIDE_TAGS, key=lambda name: tags.get(name, 0.0))
    share = (tags.get(tag, 0.0) - FAMILIAR) / (FOREIGN - FAMILIAR)
    return Outside(min(max(share, 0.0), 1.0), tag.lower())


def hedge(probabilities: Tensor, share: float) -> Tensor:
    """Probabilities (..., genres) moved by `share` towards those of someone who knows nothing."""
    return (1 - share) * probabilities + share / probabilities.shape[-1]


def _candidates(probabilities: Tensor) -> list[str]:
    order = probabilities.argsort(descending=True)[:MAX_CANDIDATES].tolist()
    floor = CANDIDATE_SHARE * float(probabilities[order[0]])
    return [GENRES[i] for i in order if float(probabilities[i]) >= floor]


def list_in_words(words: list[str], last: str = "or") -> str:
    """ "a", "a or b", "a, b or c"; `last` is the word before the last one."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _outvoted(candidates: list[str], votes: int, n_models: int) -> str:
    """Why a confident combination is not sure: too few of the models name its genre."""
    who = f"only {votes} of {n_models} models" if votes else f"none of the {n_models} models"
    others = f"; it may be {list_in_words(candidates[1:])}" if len(candidates) > 1 else ""
    return f"{who} {'name' if votes > 1 else 'names'} {candidates[0]}{others}"


def decide(answers: Mapping[str, Tensor], probabilities: Tensor, away: Outside = NOWHERE) -> Verdict:
    """The verdict on a clip from each model's probabilities, {name: (10,)}, and the combined ones (10,).

    `away` is what speaks for none of the ten genres: it lowers the confidence and leaves their order.
    """
    best = int(probabilities.argmax())
    genre, confidence = GENRES[best], float(hedge(probabilities, away.share)[best])
    votes = sum(int(answer.argmax()) == best for answer in answers.values())
    agreement = votes / len(answers)
    sure = confidence >= SURE_CONFIDENCE and agreement > 0.5
    candidates = [genre] if sure else _candidates(probabilities)
    agreeing = (
        f"{votes} of {len(answers)} models agree" if len(answers) > 1 else "the one model asked says so"
    )
    if sure:
        sentence = f"{genre.capitalize()}: {agreeing}."
    elif confidence >= SURE_CONFIDENCE:
        sentence = f"Not sure: {_outvoted(candidates, votes, len(answers))}."
    elif away.is_likelier:
        sentence = f"Not sure: it sounds {away.tag}, which is none of the ten genres; nearest is {genre}."
    elif len(candidates) > 1:
        sentence = f"Not sure: {list_in_words(candidates)}."
    else:
        sentence = f"Not sure: perhaps {genre}."
    return Verdict(genre, sure, candidates, agreement, confidence, sentence)


def refuse(sentence: str) -> Verdict:
    """The verdict where there is no genre to name, and why."""
    return Verdict(None, False, [], 0.0, 0.0, sentence)
