"""What the app says of music outside the ten genres is counted as it was said, one answer a recording."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genre_models import audio
from genre_models.classify import ModelAnswer, Report, assemble, classify
from genre_models.hub import load_ensemble
from genre_models.metrics import OUTSIDE_FILE
from genre_models.paths import METRICS
from genre_models.sound import Sound
from genre_models.training import outside
from genre_models.training.commands import main
from genre_models.training.files import DataError
from genre_models.training.outside import NO_MUSIC, NOT_SURE, SURE, TOLD, Answer, Recording, Source
from tests.reports import ENSEMBLE, MUSIC, SPEECH, make_report
from tests.sounds import sound

RATE = 44_100
COLUMNS = "file\tartist\torigin\tlicence\ttold\n"


def write(path: Path, waveform: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, waveform, RATE)
    return path


def heard(share: float, tags: Mapping[str, float], what: Sound = MUSIC) -> Report:
    """All models give `share` to rock and the rest to the others alike; MusiCNN hears `tags`."""
    genres = make_report(1).genres
    said = {genre: share if genre == "rock" else (1 - share) / 9 for genre in genres}
    timeline = [list(said.values())]
    answers = [
        ModelAnswer("cnn", "rock", said, timeline, 1.0),
        ModelAnswer("musicnn", "rock", said, timeline, 1.0, dict(tags)),
    ]
    return assemble(6.0, [0.0], what, answers, ENSEMBLE, [], 1.0)


@pytest.mark.parametrize(
    ("report", "kind", "words"),
    [
        (heard(0.9, {"rock": 0.8}), SURE, "Rock:"),
        (heard(0.4, {"rock": 0.8}), NOT_SURE, "Not sure"),
        (heard(0.9, {"ambient": 0.2}), SURE, "Rock:"),
        (heard(0.9, {"ambient": 0.9}), TOLD, "sounds ambient, which is none of the ten genres"),
        (heard(0.9, {"ambient": 0.9}, SPEECH), NO_MUSIC, "does not sound like music"),
    ],
)
def test_an_answer_is_counted_as_what_the_visitor_reads(report: Report, kind: str, words: str) -> None:
    assert outside.kind_of(report) == kind
    assert words in report.verdict.sentence
    assert ("none of the ten genres" in report.verdict.sentence) == (kind == TOLD)


def test_it_asks_about_the_middle(tmp_path: Path) -> None:
    t = np.arange(40 * RATE) / RATE
    middle = (t >= 5) & (t < 35)
    path = write(tmp_path / "long.wav", np.where(middle, 0.5 * np.sin(2 * np.pi * 441 * t), 0.0))
    excerpt = tmp_path / "excerpt.wav"
    outside.write_excerpt(path, excerpt)
    assert len(audio.load(excerpt, RATE)) == 30 * RATE
    assert float(audio.load(excerpt, RATE).square().mean()) == pytest.approx(0.125, rel=1e-3)
    outside.write_excerpt(write(tmp_path / "short.wav", np.full(4 * RATE, 0.25)), excerpt)
    assert len(audio.load(excerpt, RATE)) == 4 * RATE


def answer(kind: str, confidence: float | None = None, artist: str = "") -> Answer:
    recording = Recording(Path("a.ogg"), "ambient", Source(artist=artist))
    return Answer(recording, kind, None if confidence is None else "rock", confidence, "A sentence.")


def test_shares_are_of_all_recordings_and_confidences_of_those_with_a_genre() -> None:
    answers = [answer(SURE, 0.9, "Ann"), answer(TOLD, 0.1, "Ann"), answer(NOT_SURE, 0.2, "Bo")]
    row = outside.summarise([*answers, answer(NO_MUSIC, artist="Bo")])["styles"]["ambient"]
    assert (row["recordings"], row["artists"]) == (4, 2)
    assert [row["answers"][kind]["share"] for kind in (SURE, TOLD, NOT_SURE, NO_MUSIC)] == [0.25] * 4
    assert row["confidence"]["mean"] == pytest.approx(0.4)
    assert row["confidence"]["median"] == pytest.approx(0.2)
    low, high = row["confidence"]["interval"]
    assert 0.1 <= low < 0.4 < high <= 0.9


def test_the_interval_of_a_share_is_wilsons() -> None:
    row = outside.summarise([answer(SURE, 0.9)] + 9 * [answer(NOT_SURE, 0.3)])["styles"]["ambient"]
    # 1 of 10: (0.1 + z²/20 ± z √(0.009 + z²/400)) / (1 + z²/10), z = 1.96
    assert row["answers"][SURE]["interval"] == pytest.approx([0.0179, 0.4042], abs=1e-4)
    assert row["answers"][NO_MUSIC]["interval"][0] == 0.0 < row["answers"][NO_MUSIC]["interval"][1]
    assert row["artists"] is None  # nobody said whose they are


def test_music_of_the_ten_genres_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "ambient" / "a.wav", np.zeros(RATE))
    write(tmp_path / "rock" / "b.wav", np.zeros(RATE))
    with pytest.raises(DataError, match="'rock' is one of the ten genres"):
        outside.index(tmp_path)


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ambient").mkdir()
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataError, match=r"holds no recordings|There is no folder"):
            outside.index(folder)


def test_a_table_of_sources_needs_its_columns(tmp_path: Path) -> None:
    write(tmp_path / "ambient" / "a.wav", np.zeros(RATE))
    (tmp_path / "recordings.tsv").write_text("file\tartist\nambient/a.wav\tAnn\n")
    with pytest.raises(DataError, match="needs the tab-separated columns"):
        outside.index(tmp_path)
    (tmp_path / "recordings.tsv").write_text(f"{COLUMNS}ambient/a.wav\tAnn\ta package\tCC0\ttag\n")
    (one,) = outside.index(tmp_path)
    assert one.source == Source("Ann", "a package", "CC0", "tag")


def test_the_command_asks_as_the_app_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    chord = write(data / "chords" / "chord.wav", np.repeat(sound(3, 1, 7.0), 2))
    write(data / "chords" / "silent.wav", np.zeros(4 * RATE))
    (data / "chords" / "broken.ogg").write_text("no sound")
    (data / "recordings.tsv").write_text(f"{COLUMNS}chords/chord.wav\tus\tmade here\tMIT\tby us\n")
    monkeypatch.setattr(sys, "argv", ["train.py", "outside", "--data", str(data), "--output", str(tmp_path)])
    main()
    said = capsys.readouterr().out
    assert "| chords | 1 | 1 |" in said
    assert "Skipped chords/silent.wav: The 30 s in its middle are silent." in said
    assert "Skipped chords/broken.ogg: " in said
    measured = json.loads((tmp_path / OUTSIDE_FILE).read_text())
    (one,) = measured["recordings"]
    report = classify(chord, load_ensemble())
    assert one["sentence"] == report.verdict.sentence
    assert one["genre"] == report.verdict.genre
    assert (one["artist"], one["origin"], one["licence"]) == ("us", "made here", "MIT")
    assert {each["file"] for each in measured["left_out"]} == {"chords/silent.wav", "chords/broken.ogg"}


def test_the_committed_figures_are_those_of_their_recordings() -> None:
    measured = json.loads((METRICS / OUTSIDE_FILE).read_text())
    for style, row in measured["styles"].items():
        own = [each for each in measured["recordings"] if each["file"].startswith(f"{style}/")]
        assert row["recordings"] == len(own) == sum(share["count"] for share in row["answers"].values())
        for kind, share in row["answers"].items():
            assert share["count"] == sum(each["answer"] == kind for each in own)
    assert all(each["origin"] and each["artist"] and each["told"] for each in measured["recordings"])


def test_a_row_says_what_was_not_counted_of_the_labelled_tracks() -> None:
    bins = [{"confidence": 0.2, "count": 1}, {"confidence": 0.6, "count": 3}]
    evaluation = {
        "data": {"tracks": 9, "artists": 4},
        "verdicts": {"sure_share": 0.25},
        "calibration": {"after": {"bins": bins}},
    }
    sounds = {"both": {"false alarms on unseen artists": {"clean": {"share": 0.01}}}}
    row = outside.labelled_row(evaluation, sounds)
    assert row == "| *the ten genres* | 9 | 4 | 50% | | 25% | | 75% | 1.0% |"
    table = outside.table(outside.summarise([answer(SURE, 0.9)]), row)
    assert len({line.count("|") for line in table.splitlines()}) == 1
