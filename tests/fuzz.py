"""Wrong input by the thousand: `python -m tests.fuzz --minutes 10 --seed 1` prints what it did to the app.

Each target runs in a process of its own, is stopped where a case takes too long and started again where one
ends it; the app runs beside. `--repeat TARGET CASE` tries one case of a seed again. It exits with 1 if there
was a crash, a hang, a broken promise or too much memory, and leaves no file behind.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue

import numpy as np

from tests import free_port, memory
from tests.audio_files import write
from tests.fuzz_targets import targets
from tests.visitor import Visitor

LIMIT_S = 60.0
"""For one case: twice what a reader may take on a machine that does something else as well."""
MAX_MEMORY = 2 * 10**9
SHARES = {
    **{"sound files": 0.35, "notes": 0.05, "phrases": 0.05, "links": 0.05, "label files": 0.05},
    **{"endpoints": 0.25, "page handlers": 0.2},
}
"""Of the time, for each target."""
PAUSE_S = 0.05


@dataclass
class Tally:
    """What came of one target's cases."""

    cases: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    peak_bytes: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether every case ended as promised."""
        return not (self.crashes or self.hangs or self.broken)


@dataclass
class Watch:
    """The most memory that a process and its children have held together, looked at every PAUSE_S."""

    process: int
    peak_bytes: int = 0
    is_over: bool = False

    def __enter__(self) -> "Watch":
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over = True
        self._thread.join()

    def _look(self) -> None:
        while not self.is_over:
            try:
                self.peak_bytes = max(self.peak_bytes, memory.family(self.process))
            except (FileNotFoundError, ProcessLookupError):
                return
            time.sleep(PAUSE_S)


def try_case(name: str, seed: int, case: int, url: str | None) -> str:
    """One case; what came of it."""
    return targets(url)[name](random.Random(f"{seed} {name} {case}"))


def run_cases(name: str, seed: int, first: int, seconds: float, url: str | None) -> None:
    """Try cases one after another, and report each on a line of its own before the next begins."""
    end, target = time.monotonic() + seconds, targets(url)[name]
    while time.monotonic() < end:
        start = time.monotonic()
        try:
            outcome = target(random.Random(f"{seed} {name} {first}"))
        except Exception as error:  # whatever it is, it is a promise broken
            outcome = f"broken: {type(error).__name__}: {error}"[:300]
        print(json.dumps([first, outcome, time.monotonic() - start]), flush=True)
        first += 1


def fuzz(name: str, seed: int, seconds: float, url: str | None) -> Tally:
    """Try a target for so long, in processes that may end or hang."""
    tally, end, case = Tally(), time.monotonic() + seconds, 0
    while (left := end - time.monotonic()) > 0:
        command = [
            sys.executable,
            "-m",
            "tests.fuzz",
            "--child",
            name,
            str(case),
            str(left),
            "--seed",
            str(seed),
        ]
        child = subprocess.Popen(
            [*command, *(["--url", url] if url else [])],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with child, Watch(child.pid) as watch:
            case = _follow(child, tally, case)
        tally.peak_bytes = max(tally.peak_bytes, watch.peak_bytes)
    return tally


def _follow(child: "subprocess.Popen[str]", tally: Tally, case: int) -> int:
    """Count what a child reports until it ends; the case to go on with."""
    lines: Queue[str] = Queue()
    said: list[str] = []
    listeners = [
        threading.Thread(target=_listen, args=(child.stdout, lines.put)),
        threading.Thread(target=_listen, args=(child.stderr, said.append)),
    ]
    for listener in listeners:
        listener.start()
    while True:
        try:
            line = lines.get(timeout=LIMIT_S)
        except Empty:
            child.kill()
            tally.hangs.append(f"case {case}")
            return case + 1
        if not line:
            break
        case, outcome, took = json.loads(line)
        tally.cases += 1
        tally.slowest_s = max(tally.slowest_s, took)
        if outcome.startswith("broken"):
            tally.broken.append(f"case {case}: {outcome}")
        tally.outcomes[outcome.split(":")[0]] += 1
        case += 1
    if child.wait():
        listeners[1].join()
        tally.crashes.append(f"case {case}: exit status {child.returncode}, {''.join(said[-2:]).strip()}")
        return case + 1
    return case


def _listen(stream: Iterable[str] | None, hear: Callable[[str], object]) -> None:
    for line in stream or ():
        hear(line)
    hear("")


@contextmanager
def running_app() -> Iterator[tuple[str, "subprocess.Popen[bytes]", Path]]:
    """The app with a folder of its own for what is uploaded; its address, process and log."""
    from tests.conftest import ROOT, wait_for  # noqa: PLC0415 - needs no browser but for this

    with tempfile.TemporaryDirectory() as folder:
        port, log = free_port(), Path(folder) / "log"
        environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": folder}
        with log.open("w") as out:
            app = subprocess.Popen(
                [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=out, stderr=out
            )
        try:
            yield wait_for(port, app, log), app, log
        finally:
            app.terminate()
            app.wait(30)


def ask_the_heaviest(url: str) -> None:
    """Three visitors at once with ten minutes of noise each, which all models hear: in every line one."""
    with tempfile.NamedTemporaryFile() as out:
        noise = 0.1 * np.random.default_rng(0).standard_normal((600 * 8_000, 1), dtype=np.float32)
        content = write(Path(out.name), noise, 8_000, "WAV").read_bytes()
    models = ["mlp", "cnn", "lstm", "transformer", "musicnn"]

    def ask(way: str) -> str:
        visitor = Visitor(url)
        visitor.http.timeout = 600
        clip = visitor.upload(content)
        if way == "classify":
            return json.dumps(visitor.call(way, clip, models))
        values = {"on_clip": [clip, models, True, None], "on_files": [[clip], models]}
        return json.dumps(visitor.act(visitor.handlers()[way], values[way]))

    said = {"classify": '"duration_s": 600.0', "on_clip": "10 min 00 s", "on_files": "1 files: "}
    with ThreadPoolExecutor(len(said)) as pool:
        answers = pool.map(ask, said)
        assert all(words in answer for words, answer in zip(said.values(), answers, strict=True))


def report(name: str, tally: Tally) -> None:
    """Print what came of a target."""
    outcomes = ", ".join(f"{count:,} {word}" for word, count in tally.outcomes.most_common())
    print(
        f"{name:14} {tally.cases:8,} cases: {outcomes}; {len(tally.crashes)} crashes, "
        f"{len(tally.hangs)} hangs, {len(tally.broken)} promises broken; slowest {tally.slowest_s:.1f} s, "
        f"peak {tally.peak_bytes / 1e6:,.0f} MB",
        flush=True,
    )
    for kind in (tally.crashes, tally.hangs, tally.broken):
        for line in kind[:10]:
            print(f"    {line}", flush=True)


def run(minutes: float, seed: int) -> bool:
    """Try every target for its share of the time; whether all went well."""
    with running_app() as (url, app, log), Watch(app.pid) as watch:
        tallies = {}
        for name, share in SHARES.items():
            tallies[name] = fuzz(name, seed, 60 * minutes * share, url)
            report(name, tallies[name])
        after_fuzzing = watch.peak_bytes
        ask_the_heaviest(url)
        is_up = app.poll() is None
        errors = log.read_text().count("Traceback")
    print(f"app            {'still up' if is_up else 'DOWN'}, {errors} errors of page handlers in its log")
    print(f"               peak {after_fuzzing / 1e6:,.0f} MB while fuzzed, with its readers")
    print(f"               peak {watch.peak_bytes / 1e6:,.0f} MB for three clips of ten minutes at once")
    return is_up and watch.peak_bytes < MAX_MEMORY and all(tally.is_clean for tally in tallies.values())


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--repeat", nargs=2, metavar=("TARGET", "CASE"))
    parser.add_argument("--child", nargs=3, metavar=("TARGET", "FIRST", "SECONDS"), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        name, first, seconds = given.child
        run_cases(name, given.seed, int(first), float(seconds), given.url)
    elif given.repeat:
        with running_app() as (url, _, _):
            print(try_case(given.repeat[0], given.seed, int(given.repeat[1]), url))
    elif not run(given.minutes, given.seed):
        sys.exit(1)


if __name__ == "__main__":
    main()
