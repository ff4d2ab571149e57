"""Index of a genre data set: which file is which track, genre and artist."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torchaudio.datasets.gtzan import filtered_test, filtered_train, filtered_valid

from genre_models.classifiers import GENRES
from genre_models.training.files import DataError

SUFFIXES = {".wav", ".au", ".flac", ".mp3", ".ogg"}
ARTISTS_FILE = "artists.tsv"
LAYOUTS = ("clips", "excerpts", "genres_original", "genres")
"""What the folder of the genre folders may be called, if it is not the data folder itself."""

PUBLISHED = {
    **dict.fromkeys(filtered_train, "train"),
    **dict.fromkeys(filtered_valid, "valid"),
    **dict.fromkeys(filtered_test, "test"),
}
"""The artist-filtered split of all of GTZAN (Kereliuk, Sturm and Larsen 2015): 443, 197 and 290 tracks."""

Kind = Literal["clip", "excerpt"]


@dataclass(frozen=True)
class Recording:
    """One audio file. A track may have two, a clip and an excerpt; `artist` is None where unknown."""

    path: Path
    track: str
    genre: str
    artist: str | None
    kind: Kind

    @property
    def group(self) -> str:
        """What must stay on one side of a split: the artist, or the track where no artist is known."""
        return f"track {self.track}" if self.artist is None else f"artist {self.artist}"


def read_artists(path: Path) -> dict[str, str]:
    """`artists.tsv`, with the columns track and artist, as {track: artist}."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    if not rows or not {"track", "artist"} <= rows[0].keys():
        raise DataError(f"{path.name} needs the tab-separated columns track and artist.")
    return {row["track"]: row["artist"] for row in rows}


def _roots(data: Path) -> Iterator[tuple[Path, Kind]]:
    if (data / "clips").is_dir() or (data / "excerpts").is_dir():
        yield data / "clips", "clip"
        yield data / "excerpts", "excerpt"
    elif (data / "genres_original").is_dir():
        yield data / "genres_original", "clip"
    elif (data / "genres").is_dir():
        yield data / "genres", "clip"
    else:
        yield data, "clip"


def _genre_folders(root: Path) -> list[Path]:
    folders = sorted(folder for folder in root.iterdir() if folder.is_dir() and folder.name[0] not in "._")
    audible = [folder for folder in folders if any(_audio_files(folder))]
    unknown = [folder.name for folder in audible if folder.name not in GENRES]
    if unknown:
        raise DataError(f"'{unknown[0]}' is not a genre; the folders must be among {', '.join(GENRES)}.")
    return audible


def _audio_files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES)


def index(data: Path) -> list[Recording]:
    """All recordings below `data`, in order of kind, genre and name.

    Layouts: one folder per genre; the same below `genres_original/` or `genres/`; or `clips/` and
    `excerpts/`, each with one folder per genre. An `artists.tsv` in `data` names the artists.
    Raises `DataError` for a folder that holds no recording, or one of another genre.
    """
    if not data.is_dir():
        raise DataError(f"There is no folder {data}.")
    table = data / ARTISTS_FILE
    artists = read_artists(table) if table.is_file() else {}
    recordings = [
        Recording(path, path.stem, folder.name, artists.get(path.stem), kind)
        for root, kind in _roots(data)
        if root.is_dir()
        for folder in _genre_folders(root)
        for path in _audio_files(folder)
    ]
    if not recordings:
        raise DataError(
            f"{data} holds no recordings: it needs one folder per genre, with audio files inside."
        )
    return recordings


def is_full_set(recordings: list[Recording]) -> bool:
    """Whether every track of the published artist-filtered split is there."""
    return PUBLISHED.keys() <= {recording.track for recording in recordings}


def describe(recordings: list[Recording]) -> dict[str, int]:
    """How many clips, excerpts, tracks and known artists."""
    kinds = Counter(recording.kind for recording in recordings)
    return {
        "clips": kinds["clip"],
        "excerpts": kinds["excerpt"],
        "tracks": len({recording.track for recording in recordings}),
        "artists": len({recording.artist for recording in recordings} - {None}),
    }
