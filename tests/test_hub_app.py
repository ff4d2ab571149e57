"""The app as a person starts it on models from the Hub: it answers as they do, and says which they are."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client, handle_file

from genre_models.classify import classify
from genre_models.hub import load_ensemble, locate
from genre_models.ui.examples import EXAMPLES
from tests import free_port
from tests.conftest import END_TIMEOUT_S, ROOT, wait_for
from tests.hub_server import ADA, Server
from tests.hub_store import Repo

EXAMPLE = EXAMPLES / "island-dreams.ogg"


@pytest.fixture(scope="module")
def pulled(
    bundled: tuple[Repo, str], hub_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """The app on what was pushed, which it may only take from the cache: its address and its log."""
    locate("ada/ears")
    port, log_file = free_port(), tmp_path_factory.mktemp("app") / "log"
    given = {"GENRE_MODELS": "ada/ears", "HF_HUB_OFFLINE": "1", "HF_TOKEN": ADA}
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), **given}
    with log_file.open("w") as log:
        app = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=log)
    asked = len(hub_server.hub.requests)
    try:
        yield wait_for(port, app, log_file), log_file
        assert not hub_server.hub.requests[asked:], "HF_HUB_OFFLINE was not respected"
    finally:
        app.terminate()
        app.wait(timeout=END_TIMEOUT_S)


def test_the_app_answers_as_the_pushed_models_do(pulled: tuple[str, Path]) -> None:
    client = Client(pulled[0], verbose=False)
    report = client.predict(handle_file(str(EXAMPLE)), api_name="/classify")
    expected = json.loads(json.dumps(classify(EXAMPLE, load_ensemble()).to_dict()))
    for key in ("probabilities", "combined", "verdict", "sound"):
        assert report[key] == expected[key]
    for ours, theirs in zip(expected["models"], report["models"], strict=True):
        assert theirs["probabilities"] == ours["probabilities"]
        assert theirs["timeline"] == ours["timeline"]


def test_the_page_names_the_commit_and_no_token(pulled: tuple[str, Path], bundled: tuple[Repo, str]) -> None:
    url, log_file = pulled
    with urllib.request.urlopen(url) as answer:
        page = answer.read().decode()
    assert bundled[1][:7] in page
    assert "ada/ears" in page
    assert "are not in use" not in page
    assert ADA not in page + log_file.read_text()
