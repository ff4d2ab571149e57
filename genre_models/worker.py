"""The one thread in which the Transformers write tunes and words, so that they do it by turns."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import TypeVar

import torch

Result = TypeVar("Result")


def compute_alone() -> None:
    """Let the calling thread compute without helpers, as small matrices want it.

    PyTorch keeps the number of threads for each thread, but new ones take the number that was set last: one
    that sets the former number again leaves the rest of the program as it was.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    restorer = Thread(target=torch.set_num_threads, args=[threads])
    restorer.start()
    restorer.join()


_BACK = ThreadPoolExecutor(1, "writer", compute_alone)


def in_the_back(work: Callable[[], Result]) -> Result:
    """Do something in that thread, after what already waits for it.

    On two busy cores a tune takes 40 times as long with PyTorch's threads as without.
    """
    return _BACK.submit(work).result()
