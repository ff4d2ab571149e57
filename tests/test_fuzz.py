"""A short run of the fuzzer, and that it would notice what it looks for."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_models import share, teach, teach_file
from genre_models.melody import notes
from tests import fuzz
from tests.fuzz_targets import EAR, targets
from tests.reports import ENSEMBLE

CASES = {
    "sound files": 60,
    "notes": 500,
    "phrases": 300,
    "links": 500,
    "label files": 500,
    "endpoints": 30,
    "page handlers": 30,
}


@pytest.mark.parametrize("name", CASES)
def test_wrong_input_ends_as_promised(name: str, app_url: str) -> None:
    url = app_url if name in {"endpoints", "page handlers"} else None
    target = targets(url)[name]
    for case in range(CASES[name]):
        target(random.Random(f"0 {name} {case}"))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
)


@settings(deadline=None)
@given(st.text() | st.binary().map(lambda content: content.hex()))
def test_any_text_as_a_link_is_refused_in_words(text: str) -> None:
    with pytest.raises(share.LinkError):
        share.from_token(text, ENSEMBLE)


@settings(deadline=None)
@given(st.binary() | values.map(lambda value: json.dumps(value).encode()))
def test_any_file_as_labels_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(teach.TeachError):
        teach_file.from_json(content, EAR)


@settings(deadline=None)
@given(values)
def test_any_value_as_labels_is_refused_in_words(value: Any) -> None:
    whole = {"format": teach_file.FORMAT, "version": teach_file.VERSION, "ear": EAR, "labels": value}
    with pytest.raises(teach.TeachError):
        teach_file.from_json(json.dumps(whole).encode(), EAR)


@settings(deadline=None)
@given(st.text(max_size=50))
def test_any_text_as_notes_is_read_or_refused_in_words(text: str) -> None:
    try:
        assert notes.parse(text)
    except notes.NoteError as error:
        assert len(str(error)) > 20


def test_a_name_that_is_cut_is_the_same_when_it_is_read_again() -> None:
    name = teach.clean_name("ab " * 100)
    assert teach.clean_name(name) == name


# The fuzzer itself


def followed(program: str) -> fuzz.Tally:
    tally = fuzz.Tally()
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with child:
        fuzz._follow(child, tally, 0)
    return tally


def test_the_fuzzer_counts_what_went_well() -> None:
    tally = followed('print(\'[0, "refused", 0.5]\\n[1, "answered", 0.1]\')')
    assert tally.is_clean
    assert (tally.cases, tally.slowest_s, dict(tally.outcomes)) == (2, 0.5, {"refused": 1, "answered": 1})


def test_the_fuzzer_notices_a_crash() -> None:
    tally = followed("import os; print('[7, \"refused\", 0.1]', flush=True); os.abort()")
    assert len(tally.crashes) == 1 and "case 8: exit status -6" in tally.crashes[0] and not tally.is_clean


def test_the_fuzzer_notices_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "LIMIT_S", 0.5)
    assert followed("import time; time.sleep(60)").hangs == ["case 0"]


def test_the_fuzzer_notices_a_broken_promise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def careless(_: random.Random) -> str:
        raise KeyError("notes")

    monkeypatch.setattr(fuzz, "targets", lambda url: {"notes": careless})
    fuzz.run_cases("notes", seed=0, first=3, seconds=0.001, url=None)
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert first[:2] == [3, "broken: KeyError: 'notes'"]


def test_the_fuzzer_sees_memory_while_it_is_held() -> None:
    program = "import time; held = bytearray(b'a') * 300_000_000; time.sleep(2); del held; time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", program])
    with fuzz.Watch(child.pid) as watch, pytest.raises(subprocess.TimeoutExpired):
        child.wait(5)
    child.kill()
    child.wait()
    assert watch.peak_bytes > 300_000_000


def test_no_case_leaves_a_file_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("sound files", "links"):
        targets(None)[name](random.Random(1))
    assert not list(tmp_path.iterdir())
