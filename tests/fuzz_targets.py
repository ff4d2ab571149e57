"""What the fuzzer tries: each target makes one case of its own from a random generator and tries it.

A case passes if it ends as promised: in an answer or in the error that stands for wrong input. Anything else
raises.
"""

import base64
import json
import random
import string
import tempfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from genre_models import audio, share, teach_file
from genre_models.audio import AudioError
from genre_models.decoding.container import HEAVY
from genre_models.decoding.pool import BROKEN
from genre_models.hub import TRANSLATION_FOLDER
from genre_models.melody import notes
from genre_models.paths import BUNDLED_WEIGHTS
from genre_models.teach import TaughtClip, TaughtLabels, TeachError
from genre_models.words import asking
from genre_models.words.model import VOCABULARY_FILE
from genre_models.words.vocabulary import Vocabulary, tidy
from tests.hostile import SOUND
from tests.reports import ENSEMBLE, make_report
from tests.visitor import PROSE, TUNE, Visitor, file

Target = Callable[[random.Random], str]
"""Tries one case and says in a word how it ended."""

BOUNDARIES = (0, 1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)
EAR = "musicnn-0123456789abcdef"


@cache
def seeds() -> list[bytes]:
    """A good file of every kind that is read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        contents = []
        for make in SOUND.values():
            make(path)
            contents.append(path.read_bytes())
    return contents


def mutated(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """The same with some bytes changed, dropped, doubled or taken from another; the head more often."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4, 16, 64))):
        reach = max(1, min(len(changed), rng.choice((64, 512, len(changed)))))
        place, length = rng.randrange(reach), rng.choice((1, 4, 8, 64, 4096))
        match rng.randrange(6):
            case 0:
                changed[place : place + 1] = bytes([rng.randrange(256)])
            case 1:
                order = rng.choice(("little", "big"))
                changed[place : place + 4] = rng.choice(BOUNDARIES).to_bytes(4, order)  # type: ignore[arg-type]
            case 2:
                del changed[place : place + length]
            case 3:
                changed[place:place] = changed[place : place + length] * rng.randrange(1, 4)
            case 4:
                other = rng.choice(others)
                start = rng.randrange(len(other))
                changed[place : place + length] = other[start : start + length]
            case 5:
                changed[place : place + length] = bytes(length)
    return bytes(changed[: rng.randrange(len(changed) + 1)] if rng.random() < 0.1 else changed)


def try_sound(rng: random.Random) -> str:
    """A damaged sound file through `audio.load`."""
    with tempfile.NamedTemporaryFile() as out:
        out.write(mutated(rng.choice(seeds()), rng, seeds()))
        out.flush()
        try:
            waveform = audio.load(out.name)
        except AudioError as error:
            said = str(error)
            return "reader crashed" if said == BROKEN else "given up" if said == HEAVY else "refused"
    assert waveform.isfinite().all() and 0 < len(waveform) <= audio.MAX_S * audio.SAMPLE_RATE + 1
    return "answered"


def text(rng: random.Random, letters: str, most: int = 60) -> str:
    """Letters of an alphabet and, rarely, any others."""
    anything = [chr(rng.choice((rng.randrange(128), rng.randrange(0x2FFF), 0x1D12B))) for _ in range(3)]
    return "".join(
        rng.choice(letters if rng.random() < 0.97 else anything) for _ in range(rng.randrange(most))
    )


def try_notes(rng: random.Random) -> str:
    """Text through the parser of notes."""
    typed = text(rng, "ABCDEFGHRabcr#b♯♭x♮0123456789:/.|,;- \n", rng.choice((8, 60, 12_000)))
    try:
        read = notes.parse(typed)
    except notes.NoteError as error:
        assert len(str(error)) < 300
        return "refused"
    assert notes.parse(notes.write(read)) == read
    return "answered"


@cache
def _vocabulary() -> Vocabulary:
    return Vocabulary.load(BUNDLED_WEIGHTS / TRANSLATION_FOLDER / VOCABULARY_FILE)


def try_words(rng: random.Random) -> str:
    """Text as a phrase to read: made tidy, cut into pieces and words."""
    typed = text(rng, string.printable + "«»“”’…éßœ\xa0\u202f", rng.choice((8, 60, 12_000)))
    try:
        ids = asking.read(_vocabulary(), typed)
    except asking.WordsError as error:
        assert len(str(error)) < 300
        return "refused"
    assert _vocabulary().decode(ids) == tidy(typed)
    cut = _vocabulary().cut(ids[-asking.MOST_PIECES :])
    assert "".join(cut.pieces) == cut.text
    assert [word.first for word in cut.words] == [0, *(word.last for word in cut.words[:-1])]
    return "answered"


