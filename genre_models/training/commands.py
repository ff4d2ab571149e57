"""The command line of `train.py`."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args

import torch

from genre_models.classifiers import ARCHITECTURES
from genre_models.training import gtzan
from genre_models.training.choice import CHOICES_FILE, choose, read_choices, write_choices
from genre_models.training.dataset import Dataset, extract_all, load_dataset
from genre_models.training.evaluation import evaluate, table
from genre_models.training.folds import SPLITS
from genre_models.training.genre import GenreTraining, Settings, SplitChoice
from genre_models.training.loop import CheckpointError, choose_device

INTERRUPTED = 130
WRONG_INPUT = 2
STOPPED = {
    "genre": "The last checkpoint is kept: the same command with --resume goes on from it.",
    "choose": "MFCCs are kept; what was trained is lost.",
    "evaluate": "MFCCs and the splits that were finished are kept.",
}
"""What a person who pressed Ctrl-C should know."""


def _say(sentence: str) -> None:
    print(sentence, flush=True)


def _batch_size(text: str) -> int | Literal["full"]:
    if text == "full":
        return "full"
    return _positive(text)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number above 0")
    return int(text)


def _learning_rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number between 0 and 1")
    return value


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="one folder per genre")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(".cache/features"),
        metavar="DIR",
        help="where MFCCs are kept (default: %(default)s)",
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", choices=[*ARCHITECTURES, "all"], default="all", help="(default: all)")


def _add_measuring(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("runs/metrics"),
        metavar="DIR",
        help="for choices.json and evaluation.json (default: %(default)s)",
    )
    parser.add_argument(
        "--workers",
        type=_positive,
        default=os.cpu_count(),
        metavar="N",
        help="trainings side by side (default: the cores)",
    )


def _add_genre(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    _add_model(parser)
    add = parser.add_argument
    add(
        "--output",
        type=Path,
        default=Path("runs/genre"),
        metavar="DIR",
        help="for weights (default: %(default)s)",
    )
    add(
        "--split",
        choices=get_args(SplitChoice),
        default="artist",
        help="what early stopping keeps apart: artists (default), tracks, or the published lists, which need "
        "the whole of GTZAN",
    )
    add(
        "--batch-size",
        type=_batch_size,
        metavar="N|full",
        help="samples per step: full is the whole set, 1 stochastic (default: the recipe's)",
    )
    add("--learning-rate", type=_learning_rate, metavar="X", help="(default: the recipe's)")
    add("--epochs", type=_positive, metavar="N", help="train so long instead of stopping early")
    add("--seed", type=int, default=0, help="the same seed gives the same weights (default: 0)")
    add("--resume", action="store_true", help="go on from the checkpoints in the output folder")


def _add_choose(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    _add_model(parser)
    _add_measuring(parser)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    _add_measuring(parser)
    parser.add_argument("--split", choices=[*SPLITS, "all"], default="all", help="(default: all)")


def build_parser() -> argparse.ArgumentParser:
    """All commands and flags."""
    parser = argparse.ArgumentParser(prog="train.py", description="Train and measure the genre classifiers.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, add_arguments, what in (
        ("genre", _add_genre, "train classifiers: stop early on other artists, then train on everything"),
        ("choose", _add_choose, "choose each network's recipe on inner folds of other artists"),
        ("evaluate", _add_evaluate, "measure all networks, their average and the baseline on held-out folds"),
    ):
        add_arguments(commands.add_parser(name, help=what, description=f"{what.capitalize()}."))
    return parser


@contextmanager
def _opened(arguments: argparse.Namespace) -> Iterator[Dataset]:
    """The data set; the recordings that could not be read are named when all is done."""
    recordings = gtzan.index(arguments.data)
    counts = gtzan.describe(recordings)
    _say(", ".join(f"{count} {name}" for name, count in counts.items()))
    if counts["artists"] == 0:
        _say("No artists.tsv: tracks of one artist cannot be kept together, so expect flattering numbers.")
    broken = extract_all(recordings, arguments.cache)
    if broken:
        _say(f"{len(broken)} of {len(recordings)} files cannot be read and are named at the end.")
    try:
        yield load_dataset([one for one in recordings if one not in broken], arguments.cache)
    finally:
        for recording, problem in broken.items():
            _say(f"Skipped {recording.genre}/{recording.path.name}: {problem}")


def _models(arguments: argparse.Namespace) -> list[str]:
    return list(ARCHITECTURES) if arguments.model == "all" else [arguments.model]


def _genre(arguments: argparse.Namespace) -> None:
    settings = Settings(
        output=arguments.output,
        split=arguments.split,
        seed=arguments.seed,
        epochs=arguments.epochs,
        learning_rate=arguments.learning_rate,
        batch_size=arguments.batch_size,
        resume=arguments.resume,
    )
    with _opened(arguments) as dataset:
        for model in _models(arguments):
            metrics = GenreTraining(model, dataset, settings, choose_device()).run()
            low, high = (100 * bound for bound in metrics["validation"]["interval"])
            value = 100 * metrics["validation"]["balanced_accuracy"]
            _say(
                f"{model}: {metrics['epochs']} epochs, balanced accuracy {value:.1f}% ({low:.1f}-{high:.1f})"
            )
            _say(f"Weights and metrics are in {arguments.output / model}.")


def _choose(arguments: argparse.Namespace) -> None:
    with _opened(arguments) as dataset:
        choices = choose(dataset, _models(arguments), arguments.workers)
        write_choices(choices, arguments.output / CHOICES_FILE.name)
        for model, sides in choices.items():
            scores = ", ".join(f"{100 * score:.1f}%" for score in sides["all"].candidate_scores)
            _say(f"{model}: {sides['all'].recipe}, {sides['all'].epochs} epochs; candidates scored {scores}")


def _earlier(file: Path, data: dict[str, int]) -> dict[str, Any]:
    """What was measured before on the same data, to be completed split by split."""
    evaluation = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return evaluation if evaluation.get("data") == data else {"splits": {}}


def _evaluate(arguments: argparse.Namespace) -> None:
    choices = read_choices(arguments.output / CHOICES_FILE.name)
    file = arguments.output / "evaluation.json"
    with _opened(arguments) as dataset:
        evaluation = _earlier(file, gtzan.describe(dataset.recordings))
        for split in SPLITS if arguments.split == "all" else [arguments.split]:
            measured = evaluate(dataset, choices, split, arguments.workers)
            measured["splits"] = evaluation["splits"] | measured["splits"]
            evaluation |= measured | {
                "data": gtzan.describe(dataset.recordings),
                "device": choose_device().type,
                "torch": torch.__version__,
            }
            file.write_text(json.dumps(evaluation, indent=1) + "\n", encoding="utf-8")
        _say(table(evaluation))


def _refuse(error: Exception) -> NoReturn:
    print(f"train.py: {error}", file=sys.stderr)
    sys.exit(WRONG_INPUT)


def main() -> None:
    """Run one command; exit status 2 and one line for wrong input, 130 after Ctrl-C."""
    logging.disable(logging.WARNING)
    arguments = build_parser().parse_args()
    commands = {"genre": _genre, "choose": _choose, "evaluate": _evaluate}
    try:
        commands[arguments.command](arguments)
    except (gtzan.DataError, CheckpointError, OSError) as error:
        _refuse(error)
    except KeyboardInterrupt:
        _say(f"\nStopped. {STOPPED[arguments.command]}")
        sys.exit(INTERRUPTED)
