"""The example clips that ship with the app, with their credits."""

import filecmp
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from genre_models.paths import ASSETS

EXAMPLES = ASSETS / "examples"


@dataclass(frozen=True)
class Example:
    """A clip, what its makers call its style (None where they do not say), and whom to credit."""

    path: Path
    title: str
    artist: str
    style: str | None
    source: str
    source_url: str
    licence: str
    licence_url: str

    @property
    def collection(self) -> str:
        """The package that the clip comes from, in short."""
        return self.source.split(",")[0].removeprefix("Debian package ")


def load_examples(folder: Path = EXAMPLES) -> list[Example]:
    """The clips listed in `folder/examples.json`; none where there is no list."""
    index = folder / "examples.json"
    if not index.is_file():
        return []
    fields = Example.__dataclass_fields__.keys() - {"path"}
    return [
        Example(path=folder / entry["file"], **{field: entry[field] for field in fields})
        for entry in json.loads(index.read_text(encoding="utf-8"))
    ]


def find_example(clip: Path, examples: Iterable[Example]) -> Example | None:
    """The example that `clip` is an untouched copy of, if it is one."""
    for example in examples:
        if clip.name == example.path.name and filecmp.cmp(clip, example.path, shallow=False):
            return example
    return None
