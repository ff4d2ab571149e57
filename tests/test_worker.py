"""The thread that the Transformers write in."""

from concurrent.futures import ThreadPoolExecutor

import torch

from genre_models.worker import compute_alone


def test_a_thread_that_computes_alone_leaves_the_others_as_they_were() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with ThreadPoolExecutor(1, initializer=compute_alone) as alone, ThreadPoolExecutor(1) as other:
            assert alone.submit(torch.get_num_threads).result() == 1
            other.submit(lambda: torch.ones(64, 64) @ torch.ones(64, 64)).result()
            assert other.submit(torch.get_num_threads).result() == 3
            assert torch.get_num_threads() == 3
            assert alone.submit(torch.get_num_threads).result() == 1
    finally:
        torch.set_num_threads(before)
