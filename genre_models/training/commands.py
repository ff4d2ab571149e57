"""The commands of `train.py`."""

import argparse
import hashlib
import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NoReturn

import torch
from huggingface_hub import HfUri

from genre_models.classifiers import ARCHITECTURES
from genre_models.hub import COMBINATION_FILE, WeightsError
from genre_models.melody.corpus import CorpusError
from genre_models.metrics_check import MetricsError
from genre_models.parallel import Runner
from genre_models.training import (
    descents,
    gtzan,
    hub_data,
    melody,
    non_music,
    outside,
    teaching,
    words_commands,
)
from genre_models.training.arguments import build_parser
from genre_models.training.checkpoint import CheckpointError
from genre_models.training.choice import ALL, CHOICES_FILE, choose, read_choices, write_choices
from genre_models.training.dataset import (
    Dataset,
    extract_all,
    listen_to_unlabelled,
    load_dataset,
    on_all_cores,
)
from genre_models.training.denoiser_command import denoiser
from genre_models.training.distributed import Alone, LaunchError, is_main, is_shared, launched
from genre_models.training.evaluation import combination, evaluate
from genre_models.training.files import DataError, write_json
from genre_models.training.folds import SPLITS, Split
from genre_models.training.genre import Settings, training, write_curves
from genre_models.training.loop import choose_device
from genre_models.training.melody_report import table as melody_table
from genre_models.training.pretrain_command import pretrain_networks
from genre_models.training.push import HubError, Target, push
from genre_models.training.tables import conditions_table, table
from genre_models.training.teacher_forcing import Plan

INTERRUPTED = 130
WRONG_INPUT = 2
WRONG = (
    DataError,
    CorpusError,
    CheckpointError,
    LaunchError,
    WeightsError,
    MetricsError,
    HubError,
    OSError,
)
"""What one line and that exit status answer."""
STOPPED = {
    "genre": "The last checkpoint is kept: the same command with --resume goes on from it.",
    "extract": "What was heard is kept.",
    "choose": "What was heard is kept, and every training that was finished.",
    "evaluate": "What was heard is kept, and every training that was finished.",
    "melody": "The last checkpoint is kept: the same command with --resume goes on from it.",
    "translate": "The last checkpoint is kept: the same command with --resume goes on from it.",
    "text": "The last checkpoint is kept: the same command with --resume goes on from it.",
    "denoiser": "The last checkpoint is kept: the same command with --resume goes on from it.",
    "pretrain": "The last checkpoints are kept: the same command with --resume goes on from them.",
    "sound": "What was heard is kept.",
    "teaching": "Nothing is kept.",
    "descents": "What was heard is kept; what was trained is lost.",
    "outside": "Nothing is kept.",
    "push": "Run it again: what is there already is not uploaded twice.",
}
"""What a person who pressed Ctrl-C should know."""


def _say(sentence: str) -> None:
    if is_main():
        print(sentence, flush=True)


def _indexed(data: Path | HfUri) -> list[gtzan.Recording]:
    if isinstance(data, HfUri):
        data, pinned = hub_data.fetch(data)
        _say(f"Data: {pinned.to_uri()}")
    recordings = gtzan.index(data)
    counts = gtzan.describe(recordings)
    _say(", ".join(f"{count} {name}" for name, count in counts.items()))
    if counts["artists"] == 0:
        _say("No artists.tsv: tracks of one artist cannot be kept together, so expect flattering numbers.")
    return recordings


@contextmanager
def _opened(arguments: argparse.Namespace, processes: Alone | None = None) -> Iterator[Dataset]:
    """The data set; the recordings that could not be read are named when all is done.

    Of several `processes`, one on each host listens to what has not been listened to yet.
    """
    broken: dict[gtzan.Recording, str] = {}
    unlabelled = None
    try:
        with nullcontext() if processes is None else processes.one_per_host_first():
            recordings = _indexed(arguments.data)
            broken = extract_all(recordings, arguments.cache)
            if broken:
                _say(f"{len(broken)} of {len(recordings)} files cannot be read and are named at the end.")
            if arguments.unlabelled is not None:
                unlabelled = listen_to_unlabelled(arguments.unlabelled, arguments.cache)
        yield load_dataset([one for one in recordings if one not in broken], arguments.cache, unlabelled)
    finally:
        for recording, problem in broken.items():
            _say(f"Skipped {recording.genre}/{recording.path.name}: {problem}")


