"""The flags of `train.py denoiser`, what it does, and what it says."""

import argparse
from pathlib import Path

from genre_models.training.degrading import music
from genre_models.training.denoising import Plan, summary, train
from genre_models.training.files import write_json
from genre_models.training.flags import positive


def add_denoiser(parser: argparse.ArgumentParser) -> None:
    """Music, and how long to train."""
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="music of any kind, in files of any depth")
    for flag, default, what in (
        ("--cache", ".cache/features", "where music is kept once it is degraded"),
        ("--output", "runs/denoiser", "for MusiCNN with its denoiser, and checkpoints"),
    ):
        add(flag, type=Path, default=Path(default), metavar="DIR", help=f"{what} (default: %(default)s)")
    add(
        "--metrics",
        type=Path,
        default=Path("runs/metrics/denoiser.json"),
        metavar="FILE",
        help="for what was measured (default: %(default)s)",
    )
    add("--steps", type=positive, default=Plan().steps, metavar="N", help="(default: %(default)s)")
    add("--resume", action="store_true", help="go on from the checkpoint in the output folder")


def denoiser(arguments: argparse.Namespace) -> list[str]:
    """Train, measure and keep; sentences on what was found. Raises `DataError` and `CheckpointError`."""
    found, plan = music(arguments.data, arguments.cache), Plan(steps=arguments.steps)
    model, metrics = train(found, plan, arguments.output, arguments.resume)
    model.save_pretrained(arguments.output)
    write_json(arguments.metrics, metrics)
    return [
        summary(metrics),
        f"MusiCNN with its denoiser is in {arguments.output}, metrics are in {arguments.metrics}.",
    ]
