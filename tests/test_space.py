"""The repository as it is, is a Gradio Space: pins that agree, files that fit, an app that starts there."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from gradio_client import Client, handle_file
from huggingface_hub import HfApi, snapshot_download
from packaging.requirements import Requirement

from genre_models.ui.examples import EXAMPLES
from tests import free_port
from tests.conftest import END_TIMEOUT_S, ROOT, wait_for
from tests.hub_server import ADA, Server
from tests.hub_store import LARGE, Tree

SPACE = "ada/audio"
CORES = 2
MOST_MEMORY = 4 * 2**30  # bytes with a visitor; the free tier has 16 GB
BUILT_WITH = {"", "mcp", "oauth"}  # extras of gradio that a Space installs beside requirements.txt
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


@dataclass(frozen=True)
class Space:
    folder: Path
    home: Path
    url: str
    process: subprocess.Popen[bytes]

    @property
    def peak_memory(self) -> int:
        """The most memory that the app and its helpers have held, each at its own worst moment, in bytes."""
        peaks = {
            int(status["Pid"]): int(status["VmHWM"].split()[0]) for status in statuses() if "VmHWM" in status
        }
        parents = {int(status["Pid"]): int(status["PPid"]) for status in statuses()}
        family = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in family} - family:
            family |= more
        return 1024 * sum(peaks.get(pid, 0) for pid in family)


def statuses() -> list[dict[str, str]]:
    """What Linux says of every process."""
    found = []
    for file in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):  # it has ended since
            found.append(
                dict(line.split(":\t", 1) for line in file.read_text().splitlines() if ":\t" in line)
            )
    return found


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the files that git knows or would take."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("THE SPACE WAS NOT TRIED: this is no git checkout.")
    folder = tmp_path_factory.mktemp("tracked")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def uploaded(tracked: Path, hub_server: Server) -> Tree:
    """What lies on the Hub once it was uploaded there."""
    api = HfApi(token=ADA)
    api.create_repo(SPACE, repo_type="space", space_sdk="gradio")
    api.upload_folder(repo_id=SPACE, repo_type="space", folder_path=tracked)
    repo = hub_server.hub.repos["space", SPACE]
    return repo.commits[repo.refs["main"]]


@pytest.fixture(scope="module")
def space(uploaded: Tree, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """The app as a Space on the free tier starts it, from what the Hub hands out."""
    folder, home = tmp_path_factory.mktemp("app"), tmp_path_factory.mktemp("home")
    snapshot_download(SPACE, repo_type="space", local_dir=folder)
    shutil.rmtree(folder / ".cache")  # the client's own notes
    port, log_file = free_port(), home / "log"
    given = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "SYSTEM": "spaces",
        "SPACE_ID": SPACE,
        "SPACE_HOST": "ada-audio.hf.space",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_SERVER_PORT": str(port),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(CORES)),
    }
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    command = ["taskset", "--cpu-list", ",".join(map(str, cores)), sys.executable, "app.py"]
    with log_file.open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=given, stdout=log, stderr=log)
    try:
        yield Space(folder, home, wait_for(port, process, log_file), process)
    finally:
        process.terminate()
        process.wait(timeout=END_TIMEOUT_S)


def header(folder: Path) -> dict[str, Any]:
    found = re.match(r"---\n(.*?)\n---\n", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return yaml.safe_load(found[1])


def pins(folder: Path) -> dict[str, str]:
    lines = (folder / "requirements.txt").read_text().splitlines()
    return dict(line.lower().replace("_", "-").split("==") for line in lines)


def test_the_header_is_one_that_the_hub_takes(tracked: Path) -> None:
    head = header(tracked)
    assert head["sdk"] == "gradio"
    assert (tracked / head["app_file"]).is_file()
    assert len(head["short_description"]) <= 60
    assert {head["colorFrom"], head["colorTo"]} <= COLOURS
    assert head["license"] == "mit"
    assert head["python_version"] == f"{sys.version_info.major}.{sys.version_info.minor}"


def test_the_pins_agree_with_what_a_space_installs(tracked: Path) -> None:
    pinned = pins(tracked)
    assert pinned["gradio"] == header(tracked)["sdk_version"] == importlib.metadata.version("gradio")
    for text in importlib.metadata.requires("gradio") or []:
        wanted = Requirement(text)
        if wanted.name in pinned and any(
            wanted.marker is None or wanted.marker.evaluate({"extra": extra}) for extra in BUILT_WITH
        ):
            assert wanted.specifier.contains(pinned[wanted.name]), wanted


def test_no_file_is_too_large_for_git_on_the_hub(tracked: Path) -> None:
    sizes = {path: path.stat().st_size for path in tracked.rglob("*") if path.is_file()}
    assert sizes
    assert not [path for path, size in sizes.items() if size > LARGE]


def test_everything_arrives_and_nothing_else(tracked: Path, uploaded: Tree) -> None:
    ours = {path.relative_to(tracked).as_posix() for path in tracked.rglob("*") if path.is_file()}
    assert uploaded.keys() - {".gitattributes"} == ours
    for path in ours:
        assert uploaded[path].content == (tracked / path).read_bytes(), path
    assert not [path for path in ours if path.startswith((".venv", ".cache", "runs"))]


def test_it_starts_as_a_space_and_answers(space: Space) -> None:
    example = handle_file(str(EXAMPLES / "island-dreams.ogg"))
    report = Client(space.url, verbose=False).predict(example, api_name="/classify")
    assert report["verdict"]["genre"] is not None
    assert len(report["models"]) == 5
    assert 2**28 < space.peak_memory < MOST_MEMORY


def test_it_writes_nothing_beside_its_code(space: Space, uploaded: Tree) -> None:
    there = {path.relative_to(space.folder).as_posix() for path in space.folder.rglob("*") if path.is_file()}
    there = {path for path in there if "__pycache__" not in path}
    assert there == uploaded.keys()
    assert all((space.folder / path).read_bytes() == uploaded[path].content for path in there)