def _result(metrics: Mapping[str, Any]) -> str:
    """What came out of one training, in a line."""
    parts = [f"{metrics['epochs']} epochs"] if "epochs" in metrics else []
    if "validation" in metrics:
        low, high = (100 * bound for bound in metrics["validation"]["interval"])
        value = 100 * metrics["validation"]["balanced_accuracy"]
        parts.append(f"balanced accuracy {value:.1f}% ({low:.1f}-{high:.1f})")
    return f"{metrics['model']}: {', '.join(parts) or 'trained'}"


def _genre(arguments: argparse.Namespace) -> None:
    models = list(ARCHITECTURES) if arguments.model == "all" else [arguments.model]
    settings = Settings(
        output=arguments.output,
        cache=arguments.cache,
        split=arguments.split,
        seed=arguments.seed,
        epochs=arguments.epochs,
        learning_rate=arguments.learning_rate,
        batch_size=arguments.batch_size,
        resume=arguments.resume,
        choices=None if arguments.choices is None else read_choices(arguments.choices).on_all(models),
    )
    with launched(choose_device()) as processes, _opened(arguments, processes) as dataset:
        measured = {}
        for model in models:
            measured[model] = training(model, dataset, settings, processes).run()
            _say(_result(measured[model]))
            _say(f"Weights and metrics are in {arguments.output / model}.")
        if arguments.curves is not None and processes.main:
            write_curves(arguments.curves, measured)


@contextmanager
def _runner(address: str | None, recordings: Sequence[gtzan.Recording], cache: Path) -> Iterator[Runner]:
    """What extracts: this machine, or the cluster at `address`."""
    if address is None:
        yield on_all_cores
        return
    try:
        from genre_models.training.cluster import cluster  # noqa: PLC0415 - not everybody installs Dask
    except ModuleNotFoundError as error:
        raise LaunchError(
            "A cluster takes more packages: pip install -r requirements-cluster.txt."
        ) from error
    with cluster(address, sorted({one.path.parent for one in recordings}), cache) as run:
        yield run


def _extract(arguments: argparse.Namespace) -> None:
    data, cache = arguments.data, arguments.cache.resolve()  # a worker may start in another folder
    recordings = _indexed(data.resolve() if isinstance(data, Path) else data)
    with _runner(arguments.cluster, recordings, cache) as run:
        broken = extract_all(recordings, cache, run)
    _say(f"{len(recordings) - len(broken)} of {len(recordings)} recordings are in {cache}.")
    for recording, problem in broken.items():
        _say(f"Skipped {recording.genre}/{recording.path.name}: {problem}")


def _choose(arguments: argparse.Namespace) -> None:
    with _opened(arguments) as dataset:
        file, alone = arguments.output / CHOICES_FILE.name, arguments.model != "all"
        models = [arguments.model] if alone else list(ARCHITECTURES)
        earlier = read_choices(file) if alone else None
        choices = choose(dataset, models, arguments.workers, arguments.cache, earlier)
        write_choices(choices, file)
        for model, sides in choices.models.items():
            choice = sides[ALL]
            scores = ", ".join(f"{name} {100 * score:.1f}%" for name, score in choice.scores.items())
            _say(f"{model}: {choice.candidate!r}, {choice.epochs} epochs; {scores}")


def _earlier(file: Path) -> dict[str, Any]:
    """What was measured before, to be completed split by split. Raises `DataError` for a damaged file."""
    try:
        evaluation = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except ValueError:
        evaluation = None
    if not isinstance(evaluation, dict):
        raise DataError(f"{file} is damaged: delete it, and every split is measured anew.")
    return evaluation


def _evaluate(arguments: argparse.Namespace) -> None:
    chosen = arguments.output / CHOICES_FILE.name
    choices = read_choices(chosen)
    file = arguments.output / "evaluation.json"
    evaluation = _earlier(file)
    splits: Sequence[Split] = SPLITS if arguments.split == "all" else [arguments.split]
    if arguments.conditions:
        splits = ["artist"]
    with _opened(arguments) as dataset:
        basis = {
            "data": gtzan.describe(dataset.recordings),
            "unlabelled_segments": len(dataset.unlabelled_mfccs),
            "choices": hashlib.sha256(chosen.read_bytes()).hexdigest(),
        }
        if any(evaluation.get(name) != value for name, value in basis.items()):
            evaluation = {"splits": {}}
        for split in splits:
            measured, answers = evaluate(dataset, choices, split, arguments.workers, arguments.cache)
            measured["splits"] = evaluation["splits"] | measured["splits"]
            evaluation |= measured | basis | {"device": choose_device().type, "torch": torch.__version__}
            write_json(file, evaluation)
            if split == "artist":
                combination(answers).save(arguments.verdict or arguments.output / COMBINATION_FILE)
        _say(conditions_table(evaluation) if arguments.conditions else table(evaluation))


