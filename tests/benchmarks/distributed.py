"""Two processes of one thread each against one: seconds per epoch, and how far the losses are apart.

`python -m tests.benchmarks.distributed` trains each network from nothing, without dropout, on clean made-up
segments, first on one process and then on two that `accelerate launch` starts. It prints what it measured;
the figures go to `assets/metrics/distributed.json`.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genre_models import musicnn
from genre_models.classifiers import GENRES, NETWORKS
from genre_models.features import N_FRAMES, N_MFCC
from genre_models.training.dataset import N_VARIANTS, Dataset
from genre_models.training.distributed import Alone, launched
from genre_models.training.gtzan import Recording
from genre_models.training.loop import Epoch, Run, Trainer
from genre_models.training.recipes import CANDIDATES
from genre_models.training.recording_conditions import CLEAN
from tests.benchmarks.beside import machine, write
from tests.trained_together import SharesInTurn, still

SEGMENTS = 640
EPOCHS = 4
RECIPES = {name: CANDIDATES[name]["clean recordings"] for name in NETWORKS}


def made_up() -> Dataset:
    """Segments of noise with a mean for each genre: as much work as music, and something to learn."""
    chance = torch.Generator().manual_seed(0)
    genre = torch.arange(SEGMENTS) % len(GENRES)
    means = torch.randn(len(GENRES), 1, N_MFCC, generator=chance)
    mfccs = means[genre] + torch.randn(SEGMENTS, N_FRAMES, N_MFCC, generator=chance)
    names = [GENRES[i] for i in genre.tolist()]
    recordings = [Recording(Path(f"{i}"), f"{i}", name, None, "clip") for i, name in enumerate(names)]
    one_each = np.arange(SEGMENTS)
    return Dataset(
        recordings=recordings,
        mfccs={CLEAN: mfccs},
        heard={},
        mended={},
        tags=torch.empty(0),
        embedding=torch.randn(SEGMENTS, musicnn.EMBEDDING, generator=chance),
        variants=mfccs.half().unsqueeze(1).repeat(1, N_VARIANTS, 1, 1),
        heard_variants=torch.empty(0),
        recording=one_each,
        following=one_each,
        unlabelled_mfccs=torch.empty(0, N_FRAMES, N_MFCC),
        unlabelled_embedding=torch.empty(0, musicnn.EMBEDDING),
    )


def trained(kind: type[Trainer], name: str, dataset: Dataset, processes: Alone) -> list[Epoch]:
    """What each epoch of a network gave."""
    torch.manual_seed(0)
    trainer = kind(still(name)(), dataset, Run(np.arange(SEGMENTS), RECIPES[name], EPOCHS), processes)
    for _ in range(EPOCHS):
        trainer.train_epoch()
    return trainer.history


def measure(output: Path) -> None:
    """Train on as many processes as were started; the main one leaves losses and seconds per epoch."""
    torch.set_num_threads(1)
    dataset, measured = made_up(), {}
    with launched(torch.device("cpu")) as processes:
        for name in NETWORKS:
            history = trained(Trainer, name, dataset, processes)
            measured[name] = {
                "losses": [epoch.train_loss for epoch in history],
                "seconds": np.diff([epoch.seconds for epoch in history]).tolist(),
            }
            if processes.count == 1:
                in_turn = trained(SharesInTurn, name, dataset, processes)
                measured[name]["losses_in_turn"] = [epoch.train_loss for epoch in in_turn]
        if processes.main:
            output.write_text(json.dumps(measured), encoding="utf-8")


def started(processes: int, output: Path) -> dict[str, Any]:
    """What so many processes of one thread measure."""
    flags = ["--num_processes", processes, "--num_machines", 1, "--mixed_precision", "no"]
    flags += ["--dynamo_backend", "no", "--num_cpu_threads_per_process", 1, "--main_process_port", 0]
    if processes > 1:
        flags.append("--multi_gpu")
    program = ["-m", "tests.benchmarks.distributed", output]
    command = [sys.executable, "-m", "accelerate.commands.launch", *map(str, (*flags, *program))]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return json.loads(output.read_text(encoding="utf-8"))


def compared(one: dict[str, Any], two: dict[str, Any]) -> dict[str, float]:
    """The fastest epoch of each after the first, and the largest differences of the losses.

    The second difference is from one process that adds up the same two halves of each step in turn: what it
    leaves out of the first is the rounding of sums in another order.
    """
    seconds = [min(each["seconds"]) for each in (one, two)]
    apart = [np.abs(np.subtract(one[key], two["losses"])).max() for key in ("losses", "losses_in_turn")]
    return {
        "one_s": round(seconds[0], 3),
        "two_s": round(seconds[1], 3),
        "speed_up": round(seconds[0] / seconds[1], 2),
        "largest_loss_difference": float(apart[0]),
        "but_for_rounding": float(apart[1]),
    }


def main() -> None:
    """Measure, print and keep."""
    ran_on = machine(threads_per_process=1)
    with tempfile.TemporaryDirectory() as folder:
        one, two = (started(count, Path(folder) / f"{count}.json") for count in (1, 2))
    content = {
        "machine": ran_on,
        "segments": SEGMENTS,
        "batch_size": {name: RECIPES[name].batch_size for name in NETWORKS},
        "epochs": EPOCHS,
        "models": {name: compared(one[name], two[name]) for name in NETWORKS},
    }
    print(json.dumps(content, indent=1))
    write("distributed", content)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(Path(sys.argv[1]))
    else:
        main()
