"""The app in a real browser, for the benchmarks that wait for what is painted."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

from tests import free_port
from tests.conftest import ROOT, wait_for


@contextmanager
def opened_page() -> Iterator[Page]:
    """The page of an app of its own, ready for a file."""
    port = free_port()
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port)}
    server = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        url = wait_for(port, server)
        with sync_playwright() as playwright:
            executable = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(url)
            page.wait_for_selector("#ask")
            page.locator("#clip").get_by_label("Upload file").click()
            yield page
    finally:
        server.terminate()
        server.wait(timeout=20)


def clear(page: Page) -> None:
    """Take the clip away, until the answer is gone."""
    page.locator("#clip").get_by_label("Clear").click()
    page.locator("#verdict .empty").wait_for()
