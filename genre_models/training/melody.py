"""`train.py melody`: the Transformer of the notes, and what it is compared with, on the same tunes."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
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
from genre_models.training.files import write_json
from genre_models.training.lstm_seq2seq import LSTMEncoderDecoder
from genre_models.training.melody_data import Examples
from genre_models.training.melody_report import TARGET_TOKENS, describe_runs, for_app, heard, perplexity
from genre_models.training.ngram import NGram, Recipe
from genre_models.training.rates import Tried
from genre_models.training.teacher_forcing import Foreteller, Model, Plan

SPLIT_SEED = 0
LEARNING_RATES = (1e-3, 2e-3)
TRIAL_EPOCHS = 1
"""Each network is tried for so long with each learning rate; the lower validation loss wins."""

NETWORKS: dict[str, Callable[[], Model]] = {
    "transformer": MelodyTransformer,
    "lstm": lambda: LSTMEncoderDecoder(SIZE),
}
"""As many parameters, the same examples, as many steps, the same learning rates tried."""

DISCOUNTS = (0.8, 0.9, 0.95)
TWO_NOTES = ("mode", "degree", "step", "length", "earlier_length")
BEAT_AND_TWO_NOTES = ("mode", "degree", "step", "place", "length", "earlier_length")
LENGTHS_AND_PITCH = ("length", "earlier_length", "pitch")
N_GRAMS: dict[str, list[Recipe]] = {
    "3-gram": [Recipe(TWO_NOTES, ("metre", *LENGTHS_AND_PITCH), discount) for discount in DISCOUNTS],
    "3-gram with beat": [
        Recipe(BEAT_AND_TWO_NOTES, ("metre", "place", *LENGTHS_AND_PITCH), discount) for discount in DISCOUNTS
    ],
}
"""All are tried on the validation tunes. The second kind knows the place in the bar, as the networks do."""


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


def read_corpus(cache: Path, folder: Path | None = None, essen: bool = False) -> Corpus:
    """The public-domain books, or the tunes of a folder; `essen` adds the Essen folksongs to the books.

    Raises `CorpusError` where there are no tunes, or too few different ones to validate and to test.
    """
    books = [*PUBLIC_DOMAIN, *(NOT_FOR_COMMERCIAL_USE if essen else ())]
    readings = (
        read_books(cache, books) if folder is None else {folder.resolve().name: read_folder(folder, cache)}
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
            f"{len(set(family))} of {len(tunes)} tunes are no variants of one another: too few to test with."
        )
    return Corpus(parts, counts, dict(skipped), len(set(family)))


def train(
    name: str, corpus: Corpus, plan: Plan, folder: Path, resume: bool = False
) -> tuple[Model, dict[str, Any]]:
    """A network, by name, on a corpus, and how it came to be; the state after each epoch is in `folder`."""
    train_on, validation = (
        Examples(tunes, TARGET_TOKENS) for tunes in (corpus.split.train, corpus.split.valid)
    )
    tried = Tried(
        NETWORKS[name], train_on, validation, folder, name, corpus.fingerprint, LEARNING_RATES, TRIAL_EPOCHS
    )
    return tried.run(plan, resume)


def fit_n_gram(name: str, split: Split) -> tuple[NGram, dict[str, Any]]:
    """The n-gram with the best of its recipes, and what was tried."""
    tunes = Examples(split.train, TARGET_TOKENS).tunes
    models = [NGram(tunes, recipe) for recipe in N_GRAMS[name]]
    trials = [perplexity(model, split.valid)["note"] for model in models]
    best = trials.index(min(trials))
    tried = [{**asdict(recipe), "note": score} for recipe, score in zip(N_GRAMS[name], trials, strict=True)]
    return models[best], {"recipe": asdict(N_GRAMS[name][best]), "trials": tried}


def run(
    corpus: Corpus, networks: Sequence[str], plan: Plan, output: Path, resume: bool = False
) -> dict[str, Any]:
    """Train and measure; the Transformer is written to `output/melody`. Returns all that was measured."""
    parts, folder = corpus.split, output / MELODY_FOLDER
    metrics: dict[str, Any] = {
        "corpus": corpus.description,
        "heard": heard(parts.train),
        "target_tokens": TARGET_TOKENS,
        "models": {},
    }
    transformer: Model | None = None
    for name in networks:
        model, details = train(name, corpus, plan, folder / "checkpoints" / name, resume)
        metrics["models"][name] = details | _perplexities(model, parts)
        transformer = model if isinstance(model, MelodyTransformer) else transformer
    for name in N_GRAMS:
        n_gram, details = fit_n_gram(name, parts)
        metrics["models"][name] = details | _perplexities(n_gram, parts)
    if isinstance(transformer, MelodyTransformer):
        metrics["runs"] = describe_runs(transformer, parts)
        transformer.save_pretrained(folder)
        write_json(folder / "metrics.json", for_app(metrics))
    return metrics


def _perplexities(model: Foreteller, parts: Split) -> dict[str, dict[str, float]]:
    return {"validation": perplexity(model, parts.valid), "test": perplexity(model, parts.test)}
