"""An address instead of a file: only of the public web, and only so many bytes."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from genre_models import fetch
from genre_models.fetch import FetchError
from tests.visitor import Visitor, file


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """In a thread of its own: the browser of other tests keeps an event loop going in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


ALL = ["mlp", "cnn", "lstm", "transformer", "musicnn"]


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("::1", "fe80::1", "::ffff:127.0.0.1", "2130706433", "0x7f000001", "127.1"),
    ],
)
def test_only_the_public_web_is_asked(host: str) -> None:
    with pytest.raises(FetchError, match="public web"):
        run(fetch.public_address(host))


class Endless(BaseHTTPRequestHandler):
    """A server with more bytes than anyone wants, which sends `/away` elsewhere."""

    asked: list[str] = []  # noqa: RUF012 - shared by all requests on purpose

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(302 if self.path == "/away" else 200)
        self.send_header("Location", "http://10.0.0.1/")
        self.end_headers()
        try:
            for _ in range(1 if self.path == "/short.wav" else 10_000):
                self.wfile.write(bytes(10_000))
        except OSError:
            return  # the caller has had enough

    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def endless() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Endless) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def everything_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = fetch.public_address

    async def public_address(host: str) -> str:
        return host if host == "127.0.0.1" else await checked(host)

    monkeypatch.setattr(fetch, "public_address", public_address)


@pytest.mark.usefixtures("everything_is_public")
def test_a_file_is_fetched_within_its_bound(endless: str, tmp_path: Path) -> None:
    path = run(fetch.fetch(f"{endless}/short.wav", tmp_path, 1_000_000))
    assert (path.name, path.stat().st_size) == ("short.wav", 10_000)
    with pytest.raises(FetchError, match="more than 1 MB"):
        run(fetch.fetch(f"{endless}/long.wav", tmp_path, 1_000_000))
    assert list(tmp_path.rglob("*.wav")) == [path]


@pytest.mark.usefixtures("everything_is_public")
def test_a_redirection_is_looked_at_too(endless: str, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="public web"):
        run(fetch.fetch(f"{endless}/away", tmp_path, 1_000_000))


def test_the_app_asks_no_neighbour(visitor: Visitor, endless: str) -> None:
    Endless.asked.clear()
    for address in (
        f"{endless}/a.wav",
        endless.replace("127.0.0.1", "localhost"),
        "http://nowhere.invalid/a",
    ):
        assert "please upload" in visitor.call("classify", file(address), ALL)["error"]
    assert not Endless.asked
