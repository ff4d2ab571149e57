"""What the training programs write is whole or not there, and reads as it was written."""

import json
from pathlib import Path

import pytest

from genre_models.paths import ASSETS, METRICS
from genre_models.training.files import write_json

WRITTEN = [
    *(METRICS / f"{name}.json" for name in ("choices", "curves", "descents", "evaluation")),
    *(METRICS / f"{name}.json" for name in ("melody", "sound", "teaching", "words")),
    *sorted((ASSETS / "weights").glob("*/metrics.json")),
]


@pytest.mark.parametrize("file", WRITTEN, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_the_bundled_files_are_as_the_programs_write_them(file: Path, tmp_path: Path) -> None:
    write_json(tmp_path / "new" / "again.json", json.loads(file.read_text(encoding="utf-8")))
    assert (tmp_path / "new" / "again.json").read_bytes() == file.read_bytes()


def test_a_file_of_before_outlives_what_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "metrics.json"
    write_json(file, {"epochs": 1})
    with pytest.raises(TypeError):
        write_json(file, {"epochs": {2}})
    (tmp_path / "metrics.json.part").mkdir()  # so that it cannot be written
    with pytest.raises(OSError, match=r"metrics\.json\.part"):
        write_json(file, {"epochs": 3})
    assert json.loads(file.read_text(encoding="utf-8")) == {"epochs": 1}


def test_nothing_but_the_file_is_left(tmp_path: Path) -> None:
    for content in ({"épochs": 1}, {"a folder's name that is not UTF-8": "\udcff"}):
        write_json(tmp_path / "metrics.json", content)
        assert json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8")) == content
        assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]
