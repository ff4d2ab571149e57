"""Several visitors at once get what one gets alone, in their order, or a refusal in words."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import soundfile
from gradio_client import handle_file
from playwright.sync_api import BrowserContext, expect

import app
from genre_models import classify
from genre_models.hub import load_ensemble
from genre_models.paths import BUNDLED_WEIGHTS
from genre_models.served import serve
from genre_models.ui.examples import EXAMPLES
from tests.audio_files import tone, write
from tests.benchmarks.load import (
    ANSWERED,
    REFUSED,
    Reply,
    ask,
    at_once,
    classifying,
    compared,
    composing,
    in_a_row,
    newcomer,
    visits,
)
from tests.visitor import Visitor

VISITORS = 8
SECONDS = 4
SHORT = 16  # notes
FULL = "Queue is full! Please try again."
MODELS = ["mlp", "cnn", "lstm", "transformer", "musicnn"]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The beginnings of all bundled recordings."""
    folder = tmp_path_factory.mktemp("recordings")
    for path in EXAMPLES.glob("*.ogg"):
        samples, rate = soundfile.read(path, frames=SECONDS * 44_100)
        soundfile.write(folder / f"{path.stem}.flac", samples, rate)
    return sorted(folder.iterdir())


def test_visitors_at_once_get_what_one_gets(app_url: str, recordings: list[Path], tmp_path: Path) -> None:
    wishes = visits(recordings, VISITORS, SHORT)
    single = newcomer(app_url, tmp_path)
    alone = {request.name: ask(single, request) for wish in wishes for request in wish}
    said = [str(reply.said) for reply in alone.values()]
    assert all(reply.outcome == ANSWERED for reply in alone.values())
    assert len(set(said)) == len(said) == 2 * VISITORS  # so that another's answer would be noticed
    replies, _ = at_once(app_url, list(wishes), tmp_path)
    assert compared(replies, alone) == {"equal": 2 * VISITORS}


def test_another_visitors_answer_is_noticed() -> None:
    mine, yours = composing(1), composing(2)
    alone = {"seed 1": Reply(mine, ANSWERED, {"notes": "A5"}, 1), "seed 2": Reply(yours, ANSWERED, {}, 1)}
    replies = [
        Reply(mine, ANSWERED, {"notes": "A5"}, 2),
        Reply(yours, ANSWERED, {"notes": "A5"}, 2),
        Reply(mine, REFUSED, FULL, 2),
        Reply(mine, REFUSED, "None", 2),
    ]
    assert compared(replies, alone) == {"equal": 1, "wrong": 1, REFUSED: 1, "wordless": 1}


def test_requests_that_must_be_refused_do_not_stop_the_others(app_url: str, tmp_path: Path) -> None:
    outcomes, held = in_a_row(app_url, os.getpid(), tmp_path, 20)
    assert outcomes[ANSWERED] > outcomes[REFUSED] > 0
    assert outcomes.total() == len(held) == 20


def launched(queue_size: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(app, "QUEUE_SIZE", queue_size)
    demo = app.build(serve(str(BUNDLED_WEIGHTS)))
    demo.launch(prevent_thread_lock=True, quiet=True, **app.settings())
    return demo


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The app's address, where one event may wait and no more."""
    demo = launched(1, monkeypatch)
    yield demo.local_url
    demo.close(verbose=False)


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The app's address, where nothing may wait."""
    demo = launched(0, monkeypatch)
    yield demo.local_url
    demo.close(verbose=False)


def test_a_full_queue_is_said_in_words_and_the_rest_is_answered(
    crowded: str, recordings: list[Path], tmp_path: Path
) -> None:
    request = classifying(recordings[0])
    alone = {request.name: ask(newcomer(crowded, tmp_path), request)}
    replies, _ = at_once(crowded, [(request,)] * VISITORS, tmp_path)
    counts = compared(replies, alone)
    assert counts["equal"] > 0 and counts[REFUSED] > 0
    assert counts["equal"] + counts[REFUSED] == VISITORS
    assert {reply.said for reply in replies if reply.outcome == REFUSED} == {
        "Queue is full! Please try again."
    }


def test_a_full_queue_is_said_on_the_page(full: str, context: BrowserContext, recordings: list[Path]) -> None:
    page = context.new_page()
    page.goto(full)
    page.locator("#ask").click()
    expect(page.get_by_text("This application is currently busy")).to_be_visible()


def test_one_visitors_answers_come_in_the_order_they_were_asked_for(
    app_url: str, recordings: list[Path], tmp_path: Path
) -> None:
    """A long clip with all models, then a short one with the quickest: that one is on the page last."""
    visitor = Visitor(app_url)
    handlers = visitor.handlers()
    long = visitor.upload(recordings[0].read_bytes(), "long.ogg")
    short = write(tmp_path / "a.wav", tone(44_100, 1), 44_100, "WAV").read_bytes()
    wishes = [
        (handlers["on_clip"], [long, MODELS, True, None]),
        (handlers["on_choice"], [visitor.upload(short, "short.wav"), ["mlp"], True, None]),
    ]
    events = [visitor.join(*wish) for wish in wishes]
    outcomes = visitor.outcomes()
    assert [next(outcomes)["event_id"] for _ in events] == events


def test_no_more_clips_are_heard_at_once_than_there_are_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which bounds the memory, since a clip of ten minutes takes hundreds of megabytes."""
    at_work: list[int] = []
    most: list[int] = []

    def hear(*_: Any) -> None:
        at_work.append(1)
        most.append(len(at_work))
        time.sleep(0.01)
        at_work.pop()

    monkeypatch.setattr(classify, "_classify", hear)
    ensemble = load_ensemble()
    with ThreadPoolExecutor(4 * VISITORS) as pool:
        list(pool.map(lambda _: classify.classify("a.wav", ensemble), range(4 * VISITORS)))
    assert len(most) == 4 * VISITORS
    assert max(most) <= (os.cpu_count() or 1)


def test_a_client_may_leave_without_waiting(app_url: str, recordings: list[Path], tmp_path: Path) -> None:
    impatient = newcomer(app_url, tmp_path)
    for recording in recordings:
        impatient.submit(handle_file(str(recording)), api_name="/classify")
    impatient.close()
    assert ask(newcomer(app_url, tmp_path), composing(1, SHORT)).outcome == ANSWERED
