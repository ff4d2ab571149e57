"""A stranger's files: each gets a sentence or an answer at a bounded cost, and the next visitor is served."""

import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from genre_models import audio, parallel
from genre_models.audio import AudioError
from genre_models.decoding import pool
from genre_models.decoding.limits import MAX_MEMORY
from tests import hostile_bytes, memory
from tests.audio_files import assert_one_sentence, tone, write
from tests.hostile import ANSWERED, CORPUS, EITHER, HEAVY, REFERRING, SLOW, SOUND, Hostile

MIB = 2**20


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the next visitor."""
    return write(tmp_path_factory.mktemp("good") / "good.wav", tone(44_100, 2.0), 44_100, "WAV")


@pytest.fixture(scope="module")
def expected(good: Path) -> np.ndarray:
    return audio.load(good).numpy()


def outcome(path: Path) -> str:
    """What is said of a file, or ANSWERED."""
    try:
        clip = audio.read(path)
    except AudioError as error:
        assert_one_sentence(str(error), path.parent)
        return str(error)
    assert 0 < clip.duration_s <= audio.MAX_S
    assert clip.waveform.isfinite().all()
    return ANSWERED


def readers() -> list[subprocess.Popen[bytes]]:
    """The processes that wait for a file, the next one to be asked last."""
    return [reader._process for reader in idle()]


def idle() -> list[pool._Reader]:
    return [reader for reader in pool._idle.queue if reader]


def kill_readers() -> None:
    for reader in readers():
        reader.kill()
        reader.wait()


@pytest.mark.parametrize("case", CORPUS, ids=[ascii(case.name)[:40] for case in CORPUS])
def test_a_hostile_file(
    case: Hostile, tmp_path: Path, good: Path, expected: np.ndarray, capfd: pytest.CaptureFixture[str]
) -> None:
    case.make(tmp_path / case.name)
    said = outcome(tmp_path / case.name)
    assert case.becomes == EITHER or case.becomes in said
    np.testing.assert_array_equal(audio.load(good), expected)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("case", SLOW, ids=[case.name for case in SLOW])
def test_a_file_that_keeps_the_decoder_busy_is_given_up(
    case: Hostile, tmp_path: Path, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.make(tmp_path / case.name)
    monkeypatch.setattr(pool, "MAX_CPU_S", 1)
    assert case.becomes in outcome(tmp_path / case.name)
    assert outcome(good) == ANSWERED


def read_here(path: Path) -> tuple[str, int]:
    """What a process that decodes by itself says of a file, and how much memory it may take afterwards."""
    torch.set_num_threads(1)  # those of the process that this one is a fork of are not here
    pool.read_here()
    return outcome(path), resource.getrlimit(resource.RLIMIT_AS)[0]


def test_a_process_that_decodes_by_itself_keeps_to_the_memory(tmp_path: Path, good: Path) -> None:
    hostile_bytes.zipped_mov(tmp_path / "a.mov")
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    answers = parallel.run(read_here, [tmp_path / "a.mov", good], "files", "file", workers=1)
    assert HEAVY in answers[0][0]
    assert answers[1] == (ANSWERED, limit) == (ANSWERED, answers[0][1])


GREEDY = ("zipped.mov", "crowded.mov", "hours.flac", "hours.webm", "promises.wav")


def test_memory_is_bounded_while_decoding_and_given_back(tmp_path: Path, good: Path) -> None:
    outcome(good)
    memory.forget_peak()
    before = memory.resident()
    for case in (case for case in CORPUS if case.name in GREEDY):
        case.make(tmp_path / case.name)
        outcome(tmp_path / case.name)
        (tmp_path / case.name).unlink()
        assert all(memory.peak(reader.pid) < MAX_MEMORY for reader in readers())
    assert memory.peak() - before < 250 * MIB  # ten minutes are 53 MB, the corpus makers' own work included
    assert memory.resident() - before < 100 * MIB
    outcome(good)
    assert all(memory.resident(reader.pid) < 200 * MIB for reader in readers())


def test_the_greedy_files_are_what_they_are_called(tmp_path: Path) -> None:
    """Without the bound one of them does take the memory that is refused to it."""
    hostile_bytes.zipped_mov(tmp_path / "a.mov", copies=20)
    memory.forget_peak()
    before = memory.resident()
    av.open(str(tmp_path / "a.mov")).close()
    assert memory.peak() - before > 300 * MIB


# What happens to the process that reads


def read_while_stopped(path: Path, then: signal.Signals | None) -> str:
    """What is said of a file whose reader freezes, and gets another signal if there is one."""
    audio.load(path)  # so that there is a reader, which will be asked again
    reader = idle()[-1]
    process = reader._process
    process.send_signal(signal.SIGSTOP)
    said: list[str] = []
    visitor = threading.Thread(target=lambda: said.append(outcome(path)))
    visitor.start()
    while reader._is_waiting:  # until it was asked
        time.sleep(0.01)
    if then:
        process.send_signal(then)
        process.send_signal(signal.SIGCONT)
    visitor.join(timeout=30)
    return said[0]


def test_a_crash_of_the_decoder_is_a_sentence(good: Path) -> None:
    assert "stops the reader" in read_while_stopped(good, signal.SIGSEGV)
    assert outcome(good) == ANSWERED


def test_a_decoder_that_hangs_is_given_up(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MAX_WAIT_S", 0.5)
    assert "more time or memory" in read_while_stopped(good, None)
    monkeypatch.undo()
    assert outcome(good) == ANSWERED


def test_a_reader_that_was_killed_between_two_visitors_is_replaced(good: Path) -> None:
    audio.load(good)
    kill_readers()
    assert outcome(good) == ANSWERED


def test_readers_do_not_know_what_the_app_knows(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    kill_readers()
    audio.load(good)
    assert b"secret" not in Path(f"/proc/{readers()[-1].pid}/environ").read_bytes()


def test_a_fork_reads_with_readers_of_its_own(good: Path, expected: np.ndarray) -> None:
    child = os.fork()
    if child == 0:
        same = np.array_equal(audio.load(good), expected)
        pool._stop_all()
        os._exit(0 if same else 1)
    for _ in range(5):
        np.testing.assert_array_equal(audio.load(good), expected)
    assert os.waitpid(child, 0)[1] == 0


# Files that point to others


class Decoy(BaseHTTPRequestHandler):
    """A server that notes who asks; nobody should."""

    asked: list[str] = []  # noqa: RUF012 - shared by all requests on purpose

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def decoy() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Decoy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("name", REFERRING)
def test_no_file_makes_the_reader_ask_for_another(name: str, tmp_path: Path, decoy: str, good: Path) -> None:
    Decoy.asked.clear()
    SOUND["wav"](tmp_path / "other.wav")
    for there in (f"{decoy}/a.wav", "other.wav", str(good), f"file://{good}"):
        (tmp_path / name).write_text(REFERRING[name].format(there=there))
        assert "holds text" in outcome(tmp_path / name)
    assert not Decoy.asked


def test_sound_in_another_file_is_not_followed(tmp_path: Path, good: Path) -> None:
    hostile_bytes.elsewhere_mov(tmp_path / "a.mov", good)
    assert "damaged" in outcome(tmp_path / "a.mov")


def test_the_playlists_are_what_they_are_called(tmp_path: Path, decoy: str) -> None:
    """FFmpeg as it comes does ask."""
    (tmp_path / "a.m3u8").write_text(REFERRING["list.m3u8"].format(there=f"{decoy}/a.ts"))
    Decoy.asked.clear()
    with pytest.raises(av.FFmpegError):
        av.open(str(tmp_path / "a.m3u8"), options={"protocol_whitelist": "file,http,tcp"})
    assert Decoy.asked


# Through the app

SENT = {
    *("first 50%.mp3", "flipped.m4a", "promises.wav", "zipped.mov", "hours.webm", "0 bytes.wav", "nan.wav"),
    *(
        "256 channels.wav",
        "line\nbreak\r\n.wav",
        "-rf *;$(reboot)`id`'\".wav",
        "a.zip",
        "script.wav",
        "film.mp4",
    ),
}


def test_the_app_answers_each_in_words_and_serves_the_next(app_url: str, tmp_path: Path, good: Path) -> None:
    client = Client(app_url, verbose=False)
    cases = [case for case in CORPUS if case.name in SENT]
    assert len(cases) == len(SENT)
    for case in cases:
        case.make(tmp_path / case.name)
        try:
            report = client.predict(handle_file(str(tmp_path / case.name)), ["mlp"], api_name="/classify")
            assert case.becomes in {ANSWERED, EITHER} and report["verdict"]["sentence"]
        except AppError as error:
            assert_one_sentence(str(error), tmp_path)
            assert case.becomes == EITHER or case.becomes in str(error)
    report = client.predict(handle_file(str(good)), api_name="/classify")
    assert len(report["models"]) == 5
