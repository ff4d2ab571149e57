"""The flags of `train.py pretrain`, what it does, and what it says."""

import argparse
from pathlib import Path

from genre_models.classifiers import NETWORKS
from genre_models.training.dataset import listen_to_unlabelled, music_below
from genre_models.training.files import write_json
from genre_models.training.flags import positive
from genre_models.training.pretraining import Plan, pretrain, summary


def add_pretrain(parser: argparse.ArgumentParser) -> None:
    """Music, and how long to train."""
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="music of any kind, in files of any depth")
    for flag, default, what in (
        ("--cache", ".cache/features", "where MFCCs and what MusiCNN hears are kept"),
        ("--output", "runs/start", "for starting weights, and checkpoints"),
    ):
        add(flag, type=Path, default=Path(default), metavar="DIR", help=f"{what} (default: %(default)s)")
    add(
        "--metrics",
        type=Path,
        default=Path("runs/metrics/pretraining.json"),
        metavar="FILE",
        help="for what was measured (default: %(default)s)",
    )
    add("--steps", type=positive, default=Plan().steps, metavar="N", help="(default: %(default)s)")
    add("--resume", action="store_true", help="go on from the checkpoints in the output folder")


def pretrain_networks(arguments: argparse.Namespace) -> list[str]:
    """Train, measure and keep; sentences on what was found. Raises `DataError` and `CheckpointError`."""
    data, plan = arguments.data, Plan(steps=arguments.steps)
    music = listen_to_unlabelled(data, arguments.cache)
    metrics = pretrain(list(NETWORKS), music, plan, arguments.output, arguments.resume)
    files = [str(file.relative_to(data)) for file in music_below(data)]
    write_json(arguments.metrics, metrics | {"files": files})
    return [
        summary(metrics),
        f"Starting weights are in {arguments.output}, metrics are in {arguments.metrics}.",
    ]
