"""Many files at once, and the command line that answers about them and carries tunes on."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import gradio as gr
import mido
import pytest
from playwright.sync_api import Page, expect

from genre_models import several
from genre_models.__main__ import main
from genre_models.classify import classify
from genre_models.hub import Ensemble, load_ensemble
from genre_models.ui.examples import EXAMPLES
from genre_models.ui.html import percent, seconds
from genre_models.ui.several import SeveralPanel
from tests.conftest import ROOT

METAL = EXAMPLES / "chaos-god.ogg"
MODELS = ("mlp", "cnn")


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return load_ensemble()


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["genre_models", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_a_bad_file_stops_none_of_the_others(ensemble: Ensemble, clips: Path) -> None:
    paths = [clips / "short.wav", clips / "text.wav", METAL]
    first, bad, last = several.answer(paths, ensemble, MODELS)
    assert first.report and last.report and not first.problem
    assert bad.report is None and bad.problem and bad.problem.endswith(".")
    assert last.report.probabilities == classify(METAL, ensemble, MODELS).probabilities


def test_table_has_a_row_for_each_file(ensemble: Ensemble, clips: Path) -> None:
    paths = [METAL, clips / "silence.wav", clips / "text.wav"]
    answers = list(several.answer(paths, ensemble, MODELS))
    rows = list(csv.DictReader(io.StringIO(several.to_csv(answers, MODELS).decode())))
    assert [row["file"] for row in rows] == [path.name for path in paths]
    named, silent, broken = rows
    assert answers[0].report and named["verdict"] == answers[0].report.verdict.genre
    assert named["problem"] == "" and {named["mlp"], named["cnn"]} <= set(answers[0].report.genres)
    assert silent["verdict"] == "" and "silent" in silent["problem"] and float(silent["seconds"]) == 4
    assert broken["seconds"] == "" and broken["problem"] == answers[2].problem


def test_the_page_says_it_in_words(ensemble: Ensemble, clips: Path) -> None:
    with gr.Blocks():
        panel = SeveralPanel(ensemble, gr.CheckboxGroup(), {})
    *_, last = [
        update
        for update in panel.on_files([str(METAL), str(clips / "text.wav")], [*MODELS, "musicnn"])
        if panel.table in update
    ]
    metal, broken = re.findall("<tr>.*?</tr>", last[panel.table], re.DOTALL)[1:]
    (answered,) = several.answer([METAL], ensemble, [*MODELS, "musicnn"])
    assert answered.report is not None
    verdict = answered.report.verdict
    cells = re.findall(r'data-label="(\w+)"[^>]*>([^<]*)<', metal)
    assert [label for label, _ in cells][-3:] == ["MusiCNN", "CNN", "MLP"]  # by weight
    assert cells[:2] == [("Length", seconds(answered.report.duration_s)), ("Verdict", "metal")]
    assert ("Confidence", percent(verdict.confidence)) in cells
    assert ("Agreement", f"{round(3 * verdict.agreement)} of 3") in cells
    assert METAL.name in metal and "This file" in broken


def test_a_press_on_a_heading_sorts_and_what_has_no_value_comes_last(page: Page, clips: Path) -> None:
    page.get_by_role("button", name="Several files at once").click()
    page.set_input_files("#several input[type=file]", [clips / "text.wav", clips / "music.wav", METAL])
    expect(page.locator("#several-csv")).to_be_visible()
    files = page.locator("#several-table tbody th")
    for order in ("ascending", "descending"):
        page.get_by_role("button", name="Confidence", exact=True).click()
        expect(page.get_by_role("columnheader", name="Confidence")).to_have_attribute("aria-sort", order)
        expect(page.locator("#several-table [data-label=Confidence]")).to_have_count(2)
        shown = page.locator("#several-table [data-label=Confidence]").all()
        shares = [float(cell.get_attribute("data-sort") or "") for cell in shown]
        assert shares == sorted(shares, reverse=order == "descending") and len(shares) == 2
        expect(files.last).to_have_text("text.wav")


def test_command_line_says_the_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "classify", METAL, "--only", "musicnn") == 0
    assert capsys.readouterr().out == f"{METAL}: Metal: the one model asked says so.\n"


def test_json_is_one_report_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clips: Path
) -> None:
    status = run(
        monkeypatch, "classify", METAL, clips / "text.wav", clips / "short.wav", "--json", "--only", *MODELS
    )
    said = capsys.readouterr()
    reports = [json.loads(line) for line in said.out.splitlines()]
    assert status == 1
    assert [report["file"] for report in reports] == [str(METAL), str(clips / "short.wav")]
    assert [model["name"] for model in reports[0]["models"]] == list(MODELS)
    assert "text.wav: " in said.err


def test_csv(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "classify", METAL, "--csv", "--only", "mlp") == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["file"] == METAL.name and float(row["confidence"]) > 0


def test_notes_are_carried_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "tune.mid"
    asked = ["generate", "A5 E5 C#5", "--length", "8", "--seed", "1"]
    assert run(monkeypatch, *asked, "--json", "--midi", file) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["seed"] == 1 and answer["notes"].startswith("A5:1/8 E5:1/8 C#5:1/8 ")
    assert len(answer["notes"].split()) == 3 + 8
    assert sum(message.type == "note_on" for message in mido.MidiFile(file)) <= 3 + 8
    assert run(monkeypatch, *asked) == 0
    assert capsys.readouterr().out.strip() == answer["notes"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["generate", "H9"], "note 1, 'H9'"),
        (["generate", "A4", "--length", "9999"], "512"),
        (["generate", "A4", "--temperature", "50"], "The temperature is 0 to 2, not 50."),
        (["generate", "A4", "--key", "H major"], "There is no key 'H major'"),
        (["generate", "A4", "--models", "nowhere"], "nowhere"),
        (["classify", "x.wav", "--models", "nowhere"], "nowhere"),
    ],
)
def test_wrong_input_gets_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert run(monkeypatch, *arguments) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and sentence in said.err


def test_missing_file_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "genre_models", "classify", "nowhere.wav"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == "" and done.stderr.startswith("genre_models: nowhere.wav: ")
