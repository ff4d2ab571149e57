"""The Words tab in a real browser, and its endpoints as programs call them."""

import re
from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from playwright.sync_api import Locator, Page, expect

from tests.conftest import expect_width

ATTEMPTS = 5
"""To stop a text, which may be written before a busy machine hears of it."""

STOP_WHEN_WRITING = """() => {
  const observer = new MutationObserver(() => {
    if (!document.querySelector("#continue-status .is-writing")) return;
    observer.disconnect();
    document.getElementById("continue-stop").click();
  });
  observer.observe(document.getElementById("continue-status"), { childList: true, subtree: true });
}"""


@pytest.fixture
def tab(page: Page, app_url: str) -> Page:
    """The tab, with a phrase translated as it is whenever the tab is opened."""
    page.goto(f"{app_url}?tab=words")
    expect(page.locator("#translate-answer h2")).not_to_be_empty()
    page.wait_for_selector("#translate-map .js-plotly-plot")
    return page


def word(tab: Page, side: str, place: int) -> Locator:
    return tab.locator(f"#translate-ribbon .ribbon-{side} .ribbon-word").nth(place)


def test_a_phrase_is_translated_and_its_words_show_where_they_looked(tab: Page) -> None:
    tab.get_by_role("textbox", name="English").fill("This field is required.")
    tab.get_by_role("textbox", name="English").press("Enter")
    expect(word(tab, "keys", 0)).to_have_text("This")
    expect(tab.locator("#translate-answer li")).to_have_count(4)

    said, mark = tab.locator("#translate-looks .ribbon-said"), tab.locator("#translate-map .chosen-words")
    word(tab, "queries", 0).hover()
    expect(said).to_contain_text("looks at")
    expect(mark).to_be_visible()
    expect(
        tab.locator("#translate-ribbon .ribbon-keys [data-share]:not([data-share=''])").first
    ).to_be_visible()
    tab.get_by_role("heading", name="Which words looked at which").hover()
    expect(mark).to_be_hidden()
    word(tab, "queries", 0).focus()
    tab.keyboard.press("ArrowUp")
    expect(said).to_contain_text("is looked at by")

    word(tab, "keys", 1).click()
    expect(word(tab, "keys", 1)).to_have_attribute("aria-pressed", "true")
    expect(tab.locator("#translate-heads .js-plotly-plot")).to_have_attribute("role", "figure")
    tab.locator("#translate-heads .nsewdrag").nth(1).click()
    expect(tab.locator("#translate-map .js-plotly-plot")).to_have_attribute(
        "aria-label", re.compile("layer 1, head 2")
    )
    expect(word(tab, "keys", 1)).to_have_attribute("aria-pressed", "true")
    tab.get_by_role("radio", name=re.compile("^Masked")).first.check()
    expect(word(tab, "keys", 0)).to_have_text("(start)")

    tab.locator("#translate-answer li button").nth(1).click()
    expect(tab.locator("#translate-answer .eyebrow")).to_contain_text("choice 2")
    tab.get_by_role("textbox", name="English").fill("?")
    tab.get_by_role("button", name="Translate", exact=True).click()
    expect(tab.get_by_role("alert")).to_contain_text("type a few words")
    expect(tab.locator("#translate-looks")).to_be_hidden()


def test_a_text_is_carried_on_explained_and_stopped(tab: Page) -> None:
    tab.get_by_role("button", name="Continue", exact=True).click()
    status = tab.locator("#continue-status")
    expect(status).to_contain_text("added. Seed")
    pieces = tab.locator("#continue-prose button")
    pieces.nth(2).click()
    expect(pieces.nth(2)).to_have_attribute("aria-current", "true")
    expect(tab.get_by_role("figure", name="Likeliest next words")).to_be_visible()
    pieces.nth(2).focus()
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Enter")
    expect(pieces.nth(3)).to_have_attribute("aria-current", "true")
    expect(pieces.nth(3)).to_be_focused()
    tab.get_by_role("button", name="Where the model looked").last.click()
    expect(tab.locator("#continue-map .js-plotly-plot")).to_be_visible()
    tab.get_by_role("textbox", name="Your beginning").fill("word")
    tab.get_by_role("button", name="Continue", exact=True).click()
    expect(tab.locator("#continue-map .xtick")).to_have_text(["word"])

    for _ in range(ATTEMPTS):
        before = status.inner_text()
        tab.evaluate(STOP_WHEN_WRITING)
        tab.get_by_role("button", name="Another one").last.click()
        expect(status).not_to_have_text(before)
        expect(status).to_contain_text("added. Seed")
        if "You stopped it here" in status.inner_text():
            break
    expect(status).to_contain_text("You stopped it here")


def test_nothing_overflows_on_a_phone(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_url}?tab=words&__theme=dark")
    page.wait_for_selector("#translate-map .js-plotly-plot")
    expect(page.locator("#translate-ribbon .ribbon")).to_have_class(re.compile("is-down"))
    expect_width(page)


def test_programs_can_ask_for_translations_and_texts(app_url: str) -> None:
    client = Client(app_url, verbose=False)
    answer = client.predict("This field is required.", api_name="/translate")
    assert answer.keys() == {"translation", "language", "sure", "candidates", "warnings"}
    assert answer["sure"] is True
    assert client.predict("你好，世界", api_name="/translate")["sure"] is False
    written = client.predict("It was a dark", length=8, seed=3, api_name="/continue_text")
    assert written.keys() == {"continuation", "seed", "warnings"}
    assert written["seed"] == 3
    for asked, endpoint, words in (
        ({"text": ""}, "/translate", "type a few words"),
        ({"text": "word " * 200}, "/translate", "shorten it"),
        ({"text": "A", "length": 65}, "/continue_text", "maximum value 64"),
        ({"text": "A", "top_p": 0}, "/continue_text", "minimum value"),
    ):
        with pytest.raises(AppError, match=words):
            client.predict(**asked, api_name=endpoint)
    api: Any = client.view_api(return_format="dict", print_info=False)
    for endpoint, first in (("/translate", "Translate a phrase"), ("/continue_text", "Write on")):
        known = api["named_endpoints"][endpoint]
        assert known["description"].startswith(first)
        assert all(parameter["parameter_has_default"] for parameter in known["parameters"])
