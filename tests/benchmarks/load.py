"""Many visitors at once, then a thousand requests one after another, as programs send them.

`python -m tests.benchmarks.load` starts the app and asks it as one visitor; then 50 visitors, each with a
client and a session of its own, each classify a clip and have a tune written, all at the same time, and what
they get is compared with what the one got. Then 1,000 requests, among them such as must be refused, while the
memory of the app and its readers is looked at. The figures go to `assets/metrics/load.json`.
"""

import json
import random
import shutil
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from gradio_client.utils import QueueError

import app
from genre_models.ui.examples import EXAMPLES
from tests import memory
from tests.benchmarks.beside import machine, write
from tests.fuzz import Watch, running_app
from tests.visitor import TUNE, Visitor

VISITORS = 50
TUNE_LENGTH = 64
REQUESTS = 1_000
AT_ONCE = 4  # of the requests in a row
STAY = 25  # requests until a visitor leaves and another comes
SPAN = 200  # requests over which the memory's median is taken
SHORT_S = 3
NO_NOTES = "H9"
TIMES = {"milliseconds", "preparation_milliseconds", "tokens_per_second"}
"""What differs from one answer to the next."""

ANSWERED, REFUSED = "answered", "refused"


@dataclass(frozen=True)
class Request:
    """One call of an endpoint, and what it is called here."""

    endpoint: str
    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Reply:
    """What became of a request: its answer without times, or the sentence that refused it."""

    request: Request
    outcome: str
    said: Any
    seconds: float


def classifying(clip: Path, *models: str) -> Request:
    """Ask about a clip; every model where none is named."""
    return Request("/classify", clip.name, (handle_file(str(clip)), *([list(models)] if models else [])))


def composing(seed: int, length: int = TUNE_LENGTH) -> Request:
    """Ask for a tune."""
    values = TUNE | {"notes": "A5 E5 C#5 B3", "length": length, "seed": seed}
    return Request("/generate", f"seed {seed}", tuple(values.values()))


def ask(client: Client, request: Request) -> Reply:
    """Send it, and wait."""
    start = time.perf_counter()
    try:
        answer = client.predict(*request.values, api_name=request.endpoint)
        outcome, said = ANSWERED, timeless(answer if request.endpoint == "/classify" else answer[0])
    except (AppError, QueueError) as error:
        outcome, said = REFUSED, str(error)
    return Reply(request, outcome, said, time.perf_counter() - start)


def timeless(value: Any) -> Any:
    """An answer without what it says of its own speed."""
    if isinstance(value, dict):
        return {name: timeless(inner) for name, inner in value.items() if name not in TIMES}
    return [timeless(inner) for inner in value] if isinstance(value, list) else value


def newcomer(url: str, folder: Path) -> Client:
    """A client that keeps the files it gets in a folder."""
    return Client(url, verbose=False, download_files=str(folder), analytics_enabled=False)


def copies(folder: Path) -> list[Path]:
    """The bundled recordings under other names, so that no answer about an example is at hand."""
    return [Path(shutil.copy(path, folder / f"my {path.name}")) for path in sorted(EXAMPLES.glob("*.ogg"))]


def visits(clips: list[Path], visitors: int, notes: int = TUNE_LENGTH) -> list[tuple[Request, Request]]:
    """For each visitor a clip and a tune; visitors that share a clip do not share a tune."""
    return [(classifying(clips[i % len(clips)]), composing(i, notes)) for i in range(visitors)]


def at_once(url: str, wishes: list[tuple[Request, ...]], folder: Path) -> tuple[list[Reply], float]:
    """All visitors begin at the same moment, every other one with the tune; replies, and seconds in all."""
    start = threading.Barrier(len(wishes) + 1)

    def visit(client: Client, requests: Iterable[Request]) -> list[Reply]:
        start.wait()
        return [ask(client, request) for request in requests]

    with ThreadPoolExecutor(len(wishes)) as pool:
        clients = list(pool.map(lambda _: newcomer(url, folder), wishes))
        orders = [wish[:: 1 if place % 2 else -1] for place, wish in enumerate(wishes)]
        jobs = [pool.submit(visit, *pair) for pair in zip(clients, orders, strict=True)]
        start.wait()
        began = time.perf_counter()
        replies = [reply for job in jobs for reply in job.result()]
        return replies, time.perf_counter() - began


def compared(replies: Iterable[Reply], alone: dict[str, Reply]) -> Counter[str]:
    """How many were answered as a single visitor was, refused in words, or neither."""
    counts: Counter[str] = Counter()
    for reply in replies:
        if reply.outcome == ANSWERED:
            counts["equal" if reply.said == alone[reply.request.name].said else "wrong"] += 1
        else:
            counts[REFUSED if " " in reply.said else "wordless"] += 1
    return counts