def _teaching(arguments: argparse.Namespace) -> None:
    for sentence in teaching.write(arguments.data, arguments.output):
        _say(sentence)


def _descents(arguments: argparse.Namespace) -> None:
    with _opened(arguments) as dataset:
        comparison = descents.compare(dataset)
    for name, regime in comparison["regimes"].items():
        _say(descents.in_words(name, regime))
    _say(f"Curves are in {descents.write(comparison, arguments.output)}.")


def _outside(arguments: argparse.Namespace) -> None:
    for sentence in outside.write(arguments.data, arguments.models, arguments.output):
        _say(sentence)


def _melody(arguments: argparse.Namespace) -> None:
    corpus = melody.read_corpus(arguments.cache, arguments.data, arguments.essen)
    for book, count in corpus.counts.items():
        _say(f"{count} tunes from {book}")
    for reason, count in corpus.skipped.items():
        _say(f"Skipped {count}, each because {reason}.")
    networks = list(melody.NETWORKS) if arguments.model == "all" else [arguments.model]
    plan = Plan(epochs=arguments.epochs, batch_size=arguments.batch_size)
    metrics = melody.run(corpus, networks, plan, arguments.output, arguments.resume)
    write_json(arguments.metrics, metrics)
    _say(melody_table(metrics))
    _say(f"What was trained is in {arguments.output / 'melody'}, metrics are in {arguments.metrics}.")


def _translate(arguments: argparse.Namespace) -> None:
    for sentence in words_commands.translate(arguments):
        _say(sentence)


def _text(arguments: argparse.Namespace) -> None:
    for sentence in words_commands.text(arguments):
        _say(sentence)


def _denoiser(arguments: argparse.Namespace) -> None:
    for sentence in denoiser(arguments):
        _say(sentence)


def _pretrain(arguments: argparse.Namespace) -> None:
    for sentence in pretrain_networks(arguments):
        _say(sentence)


def _sound(arguments: argparse.Namespace) -> None:
    non_music.require_tools()
    with _opened(arguments) as dataset:
        detector, metrics = non_music.train(dataset.recordings, arguments.cache, arguments.workers)
    non_music.save(detector, metrics, arguments.output, arguments.metrics)
    _say(non_music.summary(metrics))
    _say(f"Weights are in {arguments.output}, metrics in {arguments.metrics}.")


def _push(arguments: argparse.Namespace) -> None:
    target = Target(
        arguments.repo, True if arguments.private else None, arguments.revision, arguments.create_pr
    )
    pushed = push(arguments.models, arguments.metrics, target)
    if pushed.pull_request is not None:
        _say(f"Opened {pushed.pull_request}")
    _say(f"Pushed to {pushed.url}" if pushed.is_new else f"Nothing has changed since {pushed.url}")
    _say(f"Use these very models: python app.py --models {arguments.repo}@{pushed.commit}")


def _refuse(error: Exception) -> NoReturn:
    print(f"train.py: {error}", file=sys.stderr)
    sys.exit(WRONG_INPUT)


def main() -> None:
    """Run one command; exit status 2 and one line for wrong input, 130 after Ctrl-C."""
    logging.disable(logging.WARNING)
    arguments = build_parser().parse_args()
    commands = {
        "genre": _genre,
        "extract": _extract,
        "choose": _choose,
        "evaluate": _evaluate,
        "melody": _melody,
        "translate": _translate,
        "text": _text,
        "denoiser": _denoiser,
        "pretrain": _pretrain,
        "sound": _sound,
        "teaching": _teaching,
        "descents": _descents,
        "outside": _outside,
        "push": _push,
    }
    try:
        if is_shared() and arguments.command != "genre":
            raise LaunchError(f"Only genre trains on several processes: start {arguments.command} alone.")
        commands[arguments.command](arguments)
    except WRONG as error:
        _refuse(error)
    except KeyboardInterrupt:
        _say(f"\nStopped. {STOPPED[arguments.command]}")
        sys.exit(INTERRUPTED)
