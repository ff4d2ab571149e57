"""The Inside tab: what it shows of which clip, and what a visitor does there in a real browser."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from playwright.sync_api import Locator, Page, expect

from genre_models.classify import Report, classify
from genre_models.hub import Ensemble, load_ensemble
from genre_models.metrics import Measured
from genre_models.sound import Sound
from genre_models.ui import inside
from genre_models.ui.classify import ClassifyTab
from genre_models.ui.examples import EXAMPLES
from genre_models.ui.inside import InsideTab
from genre_models.ui.inside_place import asked_genre, place, segment_choices
from genre_models.ui.session import Entry, Session
from tests.reports import SPEECH, make_report

CLIP = EXAMPLES / "chaos-god.ogg"
CHOICES = ("cnn", "plain", 0, 0)
FIGURES = ["inside-clip", "inside-maps", "inside-map", "inside-occlusion", "inside-pictures"]


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return load_ensemble()


@pytest.fixture(scope="module")
def tab(ensemble: Ensemble) -> InsideTab:
    return build(ensemble)


@pytest.fixture(scope="module")
def report(ensemble: Ensemble) -> Report:
    return classify(CLIP, ensemble)


def build(ensemble: Ensemble) -> InsideTab:
    with gr.Blocks() as page:
        classify_tab = ClassifyTab(page, ensemble, Measured())
        with gr.Tabs(), gr.Tab("Inside") as holder:
            return InsideTab(holder, classify_tab, ensemble, {})


def session(path: Path | str, report: Report) -> Session:
    return Session().with_answer(Entry(str(path), "A clip", report))


def opened(tab: InsideTab, asked: Session, choices: tuple[Any, ...] = CHOICES) -> dict[str, Any]:
    """Everything that opening the tab changes, by the elements' ids."""
    changed: dict[str, Any] = {}
    for updates in tab.on_open(asked, "", *choices):
        assert isinstance(updates, dict)
        changed |= {
            getattr(widget, "elem_id", None) or str(widget): value for widget, value in updates.items()
        }
    return changed


def is_visible(update: Any) -> bool:
    value: bool = update["visible"] if isinstance(update, dict) else update.visible
    return value


def test_opening_the_tab_shows_the_clip_with_all_its_figures(tab: InsideTab, report: Report) -> None:
    shown = opened(tab, session(CLIP, report))
    assert is_visible(shown["inside"])
    assert not is_visible(shown["inside-empty"])
    assert report.verdict.sentence in shown["inside-head"]
    assert CLIP.name in shown["inside-player"]
    figures = {name: json.loads(shown[name]) for name in FIGURES}
    assert all(figure["data"] for figure in figures.values())
    assert len(figures["inside-maps"]["data"]) == 2 * 4
    assert {trace.get("name") for trace in figures["inside-occlusion"]["data"]} >= {"MLP", "CNN", "LSTM"}


def test_the_same_answer_is_not_worked_out_again(tab: InsideTab, report: Report) -> None:
    asked = session(CLIP, report)
    entry = asked.entry
    assert entry is not None
    (update,) = tab.on_open(asked, f"{entry.path} {entry.when.isoformat()}", *CHOICES)
    assert update == gr.skip()


def test_what_is_shown_of_another_answer_goes_out_of_sight_until_it_is_asked_for_again(
    tab: InsideTab, report: Report
) -> None:
    first = session(CLIP, report)
    shown = f"{CLIP} {first.entries[0].when.isoformat()}"
    second = first.with_answer(Entry("/other/clip.wav", "Another", make_report(2)))
    assert tab.on_answer(second, shown)[2].visible == "hidden"
    assert tab.on_answer(second.showing(0), shown)[2].visible is True
    assert tab.on_answer(second.showing(None), "")[2].visible == "hidden"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Session(), "Nothing to look inside yet"),
        (session("", make_report(5)), "There is no sound to look inside"),
        (session("/gone/clip.wav", make_report(5)), "no longer here"),
    ],
)
def test_without_a_clip_the_tab_says_why_and_what_to_do(tab: InsideTab, asked: Session, words: str) -> None:
    shown = opened(tab, asked)
    assert is_visible(shown["inside-empty"])
    assert not is_visible(shown["inside"])
    why = next(value for value in shown.values() if isinstance(value, str) and "<h2>" in value)
    assert words in why
    assert 'href="?tab=classify"' in why
    assert tab.picker.value.count("<button") == len(tab.classify.examples)


