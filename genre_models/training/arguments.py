"""The flags of `train.py`."""

import argparse
import os
import re
from pathlib import Path
from typing import Literal, get_args

from huggingface_hub import HfUri

from genre_models.classifiers import ARCHITECTURES
from genre_models.paths import BUNDLED_WEIGHTS
from genre_models.training import hub_data, melody
from genre_models.training.denoiser_command import add_denoiser
from genre_models.training.files import DataError
from genre_models.training.flags import positive
from genre_models.training.folds import SPLITS
from genre_models.training.genre import SplitChoice
from genre_models.training.pretrain_command import add_pretrain
from genre_models.training.words_arguments import add_text, add_translate


def _batch_size(text: str) -> int | Literal["full"]:
    if text == "full":
        return "full"
    return positive(text)


def _learning_rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number between 0 and 1")
    return value


def _data(text: str) -> Path | HfUri:
    if not text.startswith(hub_data.SCHEME):
        return Path(text)
    try:
        return hub_data.parse(text)
    except DataError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(unlabelled=None)
    parser.add_argument(
        "--data",
        type=_data,
        required=True,
        metavar="DIR",
        help="one folder per genre; or a data set of such folders on the Hugging Face Hub, as "
        "hf://user/name[@revision][/folder]",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(".cache/features"),
        metavar="DIR",
        help="where MFCCs and what MusiCNN hears are kept (default: %(default)s)",
    )


def _add_extract(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="of a Dask scheduler, as tcp://10.0.0.1:8786, whose workers see data and cache at the "
        "same places (default: this machine alone)",
    )


def _add_unlabelled(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--unlabelled",
        type=Path,
        metavar="DIR",
        help="other music, of any kind, from which soft labels are learned (default: none)",
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", choices=[*ARCHITECTURES, "all"], default="all", help="(default: all)")


def _add_output(parser: argparse.ArgumentParser, files: str) -> None:
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("runs/metrics"),
        metavar="DIR",
        help=f"for {files} (default: %(default)s)",
    )


def _add_measuring(parser: argparse.ArgumentParser) -> None:
    _add_output(parser, "choices.json and evaluation.json")
    parser.add_argument(
        "--workers",
        type=positive,
        default=os.cpu_count(),
        metavar="N",
        help="trainings side by side (default: the cores)",
    )


