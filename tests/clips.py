"""Real clips for the tests that want them, from the folder that GTZAN_DIR names."""

import os
from pathlib import Path

import pytest


def gtzan_dir() -> Path:
    """The data folder; skips the test, saying so, where there is none."""
    if "GTZAN_DIR" not in os.environ:
        pytest.skip("GTZAN_DIR is not set: point it at a folder of real clips to run this test")
    return Path(os.environ["GTZAN_DIR"])


def real_clips(one_per_genre: bool = False) -> list[Path]:
    """The 30 s clips, or the first of each genre."""
    folders = sorted(folder for folder in (gtzan_dir() / "clips").iterdir() if folder.is_dir())
    clips = [sorted(folder.glob("*.flac")) for folder in folders]
    return [paths[0] for paths in clips] if one_per_genre else [path for paths in clips for path in paths]
