"""A data set on the Hugging Face Hub -> a folder of this machine, as `gtzan.index` reads it.

Audio files in genre folders are taken as they lie; where there are none, archives are unpacked once for
each commit. Both stay in huggingface_hub's cache; HF_HOME, HF_HUB_OFFLINE and HF_TOKEN are its own.
"""

import glob
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from huggingface_hub import HfUri, cached_assets_path, parse_hf_uri, snapshot_download
from huggingface_hub.errors import HfUriError

from genre_models.classifiers import GENRES
from genre_models.hub.errors import explain
from genre_models.training.archive import ARCHIVES, unpack
from genre_models.training.files import DataError
from genre_models.training.gtzan import ARTISTS_FILE, LAYOUTS, SUFFIXES

SCHEME = "hf://"


class Fetched(NamedTuple):
    """A folder for `gtzan.index`, and the data set with the commit that it is of."""

    folder: Path
    uri: HfUri


def parse(text: str) -> HfUri:
    """`hf://user/name[@branch, tag or commit][/folder]`, with or without `datasets/` before the user.

    Raises `DataError` for anything else.
    """
    try:
        uri = parse_hf_uri(text)
    except HfUriError as error:
        raise DataError(f"'{text}' is no data set on the Hub: write hf://user/name@revision.") from error
    if uri.type not in {"model", "dataset"} or ".." in Path(uri.path_in_repo).parts:
        raise DataError(f"'{text}' is no data set on the Hub: write hf://user/name@revision.")
    return replace(uri, type="dataset", path_in_repo=uri.path_in_repo.strip("/"))


def fetch(uri: HfUri) -> Fetched:
    """Download what is not in the cache yet, unpack it if need be, and find the genre folders.

    Raises `DataError`, whose message never holds a token.
    """
    snapshot = _download(uri)
    pinned = replace(uri, revision=snapshot.name)
    place = snapshot / uri.path_in_repo
    roots = _roots(place) or _roots(_unpacked(place, pinned))
    if not roots:
        raise DataError(f"{uri.to_uri()} has no folder named after a genre with audio files inside.")
    if len(roots) > 1:
        names = ", ".join(sorted(root.name for root in roots))
        raise DataError(f"{uri.to_uri()} holds several collections: add /folder for one of {names}.")
    return Fetched(roots.pop(), pinned)


def _download(uri: HfUri) -> Path:
    folder = glob.escape(f"{uri.path_in_repo}/") if uri.path_in_repo else ""
    endings = [*SUFFIXES, *ARCHIVES, ARTISTS_FILE]
    wanted = [f"{folder}*{each}" for ending in endings for each in {ending, ending.upper()}]
    try:
        return Path(
            snapshot_download(uri.id, repo_type="dataset", revision=uri.revision, allow_patterns=wanted)
        )
    except Exception as error:  # whatever the Hub and the way to it are up to, a person wants one line
        missing = f"There is no data set {uri.id} on the Hub that you may read."
        raise DataError(explain(error, uri.id, uri.revision, missing)) from error


def _roots(place: Path) -> set[Path]:
    """The folders below `place` that `gtzan.index` can read: those that hold the genre folders."""
    audible = {path.parent for path in place.rglob("*") if path.suffix.lower() in SUFFIXES}
    above = {folder.parent for folder in audible if folder.name in GENRES}
    return {folder.parent if folder.name in LAYOUTS else folder for folder in above}


def _archives(place: Path) -> Iterator[Path]:
    return (path for path in sorted(place.rglob("*")) if path.name.lower().endswith(ARCHIVES))


def _unpacked(place: Path, uri: HfUri) -> Path:
    """All archives below `place`, each unpacked where it lies; the folder is there only when it is whole."""
    assets = cached_assets_path("genre-models", uri.id, str(uri.revision))
    target = assets / "--".join(("unpacked", *Path(uri.path_in_repo).parts))
    if target.is_dir():
        return target
    unfinished = Path(tempfile.mkdtemp(dir=assets))
    try:
        for archive in _archives(place):
            unpack(archive, unfinished / archive.parent.relative_to(place))
        unfinished.rename(target)
    except OSError:
        if not target.is_dir():  # otherwise another process was faster
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target
