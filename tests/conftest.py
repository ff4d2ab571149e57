"""The running app and a browser, shared by the tests that need them."""

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import wave
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from filelock import FileLock
from huggingface_hub.constants import HF_HUB_CACHE
from hypothesis import HealthCheck, settings
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from genre_models import audio
from genre_models.paths import BUNDLED_WEIGHTS
from genre_models.training.dataset import Dataset
from genre_models.training.gtzan import index
from genre_models.training.push import Target, push
from genre_models.ui.examples import EXAMPLES
from tests import HUB_PORT, free_port
from tests.hub_server import ADA, BOB, Server
from tests.hub_store import Hub, Repo
from tests.sounds import prepare, write_dataset
from tests.visitor import Visitor

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 240
END_TIMEOUT_S = 60
LEAVING = "the page is left"
PATIENCE_MS = 90_000  # for machines that are busy
expect.set_options(timeout=PATIENCE_MS)
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def write_wav(path: Path, samples: np.ndarray, rate: int = 44_100) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((samples * 32_767).astype("<i2").tobytes())
    return path


def music(duration_s: int, rate: int = 44_100) -> np.ndarray:
    """The beginning of a bundled recording of a metal band."""
    recording = audio.load(EXAMPLES / "chaos-god.ogg", rate).numpy()
    return np.resize(recording, duration_s * rate)


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with music.wav (12 s), short.wav (2 s), silence.wav and text.wav, which is no sound at all."""
    folder = tmp_path_factory.mktemp("clips")
    write_wav(folder / "music.wav", music(12))
    write_wav(folder / "short.wav", music(2))
    write_wav(folder / "silence.wav", np.zeros(4 * 44_100))
    (folder / "text.wav").write_text("These are words.")
    return folder


def wait_for(port: int, server: subprocess.Popen[bytes], log_file: Path | None = None) -> str:
    """The app's address, once it answers."""
    url = f"http://127.0.0.1:{port}/"
    for _ in range(START_TIMEOUT_S * 5):
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, OSError):
            said = log_file.read_text() if log_file else ""
            assert server.poll() is None, f"the app did not start:\n{said}"
            time.sleep(0.2)
        else:
            return url
    pytest.fail(f"the app did not answer within {START_TIMEOUT_S} s")


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app as `python app.py` serves it, on a free port."""
    port = free_port()
    log_file = tmp_path_factory.mktemp("server") / "log"
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port)}
    with log_file.open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        yield wait_for(port, server, log_file)
    finally:
        server.terminate()
        server.wait(timeout=END_TIMEOUT_S)


@pytest.fixture
def visitor(app_url: str) -> Iterator[Visitor]:
    """One who finds the app as it should be, and leaves it so."""
    visitor = Visitor(app_url)
    yield visitor
    assert visitor.http.get("").status_code == 200


@pytest.fixture(scope="session")
def browser(clips: Path) -> Iterator[Browser]:
    """Headless Chromium whose microphone plays music.wav over and over."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        sentence = "NO BROWSER TEST WAS RUN: there is no Chromium here (apt-get install chromium)."
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    arguments = [
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={clips / 'music.wav'}",
    ]
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=executable, args=arguments, timeout=1_000 * START_TIMEOUT_S
        )


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, app_url: str) -> Iterator[Page]:
    """The app in a fresh tab; whatever a test does, no other host is asked and no script fails."""
    page = context.new_page()
    foreign: list[str] = []
    failures: list[str] = []
    left: list[
        str
    ] = []  # the page that is on its way out: Gradio complains of requests that it cuts off then
    page.add_init_script(f"addEventListener('beforeunload', () => console.info('{LEAVING}'))")

    def note(request: Request) -> None:
        if urlsplit(request.url).scheme not in {"blob", "data"} and not request.url.startswith(app_url):
            foreign.append(request.url)

    page.on("request", note)

    def hear(message: ConsoleMessage) -> None:
        if message.text == LEAVING:
            left.append(page.url)
        elif message.type == "error" and not left:
            failures.append(message.text)

    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", hear)
    page.on("framenavigated", lambda _: left.clear())
    page.goto(app_url)
    page.wait_for_selector("#ask")
    yield page
    assert not foreign
    unplayable = "Waveform load error"  # what Gradio's player says of a file that is no sound
    assert not [failure for failure in failures if unplayable not in failure]


def expect_width(page: Page, width: int = 390) -> None:
    """Nothing sticks out of a page of this width, once its layout has come to rest."""
    page.wait_for_function("(width) => document.documentElement.scrollWidth === width", arg=width)


@pytest.fixture(scope="session")
def hub_server() -> Iterator[Server]:
    """A Hub on this machine, with two users."""
    server = Server(HUB_PORT, {ADA: "ada", BOB: "bob"})
    server.start()
    yield server
    server.stop()


@pytest.fixture
def hub(hub_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The Hub without repositories, with nothing of it in the cache, and Ada's token in the environment."""
    monkeypatch.setenv("HF_TOKEN", ADA)
    shutil.rmtree(HF_HUB_CACHE, ignore_errors=True)
    with hub_server.emptied() as hub:
        yield hub


@pytest.fixture(scope="session")
def bundled(hub_server: Server) -> tuple[Repo, str]:
    """The app's own models, pushed once to ada/ears: the repository and the commit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", ADA)
        commit = push(BUNDLED_WEIGHTS, None, Target("ada/ears")).commit
    return hub_server.hub.repos["model", "ada/ears"], commit


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all the processes of a test run see."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own


@pytest.fixture(scope="session")
def tiny_data(common: Path) -> Path:
    """A folder of generated recordings of all genres; see `tests.sounds.write_dataset`."""
    folder = common / "data"
    with FileLock(common / "data.lock"):
        if not folder.exists():
            folder.mkdir()
            write_dataset(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_cache(tiny_data: Path, common: Path) -> Path:
    """What was heard of them, extracted once for all tests."""
    folder = common / "cache"
    with FileLock(common / "cache.lock"):
        prepare(index(tiny_data), folder)
    return folder


@pytest.fixture(scope="session")
def tiny_dataset(tiny_data: Path, tiny_cache: Path) -> Dataset:
    """The same as a data set."""
    return prepare(index(tiny_data), tiny_cache)[0]
