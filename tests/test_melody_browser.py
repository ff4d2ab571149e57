"""What a visitor does on the Melody tab, in a real browser."""

import re
from pathlib import Path

import mido
import pytest
from playwright.sync_api import Locator, Page, expect

from genre_models.melody import notes
from genre_models.melody.tune import Note
from genre_models.ui.presets import PRESETS
from tests.conftest import PATIENCE_MS, expect_width

GIVEN = "A5 E5 C#5 B3 G6"
BARS = "#melody-roll .barlayer .point"
PLAYS = """() => {
  const inside = (root) => [...root.querySelectorAll("*")].flatMap((element) =>
    [element, ...(element.shadowRoot ? inside(element.shadowRoot) : [])]);
  return inside(document.getElementById("melody-player")).some((element) => element.currentTime > 0.3);
}"""

ATTEMPTS = 5
"""To stop a tune of 512 notes, which may be written before a busy machine hears of it."""

STOP_WHEN_WRITING = """() => {
  const observer = new MutationObserver(() => {
    if (!document.querySelector("#melody-status .is-writing")) return;
    observer.disconnect();
    document.getElementById("melody-stop").click();
  });
  observer.observe(document.getElementById("melody-status"), { childList: true, subtree: true });
}"""


@pytest.fixture
def tab(page: Page) -> Page:
    """The Melody tab, its roll drawn."""
    page.get_by_role("tab", name="Melody").click()
    page.wait_for_selector(BARS)
    return page


def field(tab: Page) -> Locator:
    return tab.get_by_role("textbox", name="Your notes")


def carry_on(tab: Page, text: str, length: int = 12) -> None:
    number = tab.get_by_label("number input for Notes to add")
    number.fill(str(length))
    number.press("Tab")
    field(tab).fill(text)
    tab.get_by_role("button", name="Carry it on").click()
    written(tab, length)


def written(tab: Page, length: int) -> list[Note]:
    """The tune as the page has it, once so many notes were added."""
    expect(tab.locator("#melody-status")).to_contain_text(f"{length} notes added")
    expect(tab.locator("#melody-sheet svg").first).to_be_visible()
    return notes.parse(tab.locator("#tune-text textarea").input_value())


def download(tab: Page, button: str) -> Path:
    with tab.expect_download() as file:
        tab.get_by_role("button", name=button, exact=True).click()
    assert re.fullmatch(r"tune-\d+\.(mid|abc|musicxml)", file.value.suggested_filename)
    return Path(file.value.path())


