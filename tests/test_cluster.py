"""Feature extraction on a cluster: the files that one machine would write, whatever becomes of a worker."""

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster

from genre_models.training import cluster as module
from genre_models.training import commands
from genre_models.training.cluster import Fitness, cluster
from genre_models.training.dataset import cache_file
from genre_models.training.distributed import LaunchError
from genre_models.training.gtzan import index

ROOT = Path(__file__).resolve().parent.parent
GENRES = ("blues", "rock")


def start(workers: int) -> Any:
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address=":0",
        silence_logs=logging.CRITICAL,
    )


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Any]:
    with start(2) as workers:
        yield workers


@pytest.fixture
def data(tiny_data: Path, tmp_path: Path) -> Path:
    """Two recordings whose features are known, and one that cannot be read."""
    for genre in GENRES:
        known = next((tiny_data / "excerpts" / genre).glob("*.flac"))
        here = tmp_path / "data" / "excerpts" / genre / known.name
        here.parent.mkdir(parents=True)
        here.symlink_to(known)
    (tmp_path / "data" / "excerpts" / "rock" / "rock.00099.flac").write_bytes(b"fLaC but not really")
    return tmp_path / "data"


@pytest.fixture
def extract(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data: Path, tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """`train.py extract` with the test's data: exit status, what it said and what it complained of."""

    def run(*arguments: str) -> tuple[int, str, str]:
        places = ["--data", str(data), "--cache", str(tmp_path / "cache")]
        monkeypatch.setattr(sys, "argv", ["train.py", "extract", *places, *arguments])
        status = 0
        try:
            commands.main()
        except SystemExit as stopped:
            status = int(stopped.code or 0)
        return status, *capsys.readouterr()

    return run


def test_a_cluster_fills_the_cache_as_one_machine_does(
    two_workers: Any,
    extract: Callable[..., tuple[int, str, str]],
    data: Path,
    tiny_cache: Path,
    tmp_path: Path,
) -> None:
    status, said, _ = extract("--cluster", two_workers.scheduler_address)
    assert status == 0
    assert "2 of 3 recordings are in" in said
    assert "Skipped rock/rock.00099.flac: " in said
    cache = tmp_path / "cache"
    files = [cache_file(one, cache) for one in index(data) if one.track != "rock.00099"]
    assert sorted(path for path in cache.rglob("*") if path.is_file()) == sorted(files)
    for file in files:
        assert file.read_bytes() == (tiny_cache / file.relative_to(cache)).read_bytes()

    before = {file: file.stat().st_mtime_ns for file in files}
    status, said, _ = extract()  # this machine alone goes on from there
    assert "2 of 3 recordings are in" in said
    assert {file: file.stat().st_mtime_ns for file in files} == before


def die_once(folder: Path, number: int) -> int:
    """Twice the number; a worker that gets 2 is killed the first time."""
    if number == 2 and not (folder / "died").exists():
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail(number: int) -> int:
    if number:
        raise OSError("the disk is full")
    return number


def test_what_a_dead_worker_had_is_done_by_another(two_workers: Any, tmp_path: Path) -> None:
    with cluster(two_workers.scheduler_address, [tmp_path], tmp_path) as run:
        assert run(partial(die_once, tmp_path), range(5), "dying", "number") == [0, 2, 4, 6, 8]
    assert (tmp_path / "died").exists()


def test_what_kills_every_worker_is_given_up(
    two_workers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(two_workers.scheduler, "allowed_failures", 0)
    with cluster(two_workers.scheduler_address, [tmp_path], tmp_path) as run:
        with pytest.raises(LaunchError, match="died of the same number"):
            run(die, [1], "dying", "number")
        with pytest.raises(OSError, match="the disk is full"):
            run(fail, range(3), "failing", "number")


def test_workers_that_would_do_something_else_are_not_used(
    two_workers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = two_workers.scheduler_address
    unseen = tmp_path / "here only"
    with pytest.raises(LaunchError, match="does not see"), cluster(address, [unseen], tmp_path):
        pass
    monkeypatch.setattr(module, "fingerprint", lambda: "another version")
    with pytest.raises(LaunchError, match="another version"), cluster(address, [tmp_path], tmp_path):
        pass
    assert Fitness.name not in two_workers.scheduler.worker_plugins, "others may use the cluster too"


@pytest.mark.parametrize("package", ["av", "numpy", "scipy", "soxr", "torch", "torchaudio"])
def test_another_version_of_what_computes_the_features_is_noticed(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = module.fingerprint()
    monkeypatch.setattr(module, "version", lambda name: "0.1" if name == package else metadata.version(name))
    assert module.fingerprint() != here


def test_a_cluster_that_is_not_there_is_said_to_be_so(
    extract: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", "1s")
    for address in ("tcp://127.0.0.1:1", "nonsense://x"):
        status, _, complaint = extract("--cluster", address)
        assert status == 2
        assert complaint.splitlines()[-1] == f"train.py: There is no Dask scheduler at {address}."
    with start(0) as empty:
        status, _, complaint = extract("--cluster", empty.scheduler_address)
    assert status == 2
    assert "has no workers" in complaint.splitlines()[-1]


def test_without_dask_it_says_what_to_install(
    extract: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "genre_models.training.cluster")
    monkeypatch.setitem(sys.modules, "distributed", None)
    status, _, complaint = extract("--cluster", "tcp://127.0.0.1:1")
    assert status == 2
    assert "pip install -r requirements-cluster.txt" in complaint


def test_tests_and_clusters_have_the_same_dask() -> None:
    tested = (ROOT / "requirements-dev.txt").read_text().splitlines()
    assert set((ROOT / "requirements-cluster.txt").read_text().splitlines()) <= set(tested)
