"""A report in a link, and back."""

import base64
import csv
import io
import json
import zlib
from typing import Any

import pytest

from genre_models import share
from genre_models.classifiers import GENRES
from genre_models.classify import Report
from genre_models.sound import Sound
from tests.reports import ENSEMBLE, MUSIC, SPEECH, make_report


@pytest.fixture
def report() -> Report:
    return make_report(5)


def pack_text(text: str) -> str:
    return base64.urlsafe_b64encode(zlib.compress(text.encode())).decode()


def pack(content: Any) -> str:
    return pack_text(json.dumps(content))


def test_a_link_brings_the_report_back(report: Report) -> None:
    token = share.to_token(report)
    assert len(token) < 2000  # every browser and proxy takes an address of this length
    restored = share.from_token(token, ENSEMBLE)
    assert restored.verdict.sentence == report.verdict.sentence
    assert restored.verdict.confidence == pytest.approx(report.verdict.confidence, abs=1e-3)
    assert restored.segment_starts_s == report.segment_starts_s
    assert [model.name for model in restored.models] == [model.name for model in report.models]
    for model, original in zip(restored.models, report.models, strict=True):
        assert model.probabilities == pytest.approx(original.probabilities, abs=2e-3)
        assert model.genre == original.genre
    assert restored.warnings == [share.LINK_WARNING]


def test_ten_minutes_fit_into_a_link() -> None:
    whole = make_report(100)
    token = share.to_token(whole)
    assert len(token) < 8000
    assert share.from_token(token, ENSEMBLE).segments == 100


ROW = "b4" * 10
GOOD = {"d": 6, "s": [0], "m": {"musicnn": ROW}, "t": [1, 1]}


@pytest.mark.parametrize(
    "token",
    [
        "",
        "hello",
        "ä",
        "A" * 1000,
        pack([]),
        pack({**GOOD, "m": {}, "t": [1]}),
        pack({**GOOD, "m": {"<b>": ROW}}),
        pack({**GOOD, "m": {"cnn": "00" * 10}}),
        pack({**GOOD, "m": {"cnn": [[100] * 10]}}),
        pack({**GOOD, "s": [0, 6]}),
        pack({**GOOD, "s": [6]}),
        pack({**GOOD, "d": float("nan")}),
        pack({**GOOD, "d": 0}),
        pack({**GOOD, "s": ["<b>"]}),
        pack({**GOOD, "t": [1, 1, 1]}),
        pack({**GOOD, "t": [1, float("inf")]}),
        pack({**GOOD, "s": [0] * 200, "m": {"cnn": ROW * 200}}),
        pack({**GOOD, "g": "ffff"}),
        pack({**GOOD, "g": "0"}),
        pack({**GOOD, "k": ["speech", 2.0]}),
        pack({**GOOD, "k": ["a free prize", 0.1]}),
        pack({**GOOD, "k": [["speech"], 0.1]}),
        pack({**GOOD, "k": ["speech", 0.1, "<script>alert(1)</script>"]}),
        pack({**GOOD, "k": ["speech", 0.1, "See https://example.com for more."]}),
        pack({**GOOD, "k": ["speech", 0.1, "x" * 300]}),
        pack({**GOOD, "k": ["speech", 0.1, *["It pauses."] * 50]}),
        pack({**GOOD, "k": "speech"}),
        pack(" " * 10_000_000),
        pack_text("[" * 50_000),
    ],
)
def test_any_other_text_is_refused_in_words(token: str) -> None:
    with pytest.raises(share.LinkError, match="holds no report"):
        share.from_token(token, ENSEMBLE)


def test_a_link_of_no_more_than_that_is_taken() -> None:
    assert share.from_token(pack(GOOD), ENSEMBLE).models[0].genre == GENRES[0]


@pytest.mark.parametrize(
    "sound",
    [
        MUSIC,
        SPEECH,
        Sound("noise", None, ()),
        Sound("music", 0.4, ("This may not be music: it also resembles a single tone.",)),
    ],
)
def test_a_link_says_what_the_sound_is(sound: Sound) -> None:
    restored = share.from_token(share.to_token(make_report(5, sound)), ENSEMBLE)
    assert restored.sound == sound
    assert (restored.verdict.genre is None) == (sound.kind != "music")


def test_a_link_says_which_models_counted() -> None:
    report = make_report(5, is_unlike=True)
    restored = share.from_token(share.to_token(report), ENSEMBLE)
    assert restored.counted == report.counted == ["musicnn"]
    assert list(restored.probabilities.values()) == pytest.approx(
        list(report.probabilities.values()), abs=0.02
    )
    assert any("only MusiCNN counts" in warning for warning in restored.warnings)


def test_a_link_carries_the_likeliest_tags(report: Report) -> None:
    restored = share.from_token(share.to_token(report), ENSEMBLE)
    original = next(model.tags for model in report.models if model.name == "musicnn")
    tags = next(model.tags for model in restored.models if model.name == "musicnn")
    assert original is not None and tags is not None
    assert list(tags) == sorted(original, key=lambda tag: -original[tag])[: len(tags)]
    assert tags == pytest.approx({tag: original[tag] for tag in tags}, abs=0.01)
    assert all(model.tags is None for model in restored.models if model.name != "musicnn")


def test_the_table_has_a_row_per_model_and_segment(report: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(share.to_csv(report).decode())))
    assert len(rows) == 5 * (1 + 5)
    for row in rows:
        probabilities = {genre: float(row[genre]) for genre in GENRES}
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-3)
        assert probabilities[row["genre"]] == max(probabilities.values())
    assert (rows[1]["start_s"], rows[5]["end_s"]) == ("0.00", "30.00")
