"""What a visitor does to teach labels of his or her own, in a real browser."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import Page, expect

from tests.classify_page import record, upload
from tests.conftest import expect_width
from tests.sounds import sound

DRONES, CLICKS = 0, 7
"""Two of the kinds of synthetic sound."""


@pytest.fixture(scope="module")
def taught_clips(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[Path]]:
    """Four clips of 5 s of either kind."""
    folder = tmp_path_factory.mktemp("taught")
    paths: dict[int, list[Path]] = {}
    for kind in (DRONES, CLICKS):
        paths[kind] = [folder / f"{kind} {i}.wav" for i in range(4)]
        for i, path in enumerate(paths[kind]):
            soundfile.write(path, sound(kind, i, 5.0), 22_050)
    return paths


def open_panel(page: Page) -> None:
    page.get_by_role("button", name="Teach it labels of your own").click()
    expect(page.get_by_label("Label", exact=True)).to_be_visible()


def choose(page: Page, button: str, paths: Path | Sequence[Path]) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=button).click()
    chooser.value.set_files(paths)


def teach(page: Page, label: str, paths: Sequence[Path]) -> None:
    page.get_by_label("Label", exact=True).fill(label)
    choose(page, "Upload clips", paths)
    expect(page.locator("#teach-said")).to_contain_text(f"added to “{label}”")


def teach_both(page: Page, taught_clips: dict[int, list[Path]]) -> None:
    open_panel(page)
    teach(page, "Drones", taught_clips[DRONES][:3])
    expect(page.locator("#teach-labels")).to_contain_text("Teach a second label")
    teach(page, "Clicks", taught_clips[CLICKS][:3])
    expect(page.locator("#teach-labels")).to_contain_text("6 of 6 clips are named rightly when left out")


def named(page: Page, label: str) -> None:
    words = re.compile(rf"Your labels: {label}, (over )?\d+%")
    expect(page.locator("#taught h2")).to_have_text(words)


def download(page: Page) -> Path:
    with page.expect_download() as downloaded:
        page.get_by_role("button", name="Download the labels").click()
    return downloaded.value.path()


def test_two_labels_are_taught_downloaded_and_loaded_again(
    page: Page, taught_clips: dict[int, list[Path]]
) -> None:
    teach_both(page, taught_clips)
    assert page.locator("#taught section").count() == 0
    upload(page, taught_clips[DRONES][3])
    named(page, "Drones")
    upload(page, taught_clips[CLICKS][3])
    named(page, "Clicks")
    file = download(page)
    content = json.loads(file.read_text(encoding="utf-8"))
    assert [[clip["name"] for clip in label["clips"]] for label in content["labels"]] == [
        [path.name for path in taught_clips[kind][:3]] for kind in (DRONES, CLICKS)
    ]
    first = [str(value) for value in content["labels"][0]["clips"][0]["embedding"][:3]]
    assert not any(between.join(first) in page.content() for between in (",", ", "))
    page.reload()
    page.wait_for_selector("#ask")
    open_panel(page)
    expect(page.locator("#teach-labels li")).to_have_count(0)
    choose(page, "Load labels", file)
    expect(page.locator("#teach-said")).to_contain_text("2 labels with 6 clips loaded")
    upload(page, taught_clips[DRONES][3])
    named(page, "Drones")


def test_the_answer_follows_the_labels(page: Page, taught_clips: dict[int, list[Path]]) -> None:
    upload(page, taught_clips[DRONES][3])
    teach_both(page, taught_clips)
    named(page, "Drones")
    page.get_by_role("button", name="Remove Drones and its clips").click()
    expect(page.locator("#taught section")).to_have_count(0)
    page.get_by_role("button", name="Undo the removal").click()
    named(page, "Drones")
    page.get_by_role("button", name="Forget all").click()
    expect(page.locator("#teach-labels section")).to_have_count(0)
    page.get_by_role("button", name="Undo the removal").click()
    named(page, "Drones")


def test_the_clip_above_and_a_recording_can_be_taught(
    page: Page, taught_clips: dict[int, list[Path]]
) -> None:
    open_panel(page)
    page.get_by_role("button", name="Add the clip above").click()
    expect(page.locator("#teach-said [role=alert]")).to_contain_text("no clip above yet")
    upload(page, taught_clips[CLICKS][3])
    expect(page.locator("#verdict .clip-name")).to_be_visible()
    page.get_by_label("Label", exact=True).fill("Clicks")
    page.get_by_role("button", name="Add the clip above").click()
    expect(page.locator("#teach-labels .clip-name")).to_have_text([taught_clips[CLICKS][3].name])
    page.get_by_label("Label", exact=True).fill("My room")
    for i in (1, 2):
        record(page, 2 * i, "#teach-record")  # the same sound twice would count once
        expect(page.locator("#teach-labels")).to_contain_text(f"Recording {i}")
    named(page, "Clicks")


def test_what_cannot_be_used_is_explained_and_nothing_is_lost(
    page: Page, taught_clips: dict[int, list[Path]], clips: Path, tmp_path: Path
) -> None:
    open_panel(page)
    choose(page, "Upload clips", [*taught_clips[DRONES][:2], clips / "text.wav"])
    said = page.locator("#teach-said [role=alert]")
    expect(said).to_contain_text("text.wav was left out. This file holds text, not sound")
    expect(said).to_contain_text("2 clips will wait")
    page.get_by_label("Label", exact=True).fill("Drones")
    page.get_by_label("Label", exact=True).press("Enter")
    expect(page.locator("#teach-labels .clip-name")).to_have_count(2)
    foreign = tmp_path / "foreign.json"
    foreign.write_text('{"labels": "<img src=x onerror=alert(1)>"}', encoding="utf-8")
    for path in (foreign, clips / "music.wav"):
        choose(page, "Upload clips", clips / "silence.wav")
        expect(said).to_contain_text("This clip is silent")
        choose(page, "Load labels", path)
        expect(said).to_have_text("This file holds no labels that were downloaded here.")
    expect(page.locator("#teach-labels .clip-name")).to_have_count(2)


def test_a_label_is_shown_as_text(page: Page, taught_clips: dict[int, list[Path]]) -> None:
    hostile = "<img src=x onerror=alert(1)>{{7}}${8}"
    open_panel(page)
    teach(page, hostile, taught_clips[DRONES][:1])
    expect(page.locator("#teach-labels h3")).to_have_text(hostile)
    teach(page, "other", taught_clips[CLICKS][:1])
    upload(page, taught_clips[DRONES][3])
    expect(page.locator("#taught h2")).to_contain_text(hostile)
    assert page.locator("#teach img, #taught img").count() == 0
    page.get_by_role("button", name=f"Remove {hostile} and its clips").click()
    expect(page.locator("#teach-labels h3")).to_have_text(["other"])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_teaching_fits_a_phone(
    page: Page, app_url: str, taught_clips: dict[int, list[Path]], theme: str
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_url}?__theme={theme}")
    page.wait_for_selector("#ask")
    open_panel(page)
    teach(page, "W" * 40, taught_clips[DRONES][:2])
    teach(page, "Clicks", taught_clips[CLICKS][:2])
    upload(page, taught_clips[DRONES][3])
    expect(page.locator("#taught section")).to_be_visible()
    expect_width(page)
    for box in page.locator("#taught section, #teach, .labels > li, #teach-file button").all():
        edges = box.bounding_box()
        assert edges is not None
        assert edges["x"] + edges["width"] <= 390


def test_labels_can_be_taught_by_keyboard(page: Page, taught_clips: dict[int, list[Path]]) -> None:
    opener = page.get_by_role("button", name="Teach it labels of your own")
    opener.focus()
    page.keyboard.press("Enter")
    teach(page, "Drones", taught_clips[DRONES][:2])
    page.get_by_role("button", name=f"Remove {taught_clips[DRONES][0].name} from Drones").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#teach-labels .clip-name")).to_have_count(1)
    expect(page.locator("#teach-said [role=status]")).to_contain_text("was removed")
    expect(page.locator("#taught-labels-title")).to_be_focused()
