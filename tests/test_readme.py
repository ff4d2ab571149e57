"""The README keeps to the metrics files and to the pins, and its pictures and links are there."""

import re
from pathlib import Path

from tests.readme import README, filled

ROOT = README.parent


def test_every_figure_comes_from_a_metrics_file() -> None:
    text = README.read_text(encoding="utf-8")
    assert filled(text) == text, "run `python -m tests.readme`"


def test_the_space_uses_the_pinned_gradio() -> None:
    pinned = re.search(r"^gradio==(.+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    header = re.search(r"^sdk_version: (.+)$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert pinned and header
    assert pinned[1] == header[1]


def test_every_requirement_is_pinned_exactly() -> None:
    for name in (
        "requirements.txt",
        "requirements-dev.txt",
        "requirements-bench.txt",
        "requirements-cluster.txt",
    ):
        lines = (ROOT / name).read_text().splitlines()
        assert all(
            re.fullmatch(r"[\w.\-\[\]]+==[\w.]+|-r requirements(-dev)?.txt", line) for line in lines
        ), name


def test_links_to_files_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert local
    for target in local:
        assert (ROOT / target).exists(), target


def test_no_committed_file_is_too_large_for_the_hub() -> None:
    files = [path for path in (ROOT / "assets").rglob("*") if path.is_file()]
    assert max(Path(path).stat().st_size for path in files) < 10 * 2**20
