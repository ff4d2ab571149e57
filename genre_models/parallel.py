"""The same work on many things at once, each in one of several processes."""

import gc
import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from typing import Protocol, TypeVar

from tqdm import tqdm

from genre_models.memory import keep_freed

Item = TypeVar("Item")
Result = TypeVar("Result")


class Runner(Protocol):
    """Whatever does the same work on many things at once: `run`, or a cluster."""

    def __call__(
        self, function: Callable[[Item], Result], items: Iterable[Item], label: str, unit: str
    ) -> list[Result]:
        """What `function` makes of each item, in the order of the items, with a progress bar on stderr."""


def run(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    label: str,
    unit: str,
    workers: int | None = None,
    start_method: str | None = None,
    initializer: Callable[[], object] | None = None,
) -> list[Result]:
    """What `function` makes of each item, in the order of the items, with a progress bar on stderr.

    There is one process per processor unless `workers` says otherwise; each calls `initializer` first and
    keeps some of the memory that it frees.
    `start_method` is as in `multiprocessing`, by default the platform's. An error in a process is raised
    here, and like Ctrl-C it calls off what has not been handed to a process yet.
    """
    context = multiprocessing.get_context(start_method)
    pool = ProcessPoolExecutor(workers, context, partial(_begin, initializer))
    futures = [pool.submit(function, item) for item in items]
    try:
        for future in tqdm(as_completed(futures), total=len(futures), desc=label, unit=unit):
            future.result()
    except BaseException:
        for future in futures:  # one by one: what `cancel_futures` asks for is lost with the pool
            future.cancel()
        pool.shutdown(wait=False)
        raise
    pool.shutdown()
    return [future.result() for future in futures]


def _begin(initializer: Callable[[], object] | None) -> None:
    keep_freed()
    gc.freeze()  # what it inherits is not garbage: to look there costs time, and copies of the pages
    if initializer is not None:
        initializer()
