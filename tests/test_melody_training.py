"""`train.py melody`: from a folder of tunes to weights that carry a tune on, and figures of all models."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genre_models.hub import load_melody
from genre_models.melody.compose import Request, continue_tune
from genre_models.melody.corpus import read_folder
from genre_models.melody.model import MelodyTransformer
from genre_models.melody.notes import parse
from genre_models.melody.reading import Reading
from genre_models.melody.vocabulary import SIZE
from genre_models.training import melody, melody_report
from genre_models.training.commands import main
from genre_models.training.lstm_seq2seq import LSTMEncoderDecoder
from genre_models.training.teacher_forcing import Model, Trainer

N_TUNES = 30
SMALL: dict[str, Callable[[], Model]] = {
    "transformer": lambda: MelodyTransformer(8, 2, 1, 1, 16),
    "lstm": lambda: LSTMEncoderDecoder(SIZE, d_model=8, hidden=8, layers=2),
}


def abc(number: int) -> str:
    """A tune of eight bars that is like no other."""
    rng = np.random.default_rng(number)
    bars = ["".join(rng.choice(list("DEFGABcdef"), 8)) for _ in range(8)]
    return f"X:{number}\nT:Number {number}\nM:4/4\nL:1/8\nK:D\n{'|'.join(bars)}|]\n\n"


def write_tunes(folder: Path) -> Path:
    folder.mkdir()
    (folder / "book.abc").write_text("".join(map(abc, range(1, N_TUNES + 1))), encoding="utf-8")
    return folder


class Program:
    """`train.py melody` on a folder, in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tunes = folder, write_tunes(folder / "tunes")
        self.metrics_file = folder / "all" / "melody.json"

    def __call__(self, *arguments: str, output: str = "out") -> None:
        """Raises SystemExit where it does not end well."""
        places = {
            "--data": self.tunes,
            "--cache": self.folder / "cache",
            "--output": self.folder / output,
            "--metrics": self.metrics_file,
        }
        given = [str(word) for flag, path in places.items() for word in (flag, path)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["train.py", "melody", *given, "--epochs", "1", *arguments])
            patch.setattr(melody, "NETWORKS", SMALL)
            for name, value in {"RUNS": 3, "MOST_NOTES": 20, "RUN_NOTES": 8}.items():
                patch.setattr(melody_report, name, value)
            patch.setattr(melody_report, "SAMPLINGS", melody_report.SAMPLINGS[:2])
            try:
                main()
            finally:
                logging.disable(logging.NOTSET)

    @property
    def metrics(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.metrics_file.read_text(encoding="utf-8"))
        return content


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program, once everything is trained."""
    whole = Program(tmp_path_factory.mktemp("melody"))
    whole()
    return whole


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train_epoch", lambda _: pytest.fail("it trains"))
        yield


def test_all_models_are_measured_on_the_same_notes(program: Program) -> None:
    metrics = program.metrics
    assert list(metrics["models"]) == ["transformer", "lstm", "3-gram", "3-gram with beat"]
    for part in ("validation", "test"):
        notes = {one[part]["notes"] for one in metrics["models"].values()}
        assert len(notes) == 1
        for one in metrics["models"].values():
            assert 1 < one[part]["pitch"] < one[part]["note"] < SIZE**4
    assert metrics["corpus"]["split"] == {"train": 24, "valid": 3, "test": 3}
    assert metrics["corpus"]["tunes"] == {"tunes": N_TUNES}
    assert metrics["heard"] == [62, 78]


def test_how_the_networks_were_trained_is_told(program: Program) -> None:
    for name, new in SMALL.items():
        one = program.metrics["models"][name]
        assert one["parameters"] == sum(parameter.numel() for parameter in new().parameters())
        assert one["steps"] == len(one["history"]) * 2  # 24 tunes, 16 in a batch
        assert str(one["plan"]["learning_rate"]) == min(one["trials"], key=one["trials"].get)


def test_the_3_gram_is_the_best_of_those_tried(program: Program) -> None:
    for name, recipes in melody.N_GRAMS.items():
        one = program.metrics["models"][name]
        assert len(one["trials"]) == len(recipes) >= len(melody.LEARNING_RATES)
        assert one["validation"]["note"] == min(trial["note"] for trial in one["trials"])


def test_the_weights_carry_a_tune_on_and_lie_beside_their_figures(program: Program) -> None:
    model = load_melody(program.folder / "out")
    assert model is not None
    assert len(list(continue_tune(model, Request(parse("D4 E4 F#4"), length=10, stop=False)))) == 10
    text = (program.folder / "out" / "melody" / "metrics.json").read_text(encoding="utf-8")
    beside = json.loads(text)
    assert beside["tunes"] == 24
    assert beside["heard"] == [62, 78]
    assert beside["perplexity"]["transformer"] == program.metrics["models"]["transformer"]["test"]
    assert beside["runs"]["test"] == program.metrics["runs"]["test"]


def test_resume_trains_nothing_again(program: Program, no_training: None) -> None:
    before = program.metrics
    program("--resume")
    assert program.metrics == before


def only(tunes: slice, times: int = 1) -> Callable[..., Reading]:
    """Reads some of the tunes of a folder, perhaps several times."""

    def read(*arguments: Any) -> Reading:
        return Reading(read_folder(*arguments).tunes[tunes] * times)

    return read


def test_resume_wants_the_same_tunes(
    program: Program, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(melody, "read_folder", only(slice(25)))
    with pytest.raises(SystemExit) as stop:
        program("--resume")
    assert stop.value.code == 2
    assert "other settings or data" in capsys.readouterr().err.splitlines()[-1]


def test_one_network_alone(program: Program, capsys: pytest.CaptureFixture[str]) -> None:
    kept = program.metrics_file.read_text(encoding="utf-8")
    program("--model", "lstm", output="alone")
    metrics = program.metrics
    program.metrics_file.write_text(kept, encoding="utf-8")
    assert list(metrics["models"]) == ["lstm", "3-gram", "3-gram with beat"]
    assert "runs" not in metrics
    assert metrics["models"]["lstm"]["test"] == program.metrics["models"]["lstm"]["test"]
    said = capsys.readouterr().out
    assert "30 tunes from tunes" in said
    assert "| lstm |" in said
    assert load_melody(program.folder / "alone") is None


def test_ctrl_c_says_how_to_go_on(
    program: Program, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Trainer) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train_epoch", interrupted)
        with pytest.raises(SystemExit) as stop:
            program(output="stopped")
    assert stop.value.code == 130
    assert "--resume" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "no/such/folder"], "There is no ABC, MIDI or MusicXML file in no/such/folder."),
        (["--model", "tuba"], "invalid choice: 'tuba'"),
        (["--epochs", "0"], "not a whole number above 0"),
        (["--essen"], "not allowed with argument"),
    ],
)
def test_wrong_input_gets_one_line_and_status_2(
    program: Program, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        program(*arguments)
    assert stop.value.code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_too_few_different_tunes(
    program: Program, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(melody, "read_folder", only(slice(1), times=5))
    with pytest.raises(SystemExit) as stop:
        program()
    assert stop.value.code == 2
    assert "1 of 5 tunes" in capsys.readouterr().err.splitlines()[-1]
