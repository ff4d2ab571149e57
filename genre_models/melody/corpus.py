"""Real tunes: the public-domain books in music21's wheel, or a folder of ABC, MIDI and MusicXML files."""

import hashlib
import importlib.util
import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from genre_models import parallel
from genre_models.melody.reading import SUFFIXES, Reading, read_file
from genre_models.melody.tune import Key, Metre, Note, Tune

PUBLIC_DOMAIN = {
    "O'Neill's Music of Ireland": "oneills1850",
    "Ryan's Mammoth Collection": "ryansMammoth",
    "Aird's Airs": "airdsAirs",
}
"""Title of each book, and its folder in music21's corpus."""
NOT_FOR_COMMERCIAL_USE = {"Essen folksongs": "essenFolksong"}
"""By the licence beside them: read only when asked for by name."""
BOOKS = PUBLIC_DOMAIN | NOT_FOR_COMMERCIAL_USE

VERSION = 1
"""Of what is kept in the cache: another number means reading again."""


class CorpusError(ValueError):
    """Tunes that cannot be had; the message is a sentence for a person."""


def read_books(cache: Path, names: Iterable[str] = PUBLIC_DOMAIN) -> dict[str, Reading]:
    """The tunes of each book, by default of those in the public domain.

    The first time takes minutes, with a progress bar, then they come from JSON files in `cache`. Raises
    `CorpusError` for a name that is not in `BOOKS`, or without music21.
    """
    names = list(names)
    if unknown := [name for name in names if name not in BOOKS]:
        raise CorpusError(f"There is no book called “{unknown[0]}”: the books are {', '.join(BOOKS)}.")
    spec = importlib.util.find_spec("music21")
    if spec is None or spec.origin is None:
        raise CorpusError("The books come with the package music21, which is not installed.")
    corpus = Path(spec.origin).parent / "corpus"
    return {name: _read_cached(_music_below(corpus / BOOKS[name]), cache, name) for name in names}


def read_folder(folder: Path, cache: Path) -> Reading:
    """The tunes of all ABC, MIDI and MusicXML files in a folder and the folders in it, cached likewise.

    Raises `CorpusError` where there is no such file.
    """
    files = _music_below(folder)
    if not files:
        raise CorpusError(f"There is no ABC, MIDI or MusicXML file in {folder}.")
    return _read_cached(files, cache, folder.name)


def _music_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def _read_cached(files: Sequence[Path], cache: Path, name: str) -> Reading:
    target = cache / f"tunes-{_fingerprint(files)}.json"
    if target.is_file() and (kept := _from_cache(target)) is not None:
        return kept
    reading = _read_all(files, name)
    text = f'{{"skipped": {json.dumps(reading.skipped)}, "tunes": {tunes_to_json(reading.tunes)}}}\n'
    cache.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}.part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(target)
    return reading


def _fingerprint(files: Sequence[Path]) -> str:
    stats = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(json.dumps([VERSION, stats]).encode()).hexdigest()[:16]


def _from_cache(target: Path) -> Reading | None:
    """What was kept; nothing if the file is damaged."""
    try:
        content = json.loads(target.read_text(encoding="utf-8"))
        return Reading([_tune(values) for values in content["tunes"]], Counter(content["skipped"]))
    except (ValueError, TypeError, LookupError):
        return None


def _read_all(files: Sequence[Path], name: str) -> Reading:
    """Every file in a process pool; the tunes in the order of the files."""
    whole = Reading()
    for reading in parallel.run(read_file, files, name, "file", start_method="spawn"):
        whole.tunes += reading.tunes
        whole.skipped += reading.skipped
    return whole


def tunes_to_json(tunes: Sequence[Tune]) -> str:
    """A JSON list, one tune a line."""
    return "[" + ",\n".join(json.dumps(_values(tune), ensure_ascii=False) for tune in tunes) + "]"


def _values(tune: Tune) -> dict[str, Any]:
    return {
        "title": tune.title,
        "key": [tune.key.tonic, tune.key.mode],
        "metre": [tune.metre.beats, tune.metre.unit],
        "pickup": str(tune.pickup),
        "notes": [[note.pitch, str(note.length), note.flat] for note in tune.notes],
    }


def _tune(values: dict[str, Any]) -> Tune:
    notes = tuple(Note(pitch, Fraction(length), flat) for pitch, length, flat in values["notes"])
    key, metre = Key(*values["key"]), Metre(*values["metre"])
    return Tune(notes, key, metre, Fraction(values["pickup"]), values["title"])
