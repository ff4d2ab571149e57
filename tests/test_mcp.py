"""The tools of the Model Context Protocol, as a client of that protocol finds them."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from gradio import mcp
from gradio.route_utils import delete_files_created_by_app
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import McpError
from mcp.types import CallToolResult, TextContent
from pydantic import AnyUrl

import app
from genre_models.paths import BUNDLED_WEIGHTS
from genre_models.served import serve
from tests.audio_files import write
from tests.benchmarks.load import timeless
from tests.conftest import music
from tests.visitor import TIMEOUT_S, TUNE, Visitor

AT_ONCE = 45
"""More than the 40 threads that Gradio has for short work."""
PATH = "gradio_api/mcp/"
JSON_RPC = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}

Result = TypeVar("Result")


def talk(url: str, work: Callable[[ClientSession], Awaitable[Result]]) -> Result:
    """What a client does in one session; in a thread, since the browser of other tests keeps a loop going."""

    async def session() -> Result:
        async with (
            streamable_http_client(url + PATH) as (reading, writing, _),
            ClientSession(reading, writing) as client,
        ):
            await client.initialize()
            return await work(client)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, session()).result()


def call(url: str, tool: str, **arguments: Any) -> CallToolResult:
    return talk(url, lambda client: client.call_tool(tool, arguments))


def texts(result: CallToolResult) -> list[str]:
    assert all(isinstance(content, TextContent) for content in result.content)
    return [str(getattr(content, "text", "")) for content in result.content]


def answer(result: CallToolResult) -> Any:
    """What a tool says first, without how long it took."""
    assert not result.isError, texts(result)
    return timeless(json.loads(texts(result)[0]))


def rounded(value: Any) -> Any:
    """The same without how long it took, to four decimals."""
    return json.loads(json.dumps(timeless(value)), parse_float=lambda text: round(float(text), 4))


def problem(result: CallToolResult) -> str:
    assert result.isError
    (sentence,) = texts(result)
    return sentence


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Four seconds of music."""
    samples = music(4, 22_050)[:, None]
    return write(tmp_path_factory.mktemp("clip") / "a.ogg", samples, 22_050, "OGG").read_bytes()


def as_text(content: bytes) -> str:
    return "data:audio/ogg;base64," + base64.b64encode(content).decode()


def test_the_tools_are_the_public_endpoints_and_say_what_they_take(app_url: str) -> None:
    tools = {tool.name: tool for tool in talk(app_url, lambda client: client.list_tools()).tools}
    info = httpx.get(f"{app_url}gradio_api/info", timeout=TIMEOUT_S).json()["named_endpoints"]
    assert {"classify", "generate"} <= tools.keys() == {name.lstrip("/") for name in info}
    for name, tool in tools.items():
        endpoint, values = info[f"/{name}"], tool.inputSchema["properties"]
        described, _, returned = endpoint["description"].partition(" Returns ")
        assert tool.description and tool.description.startswith(described)
        assert tool.description.endswith(f" Returns: {returned}") and len(returned) > 100
        assert list(values) == [value["parameter_name"] for value in endpoint["parameters"]]
        for value in endpoint["parameters"]:
            words = values[value["parameter_name"]]["description"]
            assert words.endswith(".") and words == value["python_type"]["description"]
    assert tools["classify"].inputSchema["required"] == ["audio"]


def test_a_tune_is_that_of_the_endpoint_and_its_midi_file_can_be_fetched(visitor: Visitor) -> None:
    result = call(str(visitor.http.base_url), "generate", **TUNE)
    assert answer(result) == timeless(visitor.call("generate", *TUNE.values())[0])
    _, address = texts(result)
    assert httpx.get(address, timeout=TIMEOUT_S).content.startswith(b"MThd")


def test_a_clip_may_come_as_text_or_as_the_address_of_an_upload(visitor: Visitor, clip: bytes) -> None:
    url, uploaded = str(visitor.http.base_url), visitor.upload(clip, "my clip.ogg")
    (expected,) = visitor.call("classify", uploaded, ["mlp", "lstm"])
    address = f"{url}gradio_api/file={uploaded['path']}"
    for audio in (as_text(clip), address, address.replace(" ", "%20")):
        result = call(url, "classify", audio=audio, models=["mlp", "lstm"])
        assert answer(result) == rounded(expected)


def test_a_client_that_wants_to_know_of_progress_gets_the_same(app_url: str) -> None:
    heard: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        heard.append(progress)

    result = talk(app_url, lambda client: client.call_tool("generate", TUNE, progress_callback=note))
    assert answer(result) == answer(call(app_url, "generate", **TUNE))
    assert len(texts(result)) == 2 and heard