def test_a_file_that_is_no_sound_any_more_is_said_to_be_unreadable(tab: InsideTab, clips: Path) -> None:
    shown = opened(tab, session(clips / "text.wav", make_report(1)))
    assert not is_visible(shown["inside"])
    assert any(inside.UNREADABLE in value for value in shown.values() if isinstance(value, str))


def test_silence_shows_its_features_and_asks_no_network(
    tab: InsideTab, ensemble: Ensemble, clips: Path
) -> None:
    shown = opened(tab, session(clips / "silence.wav", classify(clips / "silence.wav", ensemble)))
    assert json.loads(shown["inside-clip"])["data"]
    assert "No network was asked" in shown["inside-head"]
    assert not is_visible(shown["inside-segment"])
    assert not shown.keys() & set(FIGURES[1:])


def test_what_is_no_music_is_explained_as_a_curiosity(tab: InsideTab) -> None:
    shown = opened(tab, session(CLIP, make_report(4, SPEECH)))
    assert "take it as a curiosity" in shown["inside-head"]
    assert shown.keys() >= set(FIGURES)


def test_the_segment_that_is_chosen_is_the_one_that_is_looked_at(tab: InsideTab, report: Report) -> None:
    asked = session(CLIP, report)
    updates = tab.on_segment(asked, 2, *CHOICES, "metal")
    assert isinstance(updates, dict)
    curves = json.loads(updates[tab.occlusion.picture])
    assert curves["layout"]["xaxis"]["range"] == [12, 18]
    at = place(asked, 99)
    assert at is not None
    assert at.segment == len(report.segment_starts_s) - 1


def test_segments_are_named_by_their_seconds_and_what_they_were_taken_for() -> None:
    report = make_report(3)
    names = [name for name, _ in segment_choices(report)]
    assert [name.split(":")[0] for name in names] == ["0–6 s", "6–12 s", "12–18 s"]
    assert all(name.split(": ")[1] in report.genres for name in names)
    assert segment_choices(make_report(2, SPEECH))[0] == ("0–6 s", 0)
    short = replace(make_report(1), duration_s=2.0)
    assert segment_choices(short)[0][0].startswith("0–2 s")


def test_the_likeliest_genre_is_asked_about_where_there_is_no_verdict() -> None:
    refused = make_report(2, Sound("noise", 0.1, ()))
    assert refused.verdict.genre is None
    assert refused.probabilities[asked_genre(refused)] == max(refused.probabilities.values())
    assert asked_genre(make_report(2)) == make_report(2).verdict.genre


def test_models_that_are_not_there_leave_no_hole(ensemble: Ensemble) -> None:
    few = replace(ensemble, models={name: ensemble.models[name] for name in ("mlp", "lstm")})
    tab = build(few)
    shown = opened(tab, session(CLIP, classify(CLIP, few)), (tab.layers.model.value,))
    assert shown.keys() >= {"inside-clip", "inside-occlusion", "inside-pictures"}
    assert "inside-maps" not in shown
    assert not tab.occlusion.button.visible


def test_the_cnn_is_drawn_with_its_sizes_and_formulas(tab: InsideTab) -> None:
    drawn = tab.layers.network.value
    sizes = re.findall(r'class="size">([^<]+)<', drawn)
    assert [sizes[i] for i in (0, 2, 4, 5, 7, 8, 10)] == [
        "130×13", "32×128×11", "32×64×6", "64×62×4", "64×31×2", "128×30×1", "3,840"
    ]  # fmt: skip
    assert "⌊(128 − 3 + 1) / 2⌋ + 1 = <b>64</b> frames" in drawn
    assert "⌊(2 − 2 + 0) / 1⌋ + 1 = <b>1</b> coefficient<" in drawn


# In the browser ------------------------------------------------------------------------------------------


