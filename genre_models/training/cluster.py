"""Work on the machines of a Dask cluster, for collections that one machine would hear for days.

Needs the packages of requirements-cluster.txt. Every machine has this same code, and sees the recordings and
the cache at the same place, as on a shared file system. Whoever reaches a scheduler can run code on its
workers: keep it on a network of your own, or use Dask's TLS.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from distributed import CancelledError, Client, KilledWorker, Worker, WorkerPlugin, as_completed
from tqdm import tqdm

from genre_models.training.distributed import LaunchError

Item = TypeVar("Item")
Result = TypeVar("Result")

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("av", "numpy", "scipy", "soxr", "torch", "torchaudio")
"""What the features of a recording are computed with."""

OTHER = "another version of this program or of one of these packages: " + ", ".join(PACKAGES)
PATIENCE = "15s"
"""How long to look for the scheduler."""

RETRIES = 2
"""How often an item is tried again after an error; one on which a worker dies, as often as Dask is set to."""


def fingerprint() -> str:
    """Of this program's code and of the packages that its numbers come from."""
    digest = hashlib.sha256(" ".join(version(name) for name in PACKAGES).encode())
    for path in sorted((ROOT / "genre_models").rglob("*.py")):
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


class Fitness(WorkerPlugin):
    """Keeps workers out, late ones too, that run other code or do not see the same files."""

    name = "genre-models"

    def __init__(self, readable: Sequence[Path], writable: Path) -> None:
        self.fingerprint, self.readable, self.writable = fingerprint(), tuple(readable), writable

    def setup(self, worker: Worker) -> None:
        """Raises `LaunchError` on a worker that should not help."""
        who = f"The worker {worker.address}"
        if fingerprint() != self.fingerprint:
            raise LaunchError(f"{who} has {OTHER}.")
        for path in self.readable:
            if not path.exists():
                raise LaunchError(f"{who} does not see {path}.")
        if not os.access(self.writable, os.W_OK):
            raise LaunchError(f"{who} cannot write to {self.writable}.")


class Cluster:
    """Does on a cluster what `parallel.run` does on one machine."""

    def __init__(self, client: Client, address: str) -> None:
        self.client, self.address = client, address

    def __call__(
        self, function: Callable[[Item], Result], items: Iterable[Item], label: str, unit: str
    ) -> list[Result]:
        """What `function` makes of each item, in the order of the items, with a progress bar on stderr.

        An error on a worker is raised here after `RETRIES`; it and Ctrl-C call off what has not begun.
        Raises `LaunchError` where workers die of an item, one after the other, or the scheduler is lost.
        """
        futures = self.client.map(function, list(items), pure=False, retries=RETRIES)
        try:
            for future in tqdm(
                as_completed(futures, self.client.loop), total=len(futures), desc=label, unit=unit
            ):
                future.result()
            return [future.result() for future in futures]
        except KilledWorker as error:
            raise LaunchError(f"Worker after worker at {self.address} died of the same {unit}.") from error
        except CancelledError as error:
            raise LaunchError(f"The scheduler at {self.address} is lost; what was done is kept.") from error
        finally:
            self.client.cancel([future for future in futures if not future.done()])


@contextmanager
def cluster(address: str, readable: Sequence[Path], writable: Path) -> Iterator[Cluster]:
    """The workers of the scheduler at `address`, such as tcp://10.0.0.1:8786, once they are found fit.

    All of them must see the `readable` paths and may write to the folder `writable`, which is made. Raises
    `LaunchError` where there is no scheduler, no worker, or one that is not fit.
    """
    writable.mkdir(parents=True, exist_ok=True)
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise LaunchError(f"There is no Dask scheduler at {address}.") from error
    with client:
        if not client.nthreads():
            raise LaunchError(f"The cluster at {address} has no workers.")
        try:
            _admit(client, Fitness(readable, writable))
            yield Cluster(client, address)
        finally:
            with suppress(KeyError, ValueError, OSError):  # of a cluster that never had it, or is lost
                client.unregister_worker_plugin(Fitness.name)


def _admit(client: Client, fitness: Fitness) -> None:
    """Raises `LaunchError` where scheduler or workers cannot do the work."""
    try:
        same = client.run_on_scheduler(fingerprint) == fitness.fingerprint
        client.register_plugin(fitness)
    except LaunchError:
        raise
    except Exception as error:  # a worker that has not got the program answers with one or another
        start = f"start scheduler and workers with its packages and PYTHONPATH={ROOT}"
        raise LaunchError(f"The cluster does not have this program: {start}.") from error
    if not same:
        raise LaunchError(f"The scheduler has {OTHER}.")
