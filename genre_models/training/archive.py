"""Recordings out of an archive that somebody else has made: no path out of the folder, no links, no bombs."""

import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from genre_models.training.files import DataError
from genre_models.training.gtzan import ARTISTS_FILE, SUFFIXES

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MOST_GROWTH = 20
"""How many times its size an archive may unpack to; audio shrinks to a half or a third at best."""

LEAST_ROOM = 2**30  # bytes that every archive may unpack to
MOST_MEMBERS = 1_000_000
DAMAGES = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    LZMAError,
    EOFError,
    RuntimeError,  # an encrypted zip
    NotImplementedError,  # a zip compressed in a way that Python does not know
)


@dataclass(frozen=True)
class Member:
    """Something in an archive; `open` is None for what is not a plain file."""

    name: str
    size: int
    open: Callable[[], IO[bytes] | None] | None

    def place(self) -> PurePosixPath:
        """Where it belongs; raises `DataError` for a path that leaves the folder, on any system."""
        path = PureWindowsPath(self.name)
        if path.drive or path.root or ".." in path.parts or "\0" in self.name:
            raise DataError(f"it has a member outside its folder, {self.name!r}")
        return PurePosixPath(self.name)


def _tar_members(archive: Path) -> Iterator[Member]:
    with tarfile.open(archive) as tar:
        for info in tar:
            read = (lambda info=info: tar.extractfile(info)) if info.isreg() else None
            yield Member(info.name, info.size, read)


def _zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as packed:
        for info in packed.infolist():
            is_link = stat.S_ISLNK(info.external_attr >> 16)
            read = None if is_link or info.is_dir() else (lambda info=info: packed.open(info))
            yield Member(info.filename, info.file_size, read)


def _is_wanted(place: PurePosixPath) -> bool:
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in place.parts)
    return not hidden and (place.suffix.lower() in SUFFIXES or place.name == ARTISTS_FILE)


def _write(member: Member, target: Path) -> None:
    place = member.place()
    if not _is_wanted(place):
        return
    content = None if member.open is None else member.open()
    if content is None:
        raise DataError(f"{member.name!r} in it is no plain file")
    path = target / place
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(content), path.open("xb") as file:
        shutil.copyfileobj(content, file)


def _unpack(archive: Path, target: Path) -> None:
    left = max(LEAST_ROOM, MOST_GROWTH * archive.stat().st_size)
    members = _zip_members if archive.suffix.lower() == ".zip" else _tar_members
    for number, member in enumerate(members(archive)):
        left -= member.size
        if left < 0 or number == MOST_MEMBERS:
            raise DataError("it would unpack to far more than music can")
        _write(member, target)


def unpack(archive: Path, target: Path) -> None:
    """Write the audio files, and the tables of artists, of an archive below `target`; leave out all else.

    Raises `DataError` for an archive that is damaged, has a member that is a link or leaves the folder or is
    there twice, or that would unpack to more than `MOST_GROWTH` times its size. What was written stays.
    """
    try:
        _unpack(archive, target)
    except DataError as error:
        raise DataError(f"{archive.name} is not unpacked: {error}.") from error
    except FileExistsError as error:
        raise DataError(f"{archive.name} is not unpacked: it holds a file twice.") from error
    except DAMAGES as error:
        raise DataError(f"{archive.name} is damaged and cannot be unpacked.") from error