def percentiles(replies: Iterable[Reply], endpoint: str) -> dict[str, float]:
    """The 50th and the 95th of the seconds that an endpoint took."""
    seconds = [reply.seconds for reply in replies if reply.request.endpoint == endpoint]
    cuts = statistics.quantiles(seconds, n=20, method="inclusive")
    return {"median_s": round(cuts[9], 2), "p95_s": round(cuts[18], 2)}


def many_visitors(url: str, folder: Path) -> dict[str, Any]:
    """What comes of all visitors at once."""
    wishes = visits(copies(folder), VISITORS)
    single = newcomer(url, folder)
    requests = {request.name: request for wish in wishes for request in wish}
    alone = {name: ask(single, request) for name, request in requests.items()}
    assert all(reply.outcome == ANSWERED for reply in alone.values())
    replies, seconds = at_once(url, list(wishes), folder)
    return {
        "visitors": VISITORS,
        "requests": len(replies),
        **{outcome: compared(replies, alone)[outcome] for outcome in ("equal", REFUSED, "wrong", "wordless")},
        "seconds": round(seconds, 1),
        "requests_per_second": round(len(replies) / seconds, 2),
        **{name: percentiles(replies, f"/{name}") for name in ("classify", "generate")},
        **{f"{name}_alone": percentiles(alone.values(), f"/{name}") for name in ("classify", "generate")},
    }


def mixed(folder: Path) -> list[Callable[[int], Request]]:
    """Makers of requests: short clips of several formats, tunes, and what must be refused."""
    samples, rate = soundfile.read(EXAMPLES / "west.ogg", frames=SHORT_S * 44_100)
    clips = [folder / f"short.{suffix}" for suffix in ("wav", "flac", "ogg", "mp3")]
    for clip in clips:
        soundfile.write(clip, samples, rate)
    text = folder / "text.wav"
    text.write_text("These are words.")
    return [
        *(lambda _, clip=clip: classifying(clip) for clip in clips),
        *(lambda i: composing(i, 16) for _ in clips),
        lambda _: classifying(text),
        lambda i: Request("/generate", "no notes", (NO_NOTES, *composing(i).values[1:])),
    ]


def in_a_row(
    url: str, process: int, folder: Path, requests: int = REQUESTS
) -> tuple[Counter[str], list[int]]:
    """Outcomes of so many requests, and the memory held after each, in bytes."""
    makers, draw, held = mixed(folder), random.Random(1), list[int]()
    todo = iter([makers[draw.randrange(len(makers))](i) for i in range(requests)])
    lock, outcomes = threading.Lock(), Counter[str]()

    def come_and_go(_: int) -> None:
        while True:
            client = newcomer(url, folder)
            for _ in range(STAY):
                with lock:
                    request = next(todo, None)
                if request is None:
                    return
                reply = ask(client, request)
                with lock:
                    outcomes[reply.outcome] += 1
                    held.append(memory.family(process))
            client.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(come_and_go, range(AT_ONCE)))
    return outcomes, held


def many_requests(url: str, process: int, folder: Path) -> dict[str, Any]:
    """What comes of many requests, once as many visitors have been there as the app remembers."""
    for _ in range(app.VISITORS):
        Visitor(url).call("generate", *(TUNE | {"notes": NO_NOTES}).values())
    start = time.perf_counter()
    outcomes, held = in_a_row(url, process, folder, REQUESTS)
    seconds = time.perf_counter() - start
    spans = [statistics.median(held[i : i + SPAN]) / 1e6 for i in range(0, len(held), SPAN)]
    return {
        "requests": outcomes.total(),
        **{outcome: outcomes[outcome] for outcome in (ANSWERED, REFUSED)},
        "requests_per_second": round(outcomes.total() / seconds, 2),
        f"median_mb_of_each_{SPAN}": [round(span, 1) for span in spans],
        "last_over_second": round(spans[-1] / spans[1], 3),
    }


def main() -> None:
    """Measure, print and keep."""
    ran_on = machine()
    with (
        tempfile.TemporaryDirectory() as name,
        running_app() as (url, server, _),
        Watch(server.pid) as watch,
    ):
        folder = Path(name)
        at_rest = memory.family(server.pid)
        visitors = many_visitors(url, folder)
        peak = watch.peak_bytes
        requests = many_requests(url, server.pid, folder)
    content = {
        "machine": ran_on,
        "at_once": visitors,
        "in_a_row": requests,
        "at_rest_mb": round(at_rest / 1e6),
        "peak_mb_at_once": round(peak / 1e6),
        "peak_mb": round(watch.peak_bytes / 1e6),
    }
    print(json.dumps(content, indent=1))
    write("load", content)


if __name__ == "__main__":
    main()
