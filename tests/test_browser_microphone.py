"""Recording in a real browser: what is heard, and what is said where nothing can be."""

from pathlib import Path

import av
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from genre_models.classifiers import GENRES
from tests.classify_page import record, report, upload, verdict

NO_VOICE_PROCESSING = {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False}
KEEP_STREAMS = """
window.streams = [];
const original = MediaDevices.prototype.getUserMedia;
MediaDevices.prototype.getUserMedia = async function (constraints) {
  const stream = await original.call(this, constraints);
  window.streams.push(stream);
  return stream;
};
"""
REFUSE = """
MediaDevices.prototype.getUserMedia = () => Promise.reject(new DOMException("no", "{name}"));
"""
NO_MICROPHONE_API = "Object.defineProperty(navigator, 'mediaDevices', { value: undefined });"


def write_webm(path: Path, source: Path) -> Path:
    """The sound as browsers record it: Opus in WebM."""
    with av.open(str(source)) as wav, av.open(str(path), "w", format="webm") as webm:
        stream = webm.add_stream("libopus", rate=48_000, layout="mono")
        resampler = av.AudioResampler("s16", "mono", 48_000)
        for frame in wav.decode(audio=0):
            for resampled in resampler.resample(frame):
                webm.mux(stream.encode(resampled))
        webm.mux(stream.encode(None))
    return path


def test_a_recorded_clip_gets_the_answer_of_the_uploaded_one(page: Page, clips: Path) -> None:
    record(page)
    verdict(page)
    recorded = report(page)["probabilities"]
    upload(page, clips / "music.wav")
    verdict(page)
    uploaded = report(page)["probabilities"]
    moved = sum(abs(recorded[genre] - uploaded[genre]) for genre in GENRES) / 2
    assert moved < 0.08, f"{moved:.0%} of the probability moved between the genres"


def test_the_microphone_is_recorded_without_voice_processing(
    context: BrowserContext, app_url: str, clips: Path
) -> None:
    context.add_init_script(KEEP_STREAMS)
    page = context.new_page()
    page.goto(app_url)
    page.locator("#clip .record-button").click()
    listening = "window.streams.find(stream => stream.active)?.getAudioTracks()[0].getSettings()"
    settings = page.wait_for_function(listening).json_value()
    assert {name: settings[name] for name in NO_VOICE_PROCESSING} == NO_VOICE_PROCESSING


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (REFUSE.replace("{name}", "NotAllowedError"), "The browser blocks the microphone"),
        (REFUSE.replace("{name}", "NotFoundError"), "No microphone was found"),
    ],
)
def test_a_refused_microphone_is_said_in_words(
    context: BrowserContext, app_url: str, script: str, words: str
) -> None:
    context.add_init_script(script)
    page = context.new_page()
    page.goto(app_url)
    page.locator("#clip .record-button").click()
    expect(page.locator("#microphone-notice")).to_contain_text(words)


def test_a_page_without_https_says_so_at_once(context: BrowserContext, app_url: str) -> None:
    context.add_init_script(NO_MICROPHONE_API)
    page = context.new_page()
    page.goto(app_url)
    expect(page.locator("#microphone-notice")).to_contain_text("only works on https or localhost")


def test_a_webm_recording_and_an_odd_name_are_answered(page: Page, clips: Path, tmp_path: Path) -> None:
    odd = tmp_path / "music.xyz"
    odd.write_bytes((clips / "music.wav").read_bytes())
    upload(page, odd)
    verdict(page)
    upload(page, write_webm(tmp_path / "music.webm", clips / "music.wav"))
    expect(page.locator("#verdict .clip-name")).to_have_text("music.webm")
    verdict(page)
