"""`train.py translate` and `train.py text`: the Transformer of the notes, unchanged, on words."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from genre_models.hub import TEXT_FOLDER, TRANSLATION_FOLDER
from genre_models.training.files import DataError, write_json
from genre_models.training.rates import Tried
from genre_models.training.teacher_forcing import Plan, Sequences
from genre_models.training.words_books import Prose
from genre_models.training.words_data import Runs, Sentences
from genre_models.training.words_ngram import PieceNGram
from genre_models.training.words_packages import Package
from genre_models.training.words_pairs import Pairs, sources
from genre_models.training.words_report import (
    BATCH,
    alignment,
    choose_beams,
    continued,
    doubts,
    evenness,
    foretold,
    measure_translation,
)
from genre_models.training.words_split import split
from genre_models.words.asking import MOST_PIECES
from genre_models.words.continue_text import DEFAULT_SAMPLING, continue_text
from genre_models.words.model import TextTransformer, TranslationTransformer, WordsTransformer
from genre_models.words.vocabulary import Vocabulary, plain_words

VOCABULARY_SIZE = 2_000
TRANSLATION_RATES = (5e-4, 7e-4)
TRANSLATION_DROPOUT = 0.2
TEXT_RATES = (7e-4, 1e-3, 1.5e-3)
TEXT_DROPOUT = 0.05
ORDERS = (2, 3, 4)
DISCOUNTS = (0.7, 0.8, 0.9)
"""Of the n-gram; all are tried on the validation text."""
GIVEN = 16
"""Pieces of a held-out stretch that the text model is shown to carry on: a short beginning."""


def train_translation(
    pairs: Pairs, language: str | None, plan: Plan, output: Path, resume: bool = False
) -> dict[str, Any]:
    """Train and measure; the model is written to `output/translate`. Returns all that was measured.

    Raises `DataError` where the pairs are too few to hold some out.
    """
    parts, folder = split(pairs.pairs), output / TRANSLATION_FOLDER
    vocabulary = Vocabulary.learn((side for pair in parts.train for side in pair), VOCABULARY_SIZE)
    examples = {
        name: Sentences(side, vocabulary, MOST_PIECES)
        for name, side in (("train", parts.train), ("valid", parts.valid))
    }

    def make() -> TranslationTransformer:
        model = TranslationTransformer(len(vocabulary), language, dropout=TRANSLATION_DROPOUT)
        return model.with_words(vocabulary, _seen(sources(parts.train)))

    data = _fingerprint(text for part in parts[:3] for pair in part for text in pair)
    tried = _tried(make, examples["train"], examples["valid"], folder, data, TRANSLATION_RATES)
    model, details = tried.run(plan, resume)
    beams, alphas = choose_beams(model, parts.valid)
    metrics = {
        "language": language,
        "data": {"pairs": pairs.origins, "skipped": pairs.skipped, "licences": pairs.licences},
        "split": {
            **{"train": len(parts.train), "valid": len(parts.valid), "test": len(parts.test)},
            "near_variants_dropped": parts.dropped,
            "too_long_for_the_model": len(parts.train) - len(examples["train"].examples),
        },
        "model": {**details, "vocabulary": len(vocabulary), "words_seen": len(model.seen)},
        "beams": {**asdict(beams), "chrF_by_alpha": alphas},
        "alignment": alignment(model, parts.valid),
        "evenness": evenness(model, examples["valid"].held_out(BATCH)),
        "doubt": doubts(model, {"valid": parts.valid, "test": parts.test}, beams),
        "test": measure_translation(model, parts.train, parts.test, beams),
    }
    return _kept(model, folder, metrics)


def train_text(prose: Prose, plan: Plan, output: Path, resume: bool = False) -> dict[str, Any]:
    """Train and measure; the model is written to `output/text`. Returns all that was measured."""
    folder = output / TEXT_FOLDER
    vocabulary = Vocabulary.learn(prose.train, VOCABULARY_SIZE)
    train, validation = (Runs(part, vocabulary, MOST_PIECES) for part in (prose.train, prose.valid))

    def make() -> TextTransformer:
        model = TextTransformer(len(vocabulary), "en", dropout=TEXT_DROPOUT)
        return model.with_words(vocabulary, _seen(prose.train))

    data = _fingerprint((*prose.train, *prose.valid))
    model, details = _tried(make, train, validation, folder, data, TEXT_RATES).run(plan, resume)
    n_gram, trials = _best_n_gram(train, prose.valid, vocabulary)
    beginnings = Runs(prose.valid, vocabulary, GIVEN)
    metrics = {
        "language": "en",
        "data": {"books": prose.books, **({} if prose.package is None else _named(prose.package))},
        "split": {
            name: {"stretches": len(part), "characters": sum(map(len, part))}
            for name, part in (("train", prose.train), ("valid", prose.valid), ("test", prose.test))
        },
        "model": {**details, "vocabulary": len(vocabulary), "words_seen": len(model.seen)},
        "n_gram": trials,
        "evenness": {"read": GIVEN, **evenness(model, beginnings.held_out(BATCH))},
        "test": {
            "systems": {
                name: foretold(one, prose.test, vocabulary, MOST_PIECES)
                for name, one in (("transformer", model), ("n-gram", n_gram))
            },
            "examples": continued(partial(_write, model), prose.test, vocabulary, GIVEN),
        },
    }
    return _kept(model, folder, metrics)


def _named(package: Package) -> dict[str, str]:
    return {"package": package.title, "licence": package.licence}


def _tried(
    make: Any, train: Sequences, validation: Sequences, folder: Path, data: str, rates: Sequence[float]
) -> Tried[Any]:
    checkpoints = folder / "checkpoints"
    return Tried(make, train, validation, checkpoints, folder.name, data, rates)


def _best_n_gram(
    train: Runs, valid: Sequence[str], vocabulary: Vocabulary
) -> tuple[PieceNGram, dict[str, Any]]:
    """That with the lowest perplexity on the validation text, and what was tried."""
    tried: dict[tuple[int, float], float] = {}
    models = {order: PieceNGram(train.stretches, len(vocabulary), order) for order in ORDERS}
    for order, model in models.items():
        for discount in DISCOUNTS:
            model.discount = discount
            found = foretold(model, valid, vocabulary, MOST_PIECES)
            tried[order, discount] = found["piece"]["perplexity"]
    order, discount = min(tried, key=lambda one: tried[one])
    models[order].discount = discount
    trials = [{"order": one[0], "discount": one[1], "piece": value} for one, value in tried.items()]
    return models[order], {"order": order, "discount": discount, "trials": trials}


def _write(model: TextTransformer, text: str, seed: int) -> str:
    made = continue_text(model, text, sampling=replace(DEFAULT_SAMPLING, seed=seed))
    for _ in made:
        pass
    return made.text


def _seen(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(word for text in texts for word in plain_words(text))


def _fingerprint(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode() + b"\n")
    return digest.hexdigest()[:16]


def _kept(model: WordsTransformer, folder: Path, metrics: dict[str, Any]) -> dict[str, Any]:
    """The model in its folder, with the part of the metrics that app and card speak of."""
    told = {name: metrics[name] for name in ("language", "data", "split", "test")}
    (folder / "README.md").unlink(missing_ok=True)  # a card that is there already would be kept
    model.save_pretrained(folder, model_card_kwargs=told)
    write_json(folder / "metrics.json", told)
    return metrics


def measured_before(file: Path) -> dict[str, Any]:
    """What a file of metrics has of either use; raises `DataError` where it is damaged."""
    if not file.is_file():
        return {}
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (TypeError, ValueError):
        raise DataError(f"{file} is damaged: delete it, or name another with --metrics.") from None


def add_to(file: Path, use: str, metrics: dict[str, Any]) -> None:
    """Put what was measured of a use beside what the file has of the other."""
    write_json(file, {**measured_before(file), use: metrics})
