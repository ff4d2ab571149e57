"""What SECURITY.md promises of the app: what callers may send, see and leave behind."""

import ast
import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from gradio.route_utils import delete_files_created_by_app
from starlette.types import Scope

import app
from genre_models import web
from genre_models.paths import ASSETS, BUNDLED_WEIGHTS
from genre_models.served import serve
from genre_models.ui.examples import EXAMPLES
from tests.audio_files import tone, write
from tests.visitor import TUNE, UPLOADED_ONLY, Visitor, file

ROOT = Path(__file__).resolve().parent.parent
ALL = ["mlp", "cnn", "lstm", "transformer", "musicnn"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write(tmp_path_factory.mktemp("clip") / "a.wav", tone(44_100, 2), 44_100, "WAV").read_bytes()


# Files of the server


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/etc/passwd",
            "/etc/no such file",
            "../../../../../../etc/passwd",
            "~/.bashrc",
            "/proc/self/environ",
        ),
        *(
            str(ROOT / "app.py"),
            str(ASSETS / "style.css"),
            str(EXAMPLES / "../weights/verdict.json"),
            "app.py",
        ),
        *("file:///etc/passwd", "fd:0", "concat:/etc/passwd|/etc/hosts", "\\\\server\\share", "/dev/stdin"),
    ],
)
def test_no_path_from_a_caller_is_opened(visitor: Visitor, path: str) -> None:
    """Whether something is there or not, the answer is the same."""
    assert UPLOADED_ONLY in visitor.call("classify", file(path), ALL)["error"]


@pytest.mark.parametrize(
    "path",
    [
        *("/etc/passwd", "../../../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd"),
        *(f"{ROOT}/app.py", "app.py", f"{ASSETS}/style.css", f"{EXAMPLES}/../weights/verdict.json"),
        *(f"{EXAMPLES}/%2e%2e/weights/verdict.json", "file:///etc/passwd", "/proc/self/environ", "/etc"),
        *("http://127.0.0.1/", "https://example.com/", "HTTP://127.0.0.1/", "ftp://127.0.0.1/"),
    ],
)
def test_no_other_file_is_served(visitor: Visitor, path: str) -> None:
    assert visitor.http.get(f"gradio_api/file={path}").status_code in {403, 404}


def test_the_examples_are_served(visitor: Visitor) -> None:
    response = visitor.http.get(f"gradio_api/file={EXAMPLES}/chaos-god.ogg")
    assert response.content == (EXAMPLES / "chaos-god.ogg").read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        "../../../../tmp/evil.wav",
        "/etc/cron.d/evil",
        "monitoring.wav",
        "a\nb\r\n.wav",
        "n" * 300 + ".wav",
        "☂\u202e音.wav",
        ".",
    ],
)
def test_an_upload_stays_where_uploads_go(visitor: Visitor, clip: bytes, name: str) -> None:
    uploaded = visitor.upload(clip, name)
    path, folder = Path(uploaded["path"]), Path(visitor.upload(clip)["path"]).parent.parent
    assert path.is_file() and path.resolve().parent.parent == folder.resolve()
    assert "\n" not in path.name
    assert visitor.http.get(f"gradio_api/file={quote(str(path))}").content == clip
    assert visitor.call("classify", uploaded, ["mlp"])[0]["duration_s"] == pytest.approx(2)


def test_an_upload_has_a_name(visitor: Visitor, clip: bytes) -> None:
    assert visitor.http.post("gradio_api/upload", files={"files": ("..", clip)}).status_code == 400


def test_an_upload_is_never_run_as_a_page(visitor: Visitor) -> None:
    for name in ("a.html", "a.svg", "a.js", "a.xml"):
        path = visitor.upload(b"<script>alert(1)</script>", name)["path"]
        response = visitor.http.get(f"gradio_api/file={path}")
        assert response.headers["content-disposition"].startswith("attachment")
        assert response.headers["x-content-type-options"] == "nosniff"


# Gradio's other doors


@pytest.mark.parametrize(
    "path",
    [
        *(
            "gradio_api/proxy=http://127.0.0.1/",
            "gradio_api/file/https://example.com/",
            "gradio_api/deep_link?session_hash=a",
            "monitoring/summary",
        ),
        *(
            "monitoring",
            "gradio_api/vibe-code",
            "gradio_api/runs",
            "gradio_api/run-history/buckets",
            "pwa_icon/9",
        ),
    ],
)
def test_what_the_app_does_not_use_is_closed(visitor: Visitor, path: str) -> None:
    assert visitor.http.get(path).status_code == 403


