"""What a visitor does on the Classify tab, in a real browser."""

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from genre_models import share
from genre_models.classifiers import GENRES
from genre_models.metrics import measured
from genre_models.ui.examples import load_examples
from genre_models.ui.html import milliseconds
from genre_models.ui.trust import trust
from tests.classify_page import report, upload, verdict
from tests.conftest import expect_width
from tests.reports import SPEECH, make_report


def test_an_uploaded_clip_is_answered_by_five_models(page: Page, clips: Path) -> None:
    upload(page, clips / "music.wav")
    sentence = verdict(page)
    shown = report(page)
    assert sentence == shown["verdict"]["sentence"]
    for model in shown["models"]:
        card = page.locator(f"#side-by-side .cards .model-{model['name']}")
        expect(card.locator(".hears b")).to_have_text(model["genre"])
        assert [bar.split("\n")[0] for bar in card.locator(".bars li").all_inner_texts()] == list(GENRES)
        expect(card).to_contain_text(milliseconds(model["milliseconds"]))
        expect(card).to_contain_text(re.compile(r"[\d,]+ (trained )?parameters, [\d.]+ MB in memory"))
        card.locator("summary").click()
        assert card.locator("tbody tr").count() > 3
    expect(page.locator("#side-by-side .cards .card")).to_have_count(5)
    expect(page.locator("#timeline .heat")).to_have_count(10)
    expect(page.locator("#timeline .heat").first.locator("[data-tip]")).to_have_count(shown["segments"])


def test_a_bad_file_is_explained_and_the_next_clip_works(page: Page, clips: Path) -> None:
    upload(page, clips / "music.wav")
    verdict(page)
    upload(page, clips / "text.wav")
    expect(page.locator("#verdict [role=alert]")).to_contain_text("holds text, not sound")
    expect(page.locator("#side-by-side .card")).to_have_count(0)
    expect(page.locator("#history li")).to_have_count(1)
    upload(page, clips / "short.wav")
    verdict(page)
    expect(page.locator("#verdict .notice").first).to_contain_text("lasts only 2.0 s")
    expect(page.locator("#history li")).to_have_count(2)


def test_silence_names_no_genre(page: Page, clips: Path) -> None:
    upload(page, clips / "silence.wav")
    assert "silent" in verdict(page)
    expect(page.locator("#side-by-side .card")).to_have_count(0)


def test_an_earlier_answer_comes_back(page: Page, clips: Path) -> None:
    upload(page, clips / "music.wav")
    first = verdict(page)
    upload(page, clips / "silence.wav")
    expect(page.locator("#verdict .is-refused")).to_be_visible()
    page.locator("#history button", has_text="music.wav").click()
    expect(page.locator("#verdict h2")).to_have_text(first)
    expect(page.locator("#verdict .clip-name")).to_have_text("music.wav")
    expect(page.locator("#clip #duration")).to_have_text("0:12")
    page.wait_for_timeout(500)  # the clip that came back must not be asked about again
    expect(page.locator("#history li")).to_have_count(2)


def test_the_table_holds_what_the_page_shows(page: Page, clips: Path) -> None:
    upload(page, clips / "music.wav")
    verdict(page)
    with page.expect_download() as download:
        page.click("#report-csv")
    assert download.value.suggested_filename == "music genre report.csv"
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    whole = {row["model"]: row["genre"] for row in rows if row["part"] == "clip"}
    expect(page.locator("#side-by-side .hears b")).to_have_text(list(whole.values()))


def test_the_visitor_chooses_the_models(page: Page, clips: Path) -> None:
    upload(page, clips / "music.wav")
    verdict(page)
    for name in ("MLP", "LSTM", "Transformer", "MusiCNN"):
        page.get_by_role("checkbox", name=name).uncheck()
    expect(page.locator("#side-by-side .card")).to_have_count(1)
    expect(page.locator("#side-by-side .card h3")).to_have_text("CNN")
    page.get_by_role("checkbox", name="CNN", exact=True).uncheck()
    expect(page.locator("#verdict")).to_contain_text("Tick at least one")
    page.get_by_role("checkbox", name="LSTM").check()
    expect(page.locator("#side-by-side .card h3")).to_have_text("LSTM")
    expect(page.locator("#history li")).to_have_count(1)


def test_a_clip_can_be_trimmed_before_the_models_are_asked(page: Page, clips: Path) -> None:
    page.get_by_role("checkbox", name="Answer as soon as a clip is in").uncheck()
    upload(page, clips / "music.wav")
    expect(page.locator("#verdict")).to_contain_text("press “Ask the models”")
    expect(page.locator("#clip #duration")).to_have_text("0:12")  # before, Gradio's selection has no length
    page.locator("#clip").get_by_label("Trim audio to selection").click()
    page.locator("#clip").get_by_role("button", name="Trim", exact=True).click()
    expect(page.locator("#clip #duration")).not_to_have_text("0:12")
    page.get_by_role("button", name="Ask the models").click()
    verdict(page)
    assert report(page)["duration_s"] < 11


def test_an_example_is_heard_and_answered(page: Page) -> None:
    examples = load_examples()
    assert len(examples) >= 4
    expect(page.locator("#examples li")).to_have_count(len(examples))
    for item, example in zip(page.locator("#examples li").all(), examples, strict=True):
        expect(item).to_contain_text(example.artist)
        expect(item).to_contain_text(example.licence)
        expect(item.locator(".style")).to_have_text(example.style or "unknown: what do you hear?")
    page.locator("#examples button").first.click()
    verdict(page)
    expect(page.locator("#verdict .clip-name")).to_have_text(examples[0].title)
    expect(page.locator("#clip").get_by_label("Pause", exact=True)).to_be_visible()
    expect(page.locator("#timeline .playhead")).to_be_visible()


