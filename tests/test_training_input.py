"""Files of an earlier `train.py` that are not what they should be get one line and status 2."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from genre_models.training import commands
from genre_models.training.choice import CHOICES_FILE

Refused = Callable[..., str]
NO_CHOICES = ("These are words.", "[]", '{"models": {"mlp": {"all": {}}}, "pools": {}, "steps": {}}', "é\xff")


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Refused:
    """The one line that `train.py` answers with, before it looks for data: there is none."""

    def run(command: str, *arguments: object) -> str:
        line = ["train.py", command, "--data", tmp_path / "nowhere", *arguments]
        monkeypatch.setattr(sys, "argv", [str(one) for one in line])
        with pytest.raises(SystemExit) as stopped:
            commands.main()
        said, complaint = capsys.readouterr()
        assert stopped.value.code == 2
        assert said == ""
        (only,) = complaint.splitlines()
        return only

    return run


@pytest.mark.parametrize("content", NO_CHOICES)
def test_a_file_without_choices_is_named(refused: Refused, tmp_path: Path, content: str) -> None:
    file = tmp_path / "choices.json"
    file.write_text(content, encoding="latin-1")
    expected = f"train.py: {file} is damaged, or not from train.py choose: run train.py choose."
    assert refused("genre", "--choices", file) == expected
    assert refused("evaluate", "--output", tmp_path) == expected


def test_a_model_of_which_nothing_was_chosen_is_named(refused: Refused, tmp_path: Path) -> None:
    choices = json.loads(CHOICES_FILE.read_text(encoding="utf-8"))
    del choices["models"]["lstm"], choices["models"]["cnn"]["all"]
    file = tmp_path / "choices.json"
    file.write_text(json.dumps(choices), encoding="utf-8")
    advice = "run train.py choose, or train without --choices."
    assert refused("genre", "--choices", file) == f"train.py: Nothing was chosen for cnn, lstm: {advice}"
    assert "Nothing was chosen for lstm:" in refused("genre", "--model", "lstm", "--choices", file)
    assert "There is no folder" in refused("genre", "--model", "mlp", "--choices", file)


@pytest.mark.parametrize("content", ['{"splits": ', "[]", "\xff"])
def test_a_damaged_evaluation_is_named(refused: Refused, tmp_path: Path, content: str) -> None:
    shutil.copy(CHOICES_FILE, tmp_path)
    file = tmp_path / "evaluation.json"
    file.write_text(content, encoding="latin-1")
    advice = "delete it, and every split is measured anew."
    assert refused("evaluate", "--output", tmp_path) == f"train.py: {file} is damaged: {advice}"
