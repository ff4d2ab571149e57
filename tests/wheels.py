"""Tiny wheels for tests of fetching: made here, found by pip in a folder."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import polib

from genre_models.training.words_packages import Package


def make_wheel(folder: Path, name: str, files: Mapping[str, bytes]) -> Package:
    """A wheel of version 1.0 in `folder` that pip takes for real."""
    info = f"{name}-1.0.dist-info"
    known = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    known[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*known, f"{info}/RECORD")).encode()
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in known.items():
            archive.writestr(path, content)
    return Package(name, "1.0", hashlib.sha256(wheel.read_bytes()).hexdigest(), "MIT")


def catalogue(*entries: polib.POEntry) -> bytes:
    """A compiled catalogue with these messages."""
    file = polib.POFile()
    file.metadata = {"Content-Type": "text/plain; charset=UTF-8", "Plural-Forms": "nplurals=2; plural=(n>1);"}
    file.extend(entries)
    return file.to_binary()
