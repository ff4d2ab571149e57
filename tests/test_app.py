"""The HTTP API: what `gradio_client` and plain HTTP get from /classify."""

from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from genre_models.classifiers import GENRES
from genre_models.musicnn import TAGS

ALL = ["mlp", "cnn", "lstm", "transformer", "musicnn"]


@pytest.fixture(scope="module")
def client(app_url: str) -> Client:
    return Client(app_url, verbose=False)


def ask(client: Client, path: Path, *models: list[str]) -> dict[str, Any]:
    report = client.predict(handle_file(str(path)), *models, api_name="/classify")
    assert isinstance(report, dict)
    return report


def test_a_clip_gets_the_whole_report(client: Client, clips: Path) -> None:
    report = ask(client, clips / "music.wav")
    assert report["duration_s"] == pytest.approx(12)
    assert report["segments"] == len(report["segment_starts_s"]) == 2
    assert report["genres"] == list(GENRES)
    assert report["verdict"].keys() == {
        "genre",
        "sure",
        "candidates",
        "agreement",
        "confidence",
        "sentence",
    }
    assert report["verdict"]["genre"] in GENRES
    assert [model["name"] for model in report["models"]] == ALL
    for model in report["models"]:
        assert list(model["probabilities"]) == list(GENRES)
        assert sum(model["probabilities"].values()) == pytest.approx(1, abs=1e-4)
        assert [len(row) for row in model["timeline"]] == [10, 10]
        assert model["milliseconds"] > 0
        assert (model["tags"] is not None) == (model["name"] == "musicnn")
    assert report["models"][-1]["tags"].keys() == set(TAGS)
    assert list(report["probabilities"]) == list(GENRES)
    assert max(report["probabilities"].values()) == pytest.approx(report["verdict"]["confidence"], abs=1e-4)
    assert [len(row) for row in report["combined"]] == [10, 10]
    assert report["sound"].keys() == {"kind", "music_probability", "evidence"}
    assert report["sound"]["kind"] == "music"
    assert report["counted"] in (ALL, ["musicnn"])
    assert len(report["warnings"]) == (report["counted"] != ALL)


def test_only_the_chosen_models_answer(client: Client, clips: Path) -> None:
    report = ask(client, clips / "music.wav", ["cnn", "mlp"])
    assert {model["name"] for model in report["models"]} == {"cnn", "mlp"}


def test_a_short_clip_is_answered_with_a_warning(client: Client, clips: Path) -> None:
    report = ask(client, clips / "short.wav")
    assert report["verdict"]["genre"] in GENRES
    assert "lasts only 2.0 s" in report["warnings"][0]


def test_silence_has_a_report_without_a_genre(client: Client, clips: Path) -> None:
    report = ask(client, clips / "silence.wav")
    assert report["verdict"]["genre"] is None
    assert report["models"] == []
    assert "silent" in report["verdict"]["sentence"]
    assert report["sound"]["kind"] == "silence"


def test_bad_input_is_refused_in_words(client: Client, clips: Path) -> None:
    with pytest.raises(AppError, match="holds text, not sound"):
        ask(client, clips / "text.wav")
    with pytest.raises(AppError, match=r"mlp.*cnn.*lstm.*transformer"):
        ask(client, clips / "music.wav", ["gru"])
    with pytest.raises(AppError, match="at least one model"):
        ask(client, clips / "music.wav", [])
    assert ask(client, clips / "music.wav")["verdict"]["genre"] in GENRES


def test_there_are_four_endpoints_and_classify_is_documented(client: Client) -> None:
    api: Any = client.view_api(return_format="dict", print_info=False)
    assert set(api["named_endpoints"]) == {"/classify", "/continue_text", "/generate", "/translate"}
    assert not api["unnamed_endpoints"]
    endpoint = api["named_endpoints"]["/classify"]
    assert endpoint["description"].startswith("Name the genre of a music recording")
    assert [parameter["parameter_name"] for parameter in endpoint["parameters"]] == ["audio", "models"]
    assert endpoint["parameters"][1]["parameter_default"] == ALL
