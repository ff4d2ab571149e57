"""Many trainings side by side: each job is one network on one fold, and what came out of it is kept."""

import hashlib
import inspect
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from genre_models import attention, parallel
from genre_models.classifiers import NETWORKS, base, cnn, lstm, mlp, transformer
from genre_models.training import assistant, batches, distributed, loop, starting
from genre_models.training.dataset import Dataset, Work, digest, fill
from genre_models.training.loop import Run, choose_device, fit, predict

SHAPES_A_RUN = (attention, base, mlp, cnn, lstm, transformer, loop, batches, assistant, starting, distributed)
"""A change of one of these modules makes runs that were kept another program's."""
VALIDATION = "validation"
ANSWERS = "answers."


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

    validation: np.ndarray
    answers: dict[str, np.ndarray]


def contents(dataset: Dataset) -> str:
    """Of all numbers that networks learn from and are asked about."""
    hashed = hashlib.sha256(" ".join(dataset.mfccs).encode())
    tensors = (
        *dataset.mfccs.values(),
        dataset.variants,
        dataset.embedding,
        dataset.unlabelled_mfccs,
        dataset.unlabelled_embedding,
    )
    for values in (*(one.numpy() for one in tensors), dataset.labels, dataset.recording, dataset.following):
        hashed.update(f"{values.shape} {values.dtype}".encode())
        hashed.update(np.ascontiguousarray(values).data)
    return hashed.hexdigest()


def _start(model: str) -> str:
    return hashlib.sha256(starting.weights_file(model).read_bytes()).hexdigest()


def job_file(job: Job, data: str, cache: Path) -> Path:
    """Where the result of a job is kept: other `contents`, settings or program, another place."""
    run = job.run
    settings = [
        asdict(run.recipe),
        run.epochs,
        run.seed,
        _start(job.model) if run.recipe.pretrained else None,
    ]
    on = [indices.tolist() for indices in (run.segments, run.validate_on, job.test)]
    made = digest([[inspect.getsource(module) for module in SHAPES_A_RUN], torch.__version__])
    key = digest([data, settings, on, choose_device().type])
    return cache / made / "runs" / f"{job.model}-{key}.safetensors"


_dataset: Dataset


def _open(dataset: Dataset) -> None:
    global _dataset
    torch.set_num_threads(1)
    _dataset = dataset


def _run(job: Job) -> dict[str, Tensor]:
    device = choose_device()
    fitted = fit(NETWORKS[job.model], _dataset, job.run, device)
    model = fitted.model.to(device)
    answers = {}
    if len(job.test):
        answers = {name: predict(model, mfccs[job.test], device) for name, mfccs in _dataset.mfccs.items()}
    kept = {f"{ANSWERS}{name}": torch.from_numpy(one) for name, one in answers.items()}
    return kept | {VALIDATION: torch.from_numpy(fitted.answers)}


def _read(file: Path) -> Result:
    kept = {name: values.numpy() for name, values in load_file(file).items()}
    validation = kept.pop(VALIDATION)
    return Result(validation, {name.removeprefix(ANSWERS): values for name, values in kept.items()})


def run_jobs(jobs: Sequence[Job], dataset: Dataset, workers: int, label: str, cache: Path) -> list[Result]:
    """Run all jobs on `workers` processes, one thread each, and return their results in order.

    Each result is kept in `cache` as soon as it is there: the same job is not run twice.
    """
    data = contents(dataset)
    files = [job_file(job, data, cache) for job in jobs]
    work: dict[Path, Work] = {file: (file, partial(_run, job)) for file, job in zip(files, jobs, strict=True)}
    side_by_side = partial(
        parallel.run, workers=workers, start_method="spawn", initializer=partial(_open, dataset)
    )
    fill(work, label, side_by_side, unit="run")
    return [_read(file) for file in files]
