"""How every training program writes what it measured, and its word for what it cannot use."""

import hashlib
import json
from pathlib import Path
from typing import Any


class DataError(ValueError):
    """Data or a file that cannot be had or used; the message is a sentence for a person."""


def file_digest(path: Path) -> str:
    """A short name for what is in a file: a copy, or one with a newer date, has the same.

    Of a file that cannot be read it is "unreadable"; who opens it tells why.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError:
        return "unreadable"


def write_json(path: Path, content: Any) -> None:
    """Indented, in a folder that need not be there yet; a file of before stays until the new one is whole."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.part")
    # half a surrogate, as in a file name that is not UTF-8, is written as JSON's own escape
    unfinished.write_bytes(text.encode(errors="backslashreplace"))
    unfinished.replace(path)