def play(tab: Page) -> None:
    """Press until it sounds: the player may load a sound twice, and forgets what was pressed before."""
    button = tab.locator("#melody-player").get_by_label("Play", exact=True)
    for _ in range(PATIENCE_MS // 600):
        if button.is_visible():
            button.click()
        tab.wait_for_timeout(600)
        if tab.evaluate(PLAYS):
            return
    pytest.fail("the tune does not play")


def test_typed_notes_become_a_tune_that_plays_and_can_be_downloaded(tab: Page) -> None:
    carry_on(tab, GIVEN)
    tune = written(tab, 12)
    assert [note.name for note in tune[:5]] == GIVEN.split()
    assert len(tune) == 17
    pitches = [note.pitch for note in tune if note.pitch is not None]
    expect(tab.locator(BARS)).to_have_count(len(pitches))
    play(tab)
    expect(tab.locator("#melody-roll .playhead")).to_be_visible()
    track = mido.MidiFile(download(tab, "MIDI")).tracks[0]
    assert [message.note for message in track if message.type == "note_on"] == pitches
    assert download(tab, "ABC").read_text().startswith("X:1\n")
    assert "<score-partwise" in download(tab, "MusicXML").read_text()

    field(tab).fill("A5 H9")
    tab.get_by_role("button", name="Carry it on").click()
    expect(tab.get_by_role("alert")).to_contain_text("note 2, 'H9': a letter from A to G was expected")
    expect(field(tab)).to_have_value("A5 H9")
    assert written(tab, 12) == tune
    field(tab).fill("A5 G5")
    expect(tab.get_by_role("alert")).to_have_count(0)


def seed(tab: Page) -> int:
    """What the tune was drawn with."""
    return int(re.findall(r"Seed (\d+)", tab.locator("#melody-status").inner_text())[0])


def test_the_keyboard_types_notes(tab: Page) -> None:
    def press(name: str) -> None:
        tab.get_by_role("button", name=name, exact=True).click()

    press("Clear")
    expect(field(tab)).to_have_value("")
    press("C4")
    press("F sharp 5")
    press("An octave higher")
    tab.get_by_role("combobox", name="Length").select_option("1/4")
    press("B6")
    press("Rest")
    expect(field(tab)).to_have_value("C4 F#5 B6:1/4 R:1/4")
    press("Take the last away")
    expect(field(tab)).to_have_value("C4 F#5 B6:1/4")
    expect(tab.locator(BARS)).to_have_count(3)


def test_a_tune_is_carried_on_and_followed_by_another(tab: Page) -> None:
    tab.get_by_role("button", name="Jig").first.click()
    expect(field(tab)).to_have_value(PRESETS[2].notes)
    expect(tab.get_by_label("Metre", exact=True)).to_have_value("6/8")
    carry_on(tab, "D5 E5", 8)
    expect(tab.locator("#melody-sheet figcaption")).to_contain_text("G major, 6/8")
    text = tab.locator("#tune-text textarea")
    before = text.input_value()
    tab.get_by_role("button", name="Carry it on").click()
    expect(text).not_to_have_value(before)  # without a seed, each press is another tune
    first = seed(tab)
    before = text.input_value()
    tab.get_by_role("button", name="Another one").click()
    expect(tab.locator("#melody-status")).to_contain_text(f"Seed {first + 1}.")
    expect(text).not_to_have_value(before)
    expect(tab.locator(".look-title").first).to_contain_text("How note 10 was chosen")
    tune = written(tab, 8)
    before = text.input_value()
    tab.get_by_role("button", name="Continue from here").click()
    expect(field(tab)).to_have_value(notes.write(tune))
    expect(text).not_to_have_value(before)
    expect(tab.locator(".look-title").first).to_contain_text("How note 18 was chosen")
    assert written(tab, 8)[:10] == tune


def test_a_long_tune_can_be_stopped(tab: Page) -> None:
    number = tab.get_by_label("number input for Notes to add")
    number.fill("512")
    number.press("Tab")
    status = tab.locator("#melody-status")
    for _ in range(ATTEMPTS):
        before = status.inner_text()
        tab.evaluate(STOP_WHEN_WRITING)
        tab.get_by_role("button", name="Carry it on").click()
        expect(status).not_to_have_text(before)
        expect(status).to_contain_text("added")
        if "You stopped it here" in status.inner_text():
            break
    expect(status).to_contain_text("You stopped it here")
    added = int(tab.locator("#melody-status b").inner_text().split()[0])
    assert added < 512
    expect(tab.locator("#tune-midi")).to_be_visible()


def test_a_note_says_why_it_was_chosen(tab: Page) -> None:
    carry_on(tab, GIVEN)
    tune = written(tab, 12)
    expect(tab.locator(".look-title").first).to_contain_text(f"How note 17 was chosen: {tune[16].name}")
    expect(tab.locator("#melody-roll .scatterlayer .trace")).to_have_count(0)
    number = tab.get_by_label("number input for Note of the tune")
    number.fill("9")
    number.press("Tab")
    expect(tab.locator(".look-title").first).to_contain_text(f"How note 9 was chosen: {tune[8].name}")
    expect(tab.locator("#melody-roll .scatterlayer .trace")).not_to_have_count(0)
    tab.get_by_role("radio", name="no arcs").check()
    expect(tab.locator("#melody-roll .scatterlayer .trace")).to_have_count(0)

    tab.get_by_role("button", name="Where the model looked: attention").click()
    detail = tab.locator("#attention-one .js-plotly-plot")
    expect(detail.locator(".xtick").last).to_have_text("G6")
    tab.get_by_role("radio", name=re.compile("Masked")).check()
    expect(detail.locator(".xtick").last).to_have_text(tune[16].name)
    tab.get_by_label("Layer", exact=True).click()
    tab.get_by_role("option", name="2", exact=True).click()
    expect(detail.locator(".gtitle")).to_have_text("Layer 2, all heads")


def test_nothing_overflows_on_a_phone(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_url}?__theme=dark")
    page.get_by_role("tab", name="Melody").click()
    page.wait_for_selector(BARS)
    expect_width(page)
    carry_on(page, GIVEN, 8)
    page.get_by_role("button", name="Where the model looked: attention").click()
    page.wait_for_selector("#attention-one .js-plotly-plot")
    expect_width(page)
    for box in page.locator("#melody-roll, .keyboard, .sheet, #melody-look").all():
        edges = box.bounding_box()
        assert edges is not None
        assert edges["x"] + edges["width"] <= 390


def test_the_tab_is_made_for_everyone(tab: Page) -> None:
    expect(tab.locator("#melody-status")).to_have_attribute("role", "status")
    roll = tab.get_by_role("figure", name="Piano roll of 5 notes")
    expect(roll).to_be_visible()
    expect(tab.get_by_role("group", name="Keyboard")).to_be_visible()
    field(tab).focus()
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("button", name="An octave lower")).to_be_focused()