@pytest.fixture
def looking(page: Page) -> Iterator[Page]:
    """The tab with the first example in it, picked there, without a visit to Classify."""
    page.get_by_role("tab", name="Inside").click()
    expect(page.get_by_role("heading", name="Nothing to look inside yet")).to_be_visible()
    page.locator("#inside-examples button").first.click()
    for name in FIGURES:
        expect(drawing(page, name)).to_have_attribute("aria-label", re.compile("."))  # the last step
    page.wait_for_function("playerIn('inside-player')")
    yield page


def drawing(page: Page, name: str) -> Locator:
    return page.locator(f"#{name} .js-plotly-plot")


def layout(page: Page, name: str, what: str) -> Any:
    return drawing(page, name).evaluate(f"(plot) => plot._fullLayout.{what}")


def test_a_visitor_looks_inside_a_clip(looking: Page) -> None:
    page = looking
    expect(page.locator("#inside-clip")).to_be_visible()
    titles = {layout(page, "inside-clip", f"{axis}.title.text") for axis in ("yaxis", "yaxis2", "yaxis3")}
    assert titles == {"Full scale", "Frequency, Hz", "MFCC"}
    expect(drawing(page, "inside-clip")).to_have_attribute("aria-label", re.compile("Waveform, log-mel"))

    # zoom into the spectrogram: the waveform and the MFCCs follow
    area = page.locator("#inside-clip [data-subplot=xy2].nsewdrag")
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 60, steps=4)
    page.mouse.up()
    page.wait_for_function(
        "() => document.querySelector('#inside-clip .js-plotly-plot')._fullLayout.xaxis.range[0] > 1"
    )
    ranges = drawing(page, "inside-clip").evaluate(
        "(plot) => Object.values(plot._fullLayout._plots).map((part) => part.xaxis.range.join())"
    )
    assert len(ranges) == 3
    assert len(set(ranges)) == 1

    # another segment: other attention, and the player goes there; the zoom stays
    before = drawing(page, "inside-map").get_attribute("aria-label")
    page.get_by_role("group", name="Segment").get_by_role("radio").nth(1).check()
    expect(drawing(page, "inside-map")).not_to_have_attribute("aria-label", before or "")
    assert layout(page, "inside-map", "xaxis.range")[0] == pytest.approx(6, abs=0.01)
    assert layout(page, "inside-clip", "xaxis.range")[0] > 1
    assert page.evaluate("playerIn('inside-player').currentTime") == pytest.approx(6, abs=0.1)
    expect(page.locator("#inside-clip .chosen-segment")).to_be_visible()

    # a small map shows itself large
    page.locator("#inside-maps .nsewdrag").nth(6).click()
    expect(drawing(page, "inside-map")).to_have_attribute("aria-label", re.compile("Layer 2, head 3"))

    # the player moves the line and the choice
    page.evaluate("playerIn('inside-player').currentTime = 13")
    third = page.get_by_role("group", name="Segment").get_by_role("radio").nth(2)
    expect(third).to_be_checked()
    expect(page.locator("#inside-clip .playhead")).to_have_count(1)

    # another network
    page.get_by_role("group", name="Network").get_by_role("radio", name="LSTM").check()
    expect(page.get_by_role("region", name="Layers of the LSTM")).to_be_visible()
    expect(drawing(page, "inside-pictures")).to_have_attribute("aria-label", re.compile("LSTM"))


def test_musicnn_is_looked_at_on_request(looking: Page) -> None:
    page = looking
    expect(page.locator("#inside-mel-map .js-plotly-plot")).to_be_hidden()
    page.get_by_role("button", name="Look at MusiCNN too").click()
    expect(page.locator("#inside-mel")).to_contain_text("cells silenced one by one")
    page.wait_for_function(
        "() => document.querySelector('#inside-mel-map .js-plotly-plot')?._fullData?.[0]?.z?.length"
    )
    heard = drawing(page, "inside-denoised")
    expect(heard).to_have_attribute("aria-label", re.compile("denoiser"))
    sizes = heard.evaluate("(plot) => plot._fullData.map(({z}) => [z.length, z[0].length])")
    assert sizes == [[96, 374]] * 2
    rows = drawing(page, "inside-mel-map").evaluate("(plot) => plot._fullData[0].z.map((row) => row.length)")
    assert rows == [12] * 8
    page.get_by_role("group", name="Segment").get_by_role("radio").nth(1).check()
    expect(page.locator("#inside-mel")).to_be_hidden()