def test_one_sound_at_a_time_and_an_example_is_stopped_by_its_button(page: Page) -> None:
    example = page.locator("#examples button").first
    example.click()
    verdict(page)
    playing = page.locator("#clip").get_by_label("Pause", exact=True)
    expect(playing).to_be_visible()
    page.evaluate("() => void document.createElement('audio').play()")  # as another player begins
    expect(playing).to_be_hidden()
    page.wait_for_timeout(500)
    expect(playing).to_be_hidden()
    assert page.evaluate("playerIn('clip').currentTime < playerIn('clip').duration")  # it did not just end
    example.click()
    expect(playing).to_be_visible()
    expect(example).to_have_accessible_name(re.compile("^Pause:"))
    example.click()
    expect(playing).to_be_hidden()


def test_a_link_brings_the_answer_to_another_visitor(page: Page, app_url: str, clips: Path) -> None:
    upload(page, clips / "music.wav")
    sentence = verdict(page)
    expect(page.locator("#share .share button")).to_be_hidden()  # a link to localhost helps nobody
    token = page.locator("#share .share").get_attribute("data-token")
    page.goto(f"{app_url}?report={token}")
    assert verdict(page) == sentence
    expect(page.locator("#verdict .notice").first).to_contain_text("came from a link")
    page.get_by_role("checkbox", name="MLP").uncheck()
    page.wait_for_timeout(500)
    assert verdict(page) == sentence
    page.goto(f"{app_url}?report=nothing")
    expect(page.locator("#verdict [role=alert]")).to_contain_text("holds no report")


def test_what_is_no_music_gets_reasons_instead_of_a_genre(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}?report={share.to_token(make_report(5, SPEECH))}")
    assert verdict(page) == SPEECH.sentence
    expect(page.locator("#verdict .evidence li")).to_have_text(list(SPEECH.evidence))
    expect(page.locator("#verdict .gauge, #timeline section")).to_have_count(0)
    expect(page.locator("#side-by-side")).to_contain_text("must name one of ten genres for any sound")
    expect(page.locator("#side-by-side .cards .card")).to_have_count(5)
    expect(page.locator("#history li")).not_to_contain_text("agree")


def test_the_pretrained_model_shows_its_tags(page: Page, clips: Path) -> None:
    upload(page, clips / "music.wav")
    verdict(page)
    tags = next(model["tags"] for model in report(page)["models"] if model["name"] == "musicnn")
    panel = page.locator("#side-by-side .tags")
    expect(panel).to_contain_text("do not add up to 100%")
    shown = panel.locator("ol").first.locator("li").all_inner_texts()
    likeliest = sorted(tags, key=lambda tag: -tags[tag])
    assert [line.split("\n")[0] for line in shown] == likeliest[:10]
    expect(panel).to_contain_text("Jordi Pons et al., Music Technology Group, Universitat Pompeu Fabra")
    panel.locator("summary").click()
    expect(panel.locator("details li")).to_have_count(50)
    expect(page.locator("#side-by-side .cards .model-musicnn")).to_contain_text(
        "792,079 frozen + 3,234,355 trained"
    )


def test_what_was_measured_can_be_looked_up(page: Page) -> None:
    if not trust(measured()):
        assert page.locator("#trust").count() == 0
        return
    page.locator("#trust summary").first.click()
    dot = page.locator("#trust .plot i").last
    dot.hover()
    expect(page.locator(".tip")).to_have_text(str(dot.get_attribute("data-tip")))
    assert page.locator("#trust .conditions td").count() > 0


def test_a_file_name_is_shown_as_text(page: Page, clips: Path, tmp_path: Path) -> None:
    hostile = tmp_path / "<img src=x onerror=alert(1)>{{7}}${8}.wav"
    hostile.write_bytes((clips / "music.wav").read_bytes())
    upload(page, hostile)
    verdict(page)
    assert page.locator("#verdict img, #history img").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_overflows_on_a_phone(
    page: Page, app_url: str, clips: Path, theme: str, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_url}?__theme={theme}")
    page.wait_for_selector("#ask")
    expect_width(page)
    long_name = tmp_path / f"{'A long and winding name of a song ' * 4}.wav"
    long_name.write_bytes((clips / "music.wav").read_bytes())
    upload(page, long_name)
    verdict(page)
    expect(page.locator("#clip #duration")).to_have_text("0:12")
    expect(page.locator("#side-by-side .cards .card")).to_have_count(5)
    for summary in page.locator("summary").all():
        summary.click()
    expect_width(page)
    for box in page.locator(".verdict, .timeline, .card, .trust").all():
        edges = box.bounding_box()
        assert edges is not None
        assert edges["x"] + edges["width"] <= 390
    below = page.evaluate("document.querySelector('#verdict h2').getBoundingClientRect().top + scrollY")
    assert below < 844  # the answer stands on the first screen, without scrolling


def test_the_page_is_made_for_everyone(page: Page) -> None:
    expect(page).to_have_title("Deep Learning for Audio")
    expect(page.locator("h1")).to_have_text(["Deep Learning for Audio"])
    expect(page.locator("html")).to_have_attribute("lang", "en-GB")
    expect(page.locator("#verdict")).to_have_attribute("aria-live", "polite")
    expect(page.get_by_role("group", name="Models that answer")).to_be_visible()
    expect(page.locator("link[rel=icon]").first).to_have_attribute("href", re.compile("^data:image/svg.xml,"))
