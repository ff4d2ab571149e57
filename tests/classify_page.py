"""What tests do on the Classify tab."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

RECORDING_S = 7


def upload(page: Page, path: Path) -> None:
    clear = page.locator("#clip").get_by_label("Clear")
    if page.locator("#clip time").count() or page.locator("#clip audio").count():
        clear.click()
        expect(page.locator("#verdict .empty")).to_be_visible()
    page.locator("#clip").get_by_label("Upload file").click()
    page.set_input_files("#clip input[type=file]", path)


def verdict(page: Page) -> str:
    heading = page.locator("#verdict .verdict h2")
    expect(heading).to_be_visible()
    return heading.inner_text()


def record(page: Page, seconds: int = RECORDING_S, recorder: str = "#clip") -> None:
    """So many seconds or a few more, by the recorder's own clock."""
    page.locator(f"{recorder} .record-button").click()
    clock = f"document.querySelector('{recorder} time.duration')?.textContent"
    page.wait_for_function(f"{clock} >= '0:{seconds:02}'")
    page.locator(f"{recorder} .stop-button").first.click()


def report(page: Page) -> dict[str, Any]:
    """The report on show, as the visitor would download it."""
    with page.expect_download() as download:
        page.click("#report-json")
    content = json.loads(download.value.path().read_text())
    assert isinstance(content, dict)
    return content
