"""Who trains a network: one process alone, or several together that `accelerate launch` started.

Together they take the very steps that one would take. Each process draws the same samples with the same
chance and takes its share of them; the gradients of the shares are summed before each step, so that a share
of another size, or none at all, weighs what it should. Averaged weights, validation, checkpoints and progress
are the main process's alone.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import Any, TypeVar

import torch
from accelerate import Accelerator
from accelerate.utils import InitProcessGroupKwargs, broadcast_object_list, gather_object
from torch import Tensor, nn

Result = TypeVar("Result")

PRECISIONS = {"no": None, "bf16": torch.bfloat16, "fp16": torch.float16}
LONGEST_WAIT = timedelta(days=1)
"""For a process that first listens to all recordings, or trains what others cannot help with."""


class LaunchError(ValueError):
    """Processes that cannot work together; the message is a sentence for a person."""


def is_main() -> bool:
    """Whether this process is the one that speaks, as the launcher has it."""
    return os.environ.get("RANK", "0") == "0"


def is_shared() -> bool:
    """Whether a launcher has started other processes like this one."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


class Alone:
    """One process that trains by itself on `device`, and what it would ask of others.

    With a `precision` the network computes in it (`torch.autocast`); weights and losses stay float32.
    """

    index, count = 0, 1

    def __init__(self, device: torch.device, precision: torch.dtype | None = None) -> None:
        self.device, self.precision = device, precision

    @property
    def main(self) -> bool:
        """Whether this process validates, keeps checkpoints and speaks."""
        return self.index == 0

    @property
    def share(self) -> slice:
        """Which of the samples of each batch are this process's."""
        return slice(self.index, None, self.count)

    def autocast(self) -> AbstractContextManager[Any]:
        """Where the network computes in lower precision, if it does."""
        return torch.autocast(self.device.type, self.precision) if self.precision else nullcontext()

    def own_chance(self) -> AbstractContextManager[None]:
        """Where chance, such as dropout, need not be the other processes' too."""
        return nullcontext()

    def sum_gradients(self, parameters: Iterable[nn.Parameter], losses: Tensor) -> None:
        """Add up the gradients, and the `losses` (), of all processes in place."""

    def from_main(self, make: Callable[[], Result]) -> Result:
        """What the main process makes, on every process; so are its errors."""
        return make()

    def one_per_host_first(self) -> AbstractContextManager[None]:
        """Where one process of each host goes ahead and the others follow when it is done."""
        return nullcontext()

    def agree(self, value: object) -> None:
        """Raises `LaunchError` where a value that should be the same everywhere is not."""


class Together(Alone):
    """One of several processes that train one network."""

    def __init__(self, accelerator: Accelerator, precision: torch.dtype | None) -> None:
        super().__init__(accelerator.device, precision)
        self.accelerator = accelerator
        self.index, self.count = accelerator.process_index, accelerator.num_processes

    @contextmanager
    def _own_chance(self) -> Iterator[None]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**31, ())) + self.index)
            yield

    def own_chance(self) -> AbstractContextManager[None]:
        """As for one; what is drawn outside stays the same on all processes."""
        return self._own_chance()

    @torch.no_grad()
    def sum_gradients(self, parameters: Iterable[nn.Parameter], losses: Tensor) -> None:
        """As for one, in one message; a process without samples adds nothing."""
        tensors = [losses]
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            tensors.append(parameter.grad)
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        whole = self.accelerator.reduce(flat, "sum").split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, whole, strict=True):
            tensor.copy_(part.view(tensor.shape))

    def from_main(self, make: Callable[[], Result]) -> Result:
        """As for one; the others wait."""
        message: list[Any] = [None, None]
        if self.main:
            try:
                message[0] = make()
            except Exception as error:
                message[1] = error
        broadcast_object_list(message)
        if message[1] is not None:
            raise message[1]
        return message[0]

    def one_per_host_first(self) -> AbstractContextManager[None]:
        """As for one."""
        return self.accelerator.local_main_process_first()

    def agree(self, value: object) -> None:
        """As for one; the value must be equal to itself after pickling."""
        values = gather_object([value])
        if any(other != value for other in values):
            raise LaunchError("The processes were given different settings, or see different recordings.")


@contextmanager
def launched(device: torch.device) -> Iterator[Alone]:
    """The processes that `accelerate launch` or torchrun started, or this one alone.

    The launcher's `--mixed_precision` holds where there is a GPU; a processor computes in float32. `device`
    is for a process that no launcher started. Raises `LaunchError` for a precision other than bf16 and fp16.
    """
    if "ACCELERATE_MIXED_PRECISION" not in os.environ and not is_shared():
        yield Alone(device)
        return
    on_gpu = torch.cuda.is_available()
    accelerator = Accelerator(
        cpu=not on_gpu,
        mixed_precision=None if on_gpu else "no",
        kwargs_handlers=[InitProcessGroupKwargs(timeout=LONGEST_WAIT)],
    )
    if accelerator.mixed_precision not in PRECISIONS:
        raise LaunchError(f"{accelerator.mixed_precision} is no precision to train in: take bf16 or fp16.")
    precision = PRECISIONS[accelerator.mixed_precision] if accelerator.device.type == "cuda" else None
    if accelerator.num_processes == 1:
        yield Alone(accelerator.device, precision)
    else:
        yield Together(accelerator, precision)
    accelerator.end_training()
