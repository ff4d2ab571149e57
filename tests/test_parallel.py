"""Work shared out over processes: order, progress, errors, interruptions."""

import gc
import multiprocessing
import os
import platform
import resource
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from genre_models import parallel

N_ITEMS = 20

_prepared = 0


def prepare(number: int) -> None:
    global _prepared
    _prepared = number


def squared(number: int) -> int:
    """The first items take longest."""
    time.sleep(0.02 * max(0, 3 - number))
    return _prepared + number**2


def process(_: int) -> int:
    return os.getpid()


def pages_taken(_: int) -> int:
    """By twenty arrays of 2 MB together, after as many that were freed."""
    [np.ones(2**18) for _ in range(20)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    [np.ones(2**18) for _ in range(20)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def objects_never_searched(_: int) -> int:
    """By the garbage collector."""
    return gc.get_freeze_count()


def failing_at_once(number: int, error: type[BaseException], folder: Path) -> None:
    if number == 0:
        raise error("no more")
    time.sleep(0.05)
    (folder / str(number)).touch()


@pytest.mark.parametrize("start_method", [None, "spawn"])
def test_results_are_in_the_order_of_the_items(start_method: str | None) -> None:
    initializer = partial(prepare, 100)
    results = parallel.run(squared, range(9), "squares", "number", 2, start_method, initializer)
    assert results == [100 + number**2 for number in range(9)]


def test_work_is_done_in_other_processes_as_many_as_asked_for() -> None:
    for workers in (1, 2):
        processes = set(parallel.run(process, range(N_ITEMS), "processes", "number", workers))
        assert len(processes) <= workers
        assert os.getpid() not in processes


def test_no_garbage_is_looked_for_in_what_a_process_inherits() -> None:
    assert parallel.run(objects_never_searched, [0], "objects", "object", workers=1)[0] > 10_000
    assert gc.get_freeze_count() == 0


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")
def test_the_processes_use_memory_again() -> None:
    pages = 20 * 2 * 2**20 // resource.getpagesize()
    assert parallel.run(pages_taken, [0], "arrays", "array", workers=1)[0] < pages / 10


def test_no_items_are_no_results() -> None:
    assert parallel.run(squared, [], "squares", "number") == []


def test_progress_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    parallel.run(squared, range(4), "squares", "number", workers=1)
    said = capsys.readouterr()
    assert not said.out
    assert "squares: 100%" in said.err
    assert "4/4" in said.err


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_reaches_the_caller_and_calls_off_the_rest(
    error: type[BaseException], tmp_path: Path
) -> None:
    function = partial(failing_at_once, error=error, folder=tmp_path)
    said = ""
    try:
        parallel.run(function, range(N_ITEMS), "failures", "number", workers=1)
    except error as caught:  # not `pytest.raises`, which keeps alive what the error refers to
        said = str(caught)
    assert said == "no more"
    for child in multiprocessing.active_children():
        child.join(timeout=20)
    assert len(list(tmp_path.iterdir())) < N_ITEMS / 2
