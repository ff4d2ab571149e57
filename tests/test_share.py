"""A report in a link, and back."""

import base64
import csv
import io
import json
import zlib
from typing import Any

import pytest
import torch

from genre_models import share
from genre_models.classifiers import GENRES
from genre_models.classify import ModelAnswer, Report, decide


def make_report(segments: int) -> Report:
    generator = torch.Generator().manual_seed(3)
    answers = {
        name: (3 * torch.randn(segments, 10, generator=generator)).softmax(dim=-1)
        for name in ("mlp", "cnn", "lstm", "transformer")
    }
    models = [
        ModelAnswer(
            name=name,
            genre=GENRES[int(answer.mean(dim=0).argmax())],
            probabilities=dict(zip(GENRES, answer.mean(dim=0).tolist(), strict=True)),
            timeline=answer.tolist(),
            milliseconds=4.2,
        )
        for name, answer in answers.items()
    ]
    starts = [6.0 * i for i in range(segments)]
    return Report(6.0 * segments, segments, starts, list(GENRES), decide(answers), models, [], 20.0)


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
    restored = share.from_token(token)
    assert restored.verdict.sentence == report.verdict.sentence
    assert restored.verdict.confidence == pytest.approx(report.verdict.confidence, abs=1e-3)
    assert restored.segment_starts_s == report.segment_starts_s
    assert [model.name for model in restored.models] == [model.name for model in report.models]
    for model, original in zip(restored.models, report.models, strict=True):
        assert model.probabilities == pytest.approx(original.probabilities, abs=1e-3)
        assert model.genre == original.genre
    assert restored.warnings == [share.LINK_WARNING]


def test_ten_minutes_fit_into_a_link() -> None:
    whole = make_report(100)
    token = share.to_token(whole)
    assert len(token) < 8000
    assert share.from_token(token).segments == 100


ROW = [100] * 10


@pytest.mark.parametrize(
    "token",
    [
        "",
        "hello",
        "ä",
        "A" * 1000,
        pack([]),
        pack({"d": 6, "s": [0], "m": {}, "t": [1]}),
        pack({"d": 6, "s": [0], "m": {"<b>": [ROW]}, "t": [1, 1]}),
        pack({"d": 6, "s": [0], "m": {"cnn": [[99_999] * 10]}, "t": [1, 1]}),
        pack({"d": 6, "s": [0, 6], "m": {"cnn": [ROW]}, "t": [1, 1]}),
        pack({"d": float("nan"), "s": [0], "m": {"cnn": [ROW]}, "t": [1, 1]}),
        pack({"d": 0, "s": [0], "m": {"cnn": [ROW]}, "t": [1, 1]}),
        pack({"d": 6, "s": ["<b>"], "m": {"cnn": [ROW]}, "t": [1, 1]}),
        pack({"d": 6, "s": [0], "m": {"cnn": [ROW]}, "t": [1, 1, 1]}),
        pack({"d": 6, "s": [0], "m": {"cnn": [ROW] * 200}, "t": [1, 1]}),
        pack(" " * 10_000_000),
        pack({"d": 6, "s": [0], "m": {"cnn": [[float("inf")] * 10]}, "t": [1, 1]}),
        pack_text("[" * 50_000),
    ],
)
def test_any_other_text_is_refused_in_words(token: str) -> None:
    with pytest.raises(share.LinkError, match="holds no report"):
        share.from_token(token)


def test_the_table_has_a_row_per_model_and_segment(report: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(share.to_csv(report).decode())))
    assert len(rows) == 4 * (1 + 5)
    for row in rows:
        probabilities = {genre: float(row[genre]) for genre in GENRES}
        assert sum(probabilities.values()) == pytest.approx(1, abs=1e-3)
        assert probabilities[row["genre"]] == max(probabilities.values())
    assert (rows[1]["start_s"], rows[5]["end_s"]) == ("0.00", "30.00")
