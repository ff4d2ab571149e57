"""`train.py melody`: the Transformer of the notes, and what it is compared with, on the same tunes."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from genre_models.hub import MELODY_FOLDER
from genre_models.melody.corpus import (
    NOT_FOR_COMMERCIAL_USE,
    PUBLIC_DOMAIN,
    CorpusError,
    read_books,
    read_folder,
    tunes_to_json,
)
from genre_models.melody.model import MelodyTransformer
from genre_models.melody.reading import Reading
from genre_models.melody.tune import Tune
from genre_models.melody.variants import Split, families, split
from genre_models.melody.vocabulary import SIZE
from genre_models.training.loop import choose_device, fix_seed
from genre_models.training.lstm_seq2seq import LSTMEncoderDecoder
from genre_models.training.melody_data import Examples
from genre_models.training.melody_report import TARGET_TOKENS, describe_runs, for_app, heard, perplexity
from genre_models.training.ngram import NGram, Recipe
from genre_models.training.teacher_forcing import Model, Plan, fit

SPLIT_SEED = 0
LEARNING_RATES = (1e-3, 2e-3)
TRIAL_EPOCHS = 2
"""Each network is tried for so long with each learning rate; the lower validation loss wins."""

TRANSFORMER = "transformer"
NETWORKS: dict[str, Callable[[], Model]] = {
    TRANSFORMER: MelodyTransformer,
    "lstm": lambda: LSTMEncoderDecoder(SIZE),
}
"""As many parameters, the same examples, as many steps, the same learning rates tried."""

DISCOUNTS = (0.6, 0.75, 0.9)
TWO_NOTES = ("mode", "degree", "step", "length", "earlier_length")
BEAT_AND_TWO_NOTES = ("mode", "degree", "step", "place", "length", "earlier_length")
LENGTHS_AND_PITCH = ("length", "earlier_length", "pitch")
N_GRAMS: dict[str, list[Recipe]] = {
    "3-gram": [Recipe(TWO_NOTES, ("metre", *LENGTHS_AND_PITCH), discount) for discount in DISCOUNTS],
    "3-gram with beat": [
        Recipe(BEAT_AND_TWO_NOTES, ("metre", "place", *LENGTHS_AND_PITCH), discount) for discount in DISCOUNTS
    ],
}
"""Tried on the validation tunes like the networks. Bar lines tell these the beat: the second knows it too."""


@dataclass(frozen=True)
class Corpus:
    """Tunes that were read, where from, and how they are split."""

    split: Split
    counts: dict[str, int]
    skipped: dict[str, int]
    families: int

    @property
    def description(self) -> dict[str, Any]:
        """For the metrics file."""
        parts = {name: len(tunes) for name, tunes in self.split._asdict().items()}
        return {"tunes": self.counts, "skipped": self.skipped, "families": self.families, "split": parts}

    @property
    def fingerprint(self) -> str:
        """Of what is trained and validated on."""
        text = tunes_to_json(self.split.train) + tunes_to_json(self.split.valid)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_corpus(
    cache: Path, folder: Path | None = None, essen: bool = False, workers: int | None = None
) -> Corpus:
    """The public-domain books, or the tunes of a folder; `essen` adds the Essen folksongs to the books.

    Raises `CorpusError` where there are no tunes, or too few different ones to validate and to test.
    """
    books = [*PUBLIC_DOMAIN, *(NOT_FOR_COMMERCIAL_USE if essen else ())]
    readings = (
        read_books(cache, books, workers)
        if folder is None
        else {folder.resolve().name: read_folder(folder, cache, workers)}
    )
    return _corpus(readings)


def _corpus(readings: dict[str, Reading]) -> Corpus:
    tunes: list[Tune] = [tune for reading in readings.values() for tune in reading.tunes]
    skipped = sum((reading.skipped for reading in readings.values()), Counter[str]())
    family = families(tunes)
    counts = {name: len(reading.tunes) for name, reading in readings.items()}
    parts = split(tunes, family, SPLIT_SEED)
    if not all(parts):
        raise CorpusError(
            f"{len(tunes)} tunes of {len(set(family))} families were found: too few to keep some for testing."
        )
    return Corpus(parts, counts, dict(skipped), len(set(family)))


@dataclass(frozen=True)
class Trained:
    """A network with its averaged weights, and how it came to be."""

    model: Model
    details: dict[str, Any]


def train(name: str, corpus: Corpus, plan: Plan, folder: Path, resume: bool = False) -> Trained:
    """Choose the learning rate, then train for all epochs; keeps a checkpoint in `folder` after each.

    `resume` goes on from there, and trains nothing that is trained already.
    """
    data = corpus.fingerprint
    train_on, validation = (
        Examples(tunes, TARGET_TOKENS) for tunes in (corpus.split.train, corpus.split.valid)
    )

    def trained(plan: Plan, checkpoint: str, label: str) -> Trained:
        fix_seed(plan.seed)
        model = NETWORKS[name]()
        file = folder / f"{checkpoint}.safetensors"
        history = fit(model, train_on, validation, plan, file, resume, label, data)
        return Trained(model, {"history": [asdict(epoch) for epoch in history]})

    trials = {
        rate: trained(
            replace(plan, learning_rate=rate, epochs=TRIAL_EPOCHS), f"trial-{rate}", f"{name}, {rate}"
        ).details["history"][-1]["validation_loss"]
        for rate in LEARNING_RATES
    }
    plan = replace(plan, learning_rate=min(trials, key=lambda rate: trials[rate]))
    whole = trained(plan, "checkpoint", name)
    details = {
        "parameters": sum(parameter.numel() for parameter in whole.model.parameters()),
        "steps": whole.details["history"][-1]["steps"],
        "plan": asdict(plan),
        "trials": {str(rate): loss for rate, loss in trials.items()},
        "device": choose_device().type,
    }
    return Trained(whole.model, details | whole.details)


def fit_n_gram(name: str, corpus: Corpus) -> tuple[NGram, dict[str, Any]]:
    """The n-gram with the best of its recipes, and what was tried."""
    tunes = Examples(corpus.split.train, TARGET_TOKENS).tunes
    tried = [(NGram(tunes, recipe), recipe) for recipe in N_GRAMS[name]]
    scores = [perplexity(model, corpus.split.valid)["note"] for model, _ in tried]
    model, recipe = tried[scores.index(min(scores))]
    trials = [
        {**asdict(recipe), "validation": score} for (_, recipe), score in zip(tried, scores, strict=True)
    ]
    return model, {"recipe": asdict(recipe), "trials": trials}


def run(
    corpus: Corpus, networks: Sequence[str], plan: Plan, output: Path, resume: bool = False
) -> dict[str, Any]:
    """Train, measure, and write the Transformer to `output/melody`; returns all that was measured."""
    folder = output / MELODY_FOLDER
    parts = corpus.split
    metrics: dict[str, Any] = {
        "corpus": corpus.description,
        "heard": heard(parts.train),
        "target_tokens": TARGET_TOKENS,
    }
    models: dict[str, Any] = {}
    trained = {name: train(name, corpus, plan, folder / "checkpoints" / name, resume) for name in networks}
    for name, network in trained.items():
        models[name] = network.details | _perplexities(network.model, parts)
    for name in N_GRAMS:
        n_gram, details = fit_n_gram(name, corpus)
        models[name] = details | _perplexities(n_gram, parts)
    metrics["models"] = models
    if TRANSFORMER in trained:
        transformer = trained[TRANSFORMER].model
        assert isinstance(transformer, MelodyTransformer)
        metrics["runs"] = describe_runs(transformer, parts)
        transformer.save_pretrained(folder)
        _write(folder / "metrics.json", for_app(metrics))
    return metrics
