"""Many trainings side by side: each job is one network on one fold."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch

from genre_models import parallel
from genre_models.classifiers import NETWORKS
from genre_models.training.dataset import Dataset
from genre_models.training.loop import Epoch, Run, choose_device, fit, predict


@dataclass(frozen=True)
class Job:
    """Train the network called `model`, then answer for the segments in `test`, if any."""

    model: str
    run: Run
    test: np.ndarray = field(default_factory=lambda: np.array([], dtype=int))


@dataclass(frozen=True)
class Result:
    """What a job gave.

    `answers` are log-probabilities of the test segments (n, 10) under each condition; `validation` (epochs,
    segments, 10) those of the recordings that the run validates on.
    """

    history: list[Epoch]
    validation: np.ndarray
    answers: dict[str, np.ndarray]


_dataset: Dataset


def _open(dataset: Dataset) -> None:
    global _dataset
    torch.set_num_threads(1)
    _dataset = dataset


def _run(job: Job) -> Result:
    device = choose_device()
    fitted = fit(NETWORKS[job.model], _dataset, job.run, device)
    model = fitted.model.to(device)
    answers = {}
    if len(job.test):
        answers = {name: predict(model, mfccs[job.test], device) for name, mfccs in _dataset.mfccs.items()}
    return Result(fitted.history, fitted.answers, answers)


def run_jobs(jobs: Sequence[Job], dataset: Dataset, workers: int, label: str) -> list[Result]:
    """Run all jobs on `workers` processes, one thread each, and return their results in order."""
    open_dataset = partial(_open, dataset)
    return parallel.run(_run, jobs, label, "run", workers, start_method="spawn", initializer=open_dataset)