@pytest.mark.parametrize(
    ("tool", "wrong", "said"),
    [
        ("generate", {"notes": "H9"}, "Please check note 1, 'H9'"),
        ("generate", {"length": 513}, "greater than maximum value 512"),
        ("generate", {"length": "many"}, "'many' is not of type 'number'"),
        ("generate", {"metre": "7/9"}, "'7/9' is not one of"),
        ("generate", {"tempo": 5}, "`tempo` is not a valid"),
        ("classify", {}, "'audio' is a required property"),
        ("classify", {"audio": "/etc/passwd"}, "“audio” should be the http or https address"),
        ("classify", {"audio": "data:audio/wav;base64,A"}, "“audio” should be the http or https address"),
        ("classify", {"audio": "data:audio/wav;base64,AAAA"}, "not a sound recording"),
        ("classify", {"audio": "http://127.0.0.1:1/a.wav"}, "not one of the public web"),
        ("classify", {"audio": "http://127.0.0.1/gradio_api/file=/etc/passwd"}, "not one of the public web"),
        ("classify", {"audio": "https:", "models": ["gpt"]}, "'gpt' is not one of"),
        ("format", {}, "Unknown tool"),
    ],
)
def test_what_cannot_be_answered_is_said_in_words(
    app_url: str, tool: str, wrong: dict[str, Any], said: str
) -> None:
    assert said in problem(call(app_url, tool, **(TUNE if tool == "generate" else {}) | wrong))


def test_there_are_tools_and_nothing_else(app_url: str) -> None:
    asked: list[Callable[[ClientSession], Awaitable[Any]]] = [
        lambda client: client.list_prompts(),
        lambda client: client.get_prompt("generate"),
        lambda client: client.read_resource(AnyUrl("file:///etc/passwd")),
    ]
    for ask in asked:

        async def refused(client: ClientSession, ask: Any = ask) -> None:
            with pytest.raises(McpError, match="Method not found"):
                await ask(client)

        talk(app_url, refused)
    for path in ("sse", "messages/"):
        assert httpx.get(f"{app_url}{PATH}{path}", timeout=TIMEOUT_S).status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": 5}', 400),
        (b"[" * 10**6 + b"]" * 10**6, 500),
        (b'"' + b"A" * 2**22 + b'"', 413),
    ],
)
def test_a_body_that_is_no_call_is_refused(visitor: Visitor, body: bytes, status: int) -> None:
    response = visitor.http.post(PATH, content=body, headers=JSON_RPC)
    assert response.status_code == status and len(response.text) < 2_000


def test_half_a_character_is_named(visitor: Visitor) -> None:
    wrong = {"name": "generate", "arguments": {"notes": "\ud800"}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": wrong})
    response = visitor.http.post(PATH, content=body, headers=JSON_RPC)
    assert response.status_code == 200 and "half a character" in response.text


def test_the_log_holds_nothing_of_calls(app_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = "correct horse battery staple"
    for tool, arguments in (
        (secret, {}),
        ("generate", {"notes": secret}),
        ("generate", {secret: secret}),
        ("classify", {"audio": secret}),
        ("classify", {"audio": f"https://{secret}"}),
    ):
        assert problem(call(app_url, tool, **arguments))
    for wrong in ({"name": [secret]}, {"name": "generate", "arguments": secret}):
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": wrong}
        said = httpx.post(app_url + PATH, json=body, headers=JSON_RPC, timeout=TIMEOUT_S).text
        assert "error" in said
    logs = [log.read_text() for log in tmp_path_factory.getbasetemp().glob("server*/log")]
    assert any(app_url.rstrip("/") in log for log in logs)
    assert not [log for log in logs if "staple" in log]


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The app in this process, which nobody has asked for anything, with its files in a folder of its own."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(mcp, "DEFAULT_TEMP_DIR", str(tmp_path))
    demo = app.build(serve(str(BUNDLED_WEIGHTS)))
    demo.launch(prevent_thread_lock=True, quiet=True, **app.settings())
    yield demo
    demo.close(verbose=False)


def test_more_first_calls_than_threads_are_all_answered(fresh: Any) -> None:
    async def all_at_once(client: ClientSession) -> list[CallToolResult]:
        calls = (client.call_tool("generate", TUNE | {"seed": seed}) for seed in range(AT_ONCE))
        return await asyncio.gather(*calls)

    answers = [answer(result) for result in talk(fresh.local_url, all_at_once)]
    assert [one["seed"] for one in answers] == list(range(AT_ONCE))
    assert len({one["notes"] for one in answers}) > 1


def test_files_that_come_with_a_call_are_deleted(fresh: Any, tmp_path: Path, clip: bytes) -> None:
    assert answer(call(fresh.local_url, "classify", audio=as_text(clip), models=["mlp"]))["duration_s"] == 4
    assert any(path.read_bytes() == clip for path in tmp_path.rglob("*") if path.is_file())
    delete_files_created_by_app(fresh, age=0)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