def test_browsers_are_told_to_ask_no_other_host(visitor: Visitor) -> None:
    for path in ("", "config", "theme.css", "gradio_api/nothing"):
        headers = visitor.http.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy and "object-src 'none'" in policy
        assert "http:" not in policy and "*;" not in policy
        assert headers["referrer-policy"] == "same-origin"  # a link's report stays with this site


def test_uploads_leave_room_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    async def unused(scope: Scope | None = None, receive: Any = None, send: Any = None) -> Any:
        raise AssertionError("the app was asked")

    async def send(message: Any) -> None:
        sent.append(message)

    monkeypatch.setattr(web, "MIN_FREE", 2**63)
    scope = {"type": "http", "method": "POST", "path": "/gradio_api/upload", "headers": []}
    with ThreadPoolExecutor(1) as pool:  # the browser of other tests keeps an event loop going in this one
        pool.submit(asyncio.run, web.Guard(unused)(scope, unused, send)).result()
    assert sent[0]["status"] == 507
    assert b"no room" in sent[1]["body"]


# What is left behind


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The app in this process, for three visitors, with its files in a folder of its own."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(app, "VISITORS", 3)
    demo = app.build(serve(str(BUNDLED_WEIGHTS)))
    demo.launch(prevent_thread_lock=True, quiet=True, **app.settings())
    yield demo
    demo.close(verbose=False)


def test_what_visitors_leave_is_deleted_and_the_history_stays(demo: Any, tmp_path: Path, clip: bytes) -> None:
    visitor = Visitor(demo.local_url)
    handlers = {str(fn.name): number for number, fn in demo.fns.items()}
    uploaded = visitor.upload(clip)
    assert "a.wav" in visitor.act(handlers["on_clip"], [uploaded, ["mlp"], True, None])["data"][0]
    visitor.call("generate", *TUNE.values())
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in left} == {".wav", ".json", ".csv", ".mid"}
    delete_files_created_by_app(demo, age=0)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert "a.wav" in visitor.act(handlers["show_again"], [None], {"index": 0})["data"][0]
    assert demo.delete_cache == (app.CACHE_SWEEP_S, app.CACHE_AGE_S)


def test_so_many_visitors_are_remembered_and_no_more(demo: Any) -> None:
    for _ in range(6):
        assert "error" in Visitor(demo.local_url).call("generate", "", *list(TUNE.values())[1:])
    assert 0 < len(demo.state_holder.session_data) <= 3


def test_the_log_holds_nothing_of_what_callers_send(
    app_url: str, tmp_path_factory: pytest.TempPathFactory, clip: bytes
) -> None:
    visitor = Visitor(app_url)
    secret = "correct horse battery staple"
    visitor.call("generate", *(TUNE | {"notes": secret}).values())
    visitor.call("generate", *(TUNE | {"key": secret}).values())
    visitor.call("classify", file(f"/tmp/{secret}"), [secret])
    visitor.call("classify", visitor.upload(secret.encode(), f"{secret}.wav"), ALL)
    visitor.http.get("", params={"report": secret})
    logs = [log.read_text() for log in tmp_path_factory.getbasetemp().glob("server*/log")]
    assert any(app_url.rstrip("/") in log for log in logs)
    for log in logs:
        assert secret not in log and "staple" not in log


# The code itself

DANGEROUS = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal", "cloudpickle"}
CALLS = {"eval", "exec", "torch.load", "os.system", "os.popen", "yaml.load", "compile"}


def loads_pickles_or_runs_text(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in DANGEROUS)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in DANGEROUS:
            yield str(node.module)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in CALLS:
            yield ast.unparse(node.func)
        if isinstance(node, ast.keyword) and node.arg in {"allow_pickle", "shell"}:
            yield str(node.arg)


def test_nothing_loads_a_pickle_or_runs_text() -> None:
    sources = [ROOT / "app.py", ROOT / "train.py", *(ROOT / "genre_models").rglob("*.py")]
    found = {path.name: list(loads_pickles_or_runs_text(ast.parse(path.read_text()))) for path in sources}
    assert not {name: words for name, words in found.items() if words}
    assert list(
        loads_pickles_or_runs_text(ast.parse("import pickle\ntorch.load(x)\nnp.load(x, allow_pickle=1)"))
    )


def test_security_md_names_tests_that_exist() -> None:
    promised = set(re.findall(r"`(test_\w+)`", (ROOT / "SECURITY.md").read_text()))
    written = {
        node.name
        for path in (ROOT / "tests").glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    assert len(promised) > 10
    assert promised <= written