def value(rng: random.Random, depth: int = 4) -> Any:
    """Any value that JSON can hold, and what Python takes for it besides."""
    number: Any = rng.choice(
        (0, -1, 1e308, 2**70, 0.5, float("nan"), float("-inf"), rng.random(), True, None)
    )
    word = rng.choice(
        ("", "A5", "mlp", "\0", "\ud800", "<b>", "/etc/passwd", "A major", text(rng, string.printable))
    )
    if depth == 0 or rng.random() < 0.6:
        return rng.choice((number, word, word * rng.choice((1, 1, 1000))))
    if rng.random() < 0.5:
        return [value(rng, depth - 1) for _ in range(rng.randrange(5))]
    keys = ("path", "url", "meta", "_type", "data", "d", "s", "m", "t", "g", "k", "value", "__type__")
    return {rng.choice(keys): value(rng, depth - 1) for _ in range(rng.randrange(5))}


def shaken(whole: Any, rng: random.Random) -> Any:
    """The same JSON with a value somewhere in it replaced."""
    if isinstance(whole, dict) and whole and rng.random() < 0.85:
        key = rng.choice(list(whole))
        return {**whole, key: shaken(whole[key], rng)}
    if isinstance(whole, list) and whole and rng.random() < 0.85:
        place = rng.randrange(len(whole))
        return [*whole[:place], shaken(whole[place], rng), *whole[place + rng.randrange(2) :]]
    return value(rng)


@cache
def _token() -> tuple[bytes, Any]:
    packed = base64.urlsafe_b64decode(share.to_token(make_report(5)) + "==")
    return packed, json.loads(zlib.decompress(packed))


def try_token(rng: random.Random) -> str:
    """A changed link."""
    packed, content = _token()
    if rng.random() < 0.3:
        packed = mutated(packed, rng, [packed])
    else:
        packed = zlib.compress(json.dumps(shaken(content, rng)).encode())
    try:
        report = share.from_token(base64.urlsafe_b64encode(packed).decode(), ENSEMBLE)
    except share.LinkError:
        return "refused"
    share.to_json(report)
    share.to_csv(report)
    return "answered"


@cache
def _labels() -> Any:
    unit = (1.0, *[0.0] * 199)
    taught = TaughtLabels({name: (TaughtClip("a.wav", unit), TaughtClip("b.wav", unit)) for name in "xy"})
    return json.loads(teach_file.to_json(taught, EAR))


def try_labels(rng: random.Random) -> str:
    """A changed file of labels."""
    content = json.dumps(shaken(_labels(), rng)).encode()
    if rng.random() < 0.3:
        content = mutated(content, rng, [content])
    try:
        taught = teach_file.from_json(content, EAR)
    except TeachError:
        return "refused"
    assert teach_file.from_json(teach_file.to_json(taught, EAR), EAR) == taught
    return "answered"


class Api:
    """The HTTP API of a running app, and what the page itself sends."""

    def __init__(self, url: str) -> None:
        self.visitor = Visitor(url)
        self.clip = self.visitor.upload(seeds()[0])
        handlers = self.visitor.http.get("config").json()["dependencies"]
        self.handlers = {entry["id"]: len(entry["inputs"]) for entry in handlers if entry["backend_fn"]}

    def try_endpoints(self, rng: random.Random) -> str:
        """Values of any kind for the public endpoints."""
        endpoint, values = rng.choice(
            (
                ("generate", list(TUNE.values())),
                ("classify", [self.clip, ["mlp"]]),
                ("translate", ["Save changes?"]),
                ("continue_text", list(PROSE.values())),
            )
        )
        body = json.dumps({"data": shaken(values, rng)}).encode()
        answer = self.visitor.call_raw(endpoint, body)
        if isinstance(answer, dict):
            assert answer["error"], "an error without words"
            return "refused"
        assert answer in {400, 413, 422} if isinstance(answer, int) else answer
        return "answered" if isinstance(answer, list) else "refused"

    def try_handlers(self, rng: random.Random) -> str:
        """Values of any kind for what only the page calls."""
        handler = rng.choice(list(self.handlers))
        values = [
            rng.choice((self.clip, file("/etc/passwd"), value(rng))) for _ in range(self.handlers[handler])
        ]
        event = rng.choice(
            (None, value(rng), {"index": value(rng)}, {"index": 0}, {"action": "drop", "label": 0})
        )
        answer = self.visitor.act(handler, values, event)
        assert answer in {400, 404, 413, 422} if isinstance(answer, int) else answer is not None
        return "refused" if isinstance(answer, int) or answer.get("error", "") is None else "answered"


def targets(url: str | None) -> dict[str, Target]:
    """All targets by name; those of the API where an app runs."""
    alone: dict[str, Target] = {
        **{"sound files": try_sound, "notes": try_notes, "phrases": try_words},
        **{"links": try_token, "label files": try_labels},
    }
    if url is None:
        return alone
    api = Api(url)
    return {**alone, "endpoints": api.try_endpoints, "page handlers": api.try_handlers}
