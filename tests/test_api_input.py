"""Values of the wrong kind at the HTTP API: an error that a client can read, and a server that goes on."""

from typing import Any

import pytest

from tests.visitor import TUNE, UPLOADED_ONLY, Visitor, file

ALL = ["mlp", "cnn", "lstm", "transformer", "musicnn"]
NO_NUMBERS: list[Any] = ["8", None, [8], {}, float("nan")]
NO_TEMPERATURES: list[Any] = [float("inf"), "hot", [[[]]]]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        *[("length", value, "“length” should be a number") for value in NO_NUMBERS],
        *[("length", value, "value 512") for value in (513, 1e308, 2**70)],
        *[("temperature", value, "“temperature” should be") for value in NO_TEMPERATURES],
        *[("top_k", -1, "minimum value 0"), ("top_p", 0, "minimum value 0.05"), ("top_p", None, "a number")],
        *[("seed", value, "“seed” should be a whole number") for value in NO_NUMBERS if value is not None],
        *[("seed", 2**53, "maximum value"), ("seed", -2, "minimum value")],
        *[("key", "H major", "not in the list"), ("key", ["A major"], "“key” should be text")],
        *[
            ("metre", None, "There is no metre"),
            ("metre", "x" * 100_000, "Value: xx"),
            ("metre", 5, "text"),
        ],
        *[("notes", 5, "“notes” should be text"), ("notes", "C" * 20_000, "20,000 characters")],
        *[("notes", "<img src=x onerror=alert(1)>", "&lt;img"), ("notes", "\ud800", "half a character")],
    ],
)
def test_a_wrong_value_is_named(visitor: Visitor, name: str, value: Any, said: str) -> None:
    answer = visitor.call("generate", *(TUNE | {name: value}).values())
    assert said in answer["error"]
    assert len(answer["error"]) < 700 and "<img" not in answer["error"]


@pytest.mark.parametrize("values", [[], ["A5"], [None] * 8, [{}] * 8, [[]] * 8, ["A5", *[float("nan")] * 7]])
def test_wrong_values_are_refused_in_words(visitor: Visitor, values: list[Any]) -> None:
    assert len(visitor.call("generate", *values)["error"]) > 20


@pytest.mark.parametrize(
    "audio", [5, "x", {}, [], file(5), file(None), file(""), file("x\0y"), {"path": "a", "meta": 5}, [[{}]]]
)
def test_what_is_no_file_is_refused_in_words(visitor: Visitor, audio: Any) -> None:
    assert UPLOADED_ONLY in visitor.call("classify", audio, ALL)["error"]


@pytest.mark.parametrize("models", [None, "mlp", 5, {}, {"a": 1}])
def test_a_list_of_models_is_a_list(visitor: Visitor, models: Any) -> None:
    assert "“models” should be a list" in visitor.call("classify", None, models)["error"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"not json", 422),
        (b"[]", 422),
        (b'{"data": 5}', 422),
        (b'{"data": null}', 422),
        (b'{"data": "\\ud800"}', 422),
        (b'{"data": ' + 50_000 * b"[" + 50_000 * b"]" + b"}", 400),
        (b'{"data": ["' + 2**20 * b"A" + b'"]}', 413),
    ],
)
def test_a_body_that_is_no_call_is_refused(visitor: Visitor, body: bytes, status: int) -> None:
    assert visitor.call_raw("generate", body) == status


def test_an_unknown_endpoint_is_not_found(visitor: Visitor) -> None:
    assert visitor.call("nothing") == 404


def test_a_body_of_unstated_length_is_counted(visitor: Visitor) -> None:
    response = visitor.http.post("gradio_api/call/generate", content=iter([b" " * 2**16] * 5))
    assert response.status_code == 413
