"""What `train.py translate` and `train.py text` do, and what they say on the way."""

import argparse
from collections.abc import Iterator

from genre_models.hub import TEXT_FOLDER, TRANSLATION_FOLDER
from genre_models.training import words
from genre_models.training.teacher_forcing import Plan
from genre_models.training.words_books import read_book, read_shelf
from genre_models.training.words_pairs import read_catalogues, read_file
from genre_models.training.words_tables import text_table, translation_table


def translate(arguments: argparse.Namespace) -> Iterator[str]:
    """Train, measure and keep; sentences on what was found. Raises `DataError` and `CheckpointError`."""
    file, language = arguments.data, arguments.language
    words.measured_before(arguments.metrics)
    pairs = read_file(file) if file else read_catalogues(language, arguments.cache)
    for origin, count in pairs.origins.items():
        yield f"{count:,} phrases from {origin}"
    for reason, count in pairs.skipped.items():
        yield f"Skipped {count:,}, each because {reason}."
    metrics = words.train_translation(
        pairs, None if file else language, _plan(arguments), arguments.output, arguments.resume
    )
    words.add_to(arguments.metrics, TRANSLATION_FOLDER, metrics)
    yield translation_table(metrics)
    yield _where(arguments, TRANSLATION_FOLDER)


def text(arguments: argparse.Namespace) -> Iterator[str]:
    """Train, measure and keep; sentences on what was found. Raises `DataError` and `CheckpointError`."""
    words.measured_before(arguments.metrics)
    prose = read_book(arguments.data) if arguments.data else read_shelf(arguments.cache)
    for title, count in prose.books.items():
        yield f"{count:,} characters from {title}"
    metrics = words.train_text(prose, _plan(arguments), arguments.output, arguments.resume)
    words.add_to(arguments.metrics, TEXT_FOLDER, metrics)
    yield text_table(metrics)
    yield _where(arguments, TEXT_FOLDER)


def _plan(arguments: argparse.Namespace) -> Plan:
    return Plan(epochs=arguments.epochs, batch_size=arguments.batch_size)


def _where(arguments: argparse.Namespace, folder: str) -> str:
    return f"What was trained is in {arguments.output / folder}, metrics are in {arguments.metrics}."
