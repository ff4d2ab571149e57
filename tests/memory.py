"""How much memory processes hold, in bytes, as Linux counts it."""

from pathlib import Path


def resident(process: int | str = "self") -> int:
    """What a process holds now."""
    return _field(process, "VmRSS")


def peak(process: int | str = "self") -> int:
    """The most that it has held."""
    return _field(process, "VmHWM")


def forget_peak(process: int | str = "self") -> None:
    """Let `peak` start again from what is held now."""
    Path(f"/proc/{process}/clear_refs").write_text("5")


def children(process: int) -> list[int]:
    """The processes that one has started, and theirs."""
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").iterdir():
        try:
            started = (task / "children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):  # the thread has just ended
            continue
        for child in map(int, started):
            found += [child, *children(child)]
    return found


def family(process: int) -> int:
    """What a process and all that it has started hold now."""
    total = 0
    for one in (process, *children(process)):
        try:
            total += resident(one)
        except FileNotFoundError:  # it has just ended
            continue
    return total


def _field(process: int | str, name: str) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return 1024 * next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)