def _add_genre(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    _add_unlabelled(parser)
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
    add("--epochs", type=positive, metavar="N", help="train so long instead of stopping early")
    add(
        "--choices",
        type=Path,
        metavar="FILE",
        help="recipes, epochs and temperatures as train.py choose wrote them, instead of stopping early",
    )
    add("--seed", type=int, default=0, help="the same seed gives the same weights (default: 0)")
    add("--curves", type=Path, metavar="FILE", help="for learning curves, as the Training tab shows them")
    add("--resume", action="store_true", help="go on from the checkpoints in the output folder")


def _add_choose(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    _add_unlabelled(parser)
    _add_measuring(parser)
    parser.add_argument(
        "--model",
        choices=[*ARCHITECTURES, "all"],
        default="all",
        help="choose for one model, and let the choices in the output folder stand for the others (default: "
        "%(default)s)",
    )


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    _add_unlabelled(parser)
    _add_measuring(parser)
    parser.add_argument("--split", choices=[*SPLITS, "all"], default="all", help="(default: all)")
    parser.add_argument(
        "--conditions",
        action="store_true",
        help="measure by artist only, and print the accuracy of every model under each recording condition",
    )
    parser.add_argument(
        "--verdict",
        type=Path,
        metavar="FILE",
        help="where the weights of the app's verdict go (default: verdict.json in the output folder)",
    )


def _add_teaching(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="one folder per genre, and an artists.tsv")
    _add_output(parser, "teaching.json")


def _add_outside(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="one folder per style that is none of the ten genres; a recordings.tsv says where the files are "
        "from",
    )
    add(
        "--models",
        type=Path,
        default=BUNDLED_WEIGHTS,
        metavar="DIR",
        help="one sub-folder per model (default: the weights that come with the app)",
    )
    _add_output(parser, "outside.json")


def _add_descents(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    _add_output(parser, "descents.json")


def _add_sound(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    add = parser.add_argument
    add(
        "--output",
        type=Path,
        default=Path("runs/sound"),
        metavar="DIR",
        help="for weights (default: %(default)s)",
    )
    add(
        "--metrics",
        type=Path,
        default=Path("runs/metrics/sound.json"),
        metavar="FILE",
        help="for what was measured (default: %(default)s)",
    )
    add(
        "--workers",
        type=positive,
        default=os.cpu_count(),
        metavar="N",
        help="sounds listened to side by side (default: the cores)",
    )


def _add_melody(parser: argparse.ArgumentParser) -> None:
    tunes = parser.add_mutually_exclusive_group()
    tunes.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="ABC, MIDI or MusicXML files (default: the books in the public domain that music21 brings)",
    )
    tunes.add_argument(
        "--essen",
        action="store_true",
        help="with the books also the Essen folksongs, which are not for commercial use",
    )
    add = parser.add_argument
    for flag, default, what in (
        ("--cache", ".cache/tunes", "where tunes are kept once they are read"),
        ("--output", "runs", "for weights and checkpoints, in its folder melody"),
    ):
        add(flag, type=Path, default=Path(default), metavar="DIR", help=f"{what} (default: %(default)s)")
    add(
        "--metrics",
        type=Path,
        default=Path("runs/metrics/melody.json"),
        metavar="FILE",
        help="for what was measured (default: %(default)s)",
    )
    add("--model", choices=[*melody.NETWORKS, "all"], default="all", help="(default: all)")
    add(
        "--epochs",
        type=positive,
        default=24,
        metavar="N",
        help="passes over the tunes (default: %(default)s)",
    )
    add(
        "--batch-size",
        type=positive,
        default=16,
        metavar="N",
        help="examples per step (default: %(default)s)",
    )
    add("--resume", action="store_true", help="go on from the checkpoints in the output folder")


def _repo(text: str) -> str:
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", text):
        raise argparse.ArgumentTypeError(f"'{text}' is no repository: write user/name")
    return text


def _add_push(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--repo", type=_repo, required=True, metavar="USER/NAME", help="made if there is none yet")
    add(
        "--models",
        type=Path,
        default=BUNDLED_WEIGHTS,
        metavar="DIR",
        help="one sub-folder per model (default: the weights that come with the app)",
    )
    add(
        "--metrics",
        type=Path,
        metavar="DIR",
        help="evaluation.json and so on, of these very models, for cards and app (default: the bundled "
        "ones for the bundled weights, else the sub-folder metrics)",
    )
    add("--private", action="store_true", help="a new repository is for your eyes only")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--revision", metavar="BRANCH", help="made from main if there is none (default: main)")
    where.add_argument("--create-pr", action="store_true", help="open a pull request instead of committing")


def build_parser() -> argparse.ArgumentParser:
    """All commands and flags."""
    parser = argparse.ArgumentParser(prog="train.py", description="Train and measure the models.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, add_arguments, what in (
        ("genre", _add_genre, "train classifiers: stop early on other artists, then train on everything"),
        ("extract", _add_extract, "listen to all recordings ahead of training, here or on a cluster"),
        ("choose", _add_choose, "choose each model's recipe and calibration on inner folds of other artists"),
        ("evaluate", _add_evaluate, "measure all models, their verdict and the baseline on held-out folds"),
        ("melody", _add_melody, "train the melody Transformer, and measure it beside an LSTM and a 3-gram"),
        ("translate", add_translate, "train the same Transformer on phrases and their translations"),
        ("text", add_text, "train the same Transformer on prose: a run of it, and the run that follows"),
        ("denoiser", add_denoiser, "train what takes rooms and noise out of what MusiCNN hears"),
        ("sound", _add_sound, "train and measure what tells music from other sounds; needs espeak-ng, sox"),
        ("pretrain", add_pretrain, "pretrain the networks of the notes on music without labels"),
        ("descents", _add_descents, "compare full-batch, mini-batch and stochastic gradient descent"),
        ("teaching", _add_teaching, "measure how well a few clips teach the app two artists"),
        ("outside", _add_outside, "measure what the app says of music that is none of the ten genres"),
        ("push", _add_push, "upload models with their cards to the Hugging Face Hub, in one commit"),
    ):
        add_arguments(commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}."))
    return parser
