"""The HTTP API: what `gradio_client` gets from /generate."""

from itertools import islice
from pathlib import Path
from typing import Any

import mido
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from genre_models.melody import notes
from genre_models.melody.tunes import KEYS_BY_NAME, METRES_BY_NAME
from tests.visitor import TUNE, Visitor

GIVEN = "A5 E5 C#5 B3 G6"
PITCHES = [81, 76, 73, 59, 91]


@pytest.fixture(scope="module")
def client(app_url: str) -> Client:
    return Client(app_url, verbose=False)


def generate(client: Client, text: str = GIVEN, **asked: Any) -> tuple[dict[str, Any], Path]:
    answer, midi = client.predict(text, **asked, api_name="/generate")
    return answer, Path(midi)


def played(midi: Path) -> list[int]:
    return [m.note for track in mido.MidiFile(midi).tracks for m in track if m.type == "note_on"]


def test_a_tune_starts_with_the_given_notes(client: Client) -> None:
    answer, midi = generate(client, length=16, seed=7)
    assert answer.keys() == {"notes", "seed", "tokens_per_second", "warnings"}
    tune = notes.parse(answer["notes"])
    assert [note.pitch for note in tune[:5]] == PITCHES
    assert len(tune) == 5 + 16
    assert answer["seed"] == 7
    assert answer["tokens_per_second"] > 0
    assert midi.name == "tune-7.mid"
    assert played(midi) == [note.pitch for note in tune if note.pitch is not None]


def test_a_seed_gives_its_tune_again_and_none_a_random_one(client: Client) -> None:
    asked: dict[str, Any] = {"length": 12, "key": "D major", "metre": "6/8", "temperature": 0.9, "top_k": 20}
    first, second = (generate(client, seed=4, **asked)[0]["notes"] for _ in range(2))
    assert first == second
    seeds = {generate(client, length=8, seed=seed)[0]["seed"] for seed in (-1, None, -1)}
    assert len(seeds) == 3
    assert min(seeds) >= 0


def test_a_note_that_the_model_never_heard_is_warned_of(client: Client) -> None:
    warnings = generate(client, "A0 A4", length=8)[0]["warnings"]
    assert len(warnings) == 1
    assert "A0" in warnings[0]
    assert generate(client, "A4 B4", length=8)[0]["warnings"] == []


def test_a_short_tune_does_not_wait_for_a_long_one(visitor: Visitor) -> None:
    handler = visitor.handlers()["generate"]
    long, short = (
        visitor.join(handler, list((TUNE | {"notes": GIVEN, "length": length}).values()))
        for length in (512, 8)
    )
    outcomes = list(islice(visitor.outcomes(), 2))
    assert [outcome["event_id"] for outcome in outcomes] == [short, long]
    assert len(outcomes[1]["output"]["data"][0]["notes"].split()) == len(PITCHES) + 512


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"notes": "A5 H9"}, "note 2, 'H9'"),
        ({"notes": ""}, "Type a few notes first"),
        ({"notes": "A4 " * 301}, "at most 300"),
        ({"notes": "A4", "length": 513}, "maximum value 512"),
        ({"notes": "A4", "temperature": -1}, "minimum value 0"),
        ({"notes": "A4", "top_p": 0}, "minimum value"),
        ({"notes": "A4", "key": "H major"}, "not in the list"),
        ({"notes": "A4", "metre": "7/8"}, "not in the list"),
    ],
)
def test_bad_input_is_refused_in_words(client: Client, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(AppError, match=words):
        client.predict(**asked, api_name="/generate")


def test_generate_is_documented(client: Client) -> None:
    api: Any = client.view_api(return_format="dict", print_info=False)
    assert not api["unnamed_endpoints"]
    endpoint = api["named_endpoints"]["/generate"]
    assert endpoint["description"].startswith("Carry a melody on")
    names = [parameter["parameter_name"] for parameter in endpoint["parameters"]]
    assert names == ["notes", "length", "temperature", "top_k", "top_p", "seed", "key", "metre"]
    assert all(parameter["parameter_has_default"] for parameter in endpoint["parameters"])
    choices = {
        parameter["parameter_name"]: parameter["type"].get("enum") for parameter in endpoint["parameters"]
    }
    assert choices["key"] == ["", *KEYS_BY_NAME]
    assert choices["metre"] == list(METRES_BY_NAME)
