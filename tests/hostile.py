"""Files that a stranger may send: `python -m tests.hostile DIR` writes them all.

Each has a name, a maker that takes the path, and what becomes of it: words of the sentence that refuses it,
or ANSWERED, or EITHER where a decoder may make something of it.
"""

import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tests import hostile_bytes as made
from tests.audio_files import ENCODED, encode, encode_video, tone, write

ANSWERED = "answered"
EITHER = "either"
DAMAGED = "damaged"
HEAVY = "more time or memory"
NOT_NUMBERS = "not numbers"
TEXT = "holds text"

RATE = 44_100
Maker = Callable[[Path], object]


@dataclass(frozen=True)
class Hostile:
    """A file, and what becomes of it."""

    name: str
    make: Maker
    becomes: str


def _bytes(content: bytes) -> Maker:
    return lambda path: path.write_bytes(content)


def _wav(samples: np.ndarray, rate: int = RATE, subtype: str = "FLOAT") -> Maker:
    return lambda path: write(path, samples, rate, "WAV", subtype)


def _with(value: float, everywhere: bool = False) -> np.ndarray:
    samples = tone(RATE, 2.0)
    samples[slice(None) if everywhere else slice(30_000, 30_001)] = value
    return samples


def _link(target: str) -> Maker:
    return lambda path: path.symlink_to(target)


def _promising(kind: str, after: bytes, offset: int, value: bytes) -> Maker:
    return lambda path: made.promising(path, kind, after, offset, value)


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.wav", bytes(100_000))


SOUND: dict[str, Maker] = {
    "wav": lambda path: write(path, tone(RATE, 2), RATE, "WAV"),
    "flac": lambda path: write(path, tone(RATE, 2), RATE, "FLAC"),
    "ogg": lambda path: write(path, tone(RATE, 2), RATE, "OGG"),
    "mp3": lambda path: write(path, tone(RATE, 2), RATE, "MP3"),
    "au": lambda path: write(path, tone(RATE, 2), RATE, "AU"),
    "aiff": lambda path: write(path, tone(RATE, 2), RATE, "AIFF"),
    "opus": lambda path: encode(path, "libopus", container="ogg", seconds=2),
    "m4a": lambda path: encode(path, seconds=2, **ENCODED["a.m4a"]),
    "aac": lambda path: encode(path, "aac", container="adts", seconds=2),
    "webm": lambda path: encode(path, seconds=2, **ENCODED["browser recording.webm"]),
}
"""A good file of every kind that the app says it reads."""


def _changed(kind: str, change: Callable[[bytearray, np.random.Generator], bytes]) -> Maker:
    def make(path: Path) -> None:
        SOUND[kind](path)
        generator = np.random.default_rng(len(kind))
        path.write_bytes(change(bytearray(path.read_bytes()), generator))

    return make


def _flipped(reach: int | None, content: bytearray, generator: np.random.Generator) -> bytes:
    for place in generator.integers(0, min(reach or len(content), len(content)), 40):
        content[place] ^= 1 << int(generator.integers(8))
    return bytes(content)


def _cut(share: float, content: bytearray, generator: np.random.Generator) -> bytes:
    return bytes(content[: int(len(content) * share)])


def _damaged() -> Iterator[Hostile]:
    for kind in SOUND:
        for share in (0.01, 0.5, 0.99):
            yield Hostile(f"first {share:.0%}.{kind}", _changed(kind, partial(_cut, share)), EITHER)
        yield Hostile(f"flipped.{kind}", _changed(kind, partial(_flipped, None)), EITHER)
        yield Hostile(f"flipped header.{kind}", _changed(kind, partial(_flipped, 200)), EITHER)


GIGABYTES = (0x7000_0000).to_bytes(4, "little")
PROMISING = {
    "promises.wav": ("WAV", b"data", 4, GIGABYTES),
    "promises.au": ("AU", b".snd", 8, GIGABYTES[::-1]),
    "promises.aiff": ("AIFF", b"COMM", 10, GIGABYTES[::-1]),
    "promises.flac": ("FLAC", b"fLaC", 22, b"\xff\xff\xff\xff"),
    "promises.mp3": ("MP3", b"Xing", 8, b"\xff\xff\xff\xff"),
    "promises.caf": ("CAF", b"data", 4, bytes([0, 4]) + bytes(6)),
    "promises.w64": ("W64", b"data", 21, b"\x10"),
    "no channels.wav": ("WAV", b"fmt ", 10, b"\0\0"),
    "65,535 channels.wav": ("WAV", b"fmt ", 10, b"\xff\xff"),
    "no rate.wav": ("WAV", b"fmt ", 12, bytes(4)),
    "4 GHz.wav": ("WAV", b"fmt ", 12, b"\xff\xff\xff\xff"),
    "no bits.wav": ("WAV", b"fmt ", 22, b"\0\0"),
    "no blocks.wav": ("WAV", b"fmt ", 20, b"\0\0"),
    "unknown codec.wav": ("WAV", b"fmt ", 8, b"\x42\x42"),
}

FIXED = [
    Hostile("crowded.mov", made.crowded_mov, EITHER),
    Hostile("zipped.mov", made.zipped_mov, HEAVY),
    Hostile("hours.flac", made.hours_of_flac, ANSWERED),
    Hostile("hours.mp3", made.hours_of_mp3, ANSWERED),
    Hostile("hours.webm", made.hours_of_opus, ANSWERED),
    Hostile("0 bytes.wav", Path.touch, "is empty"),
    Hostile("1 byte.wav", _bytes(b"R"), TEXT),
    Hostile("zeros.wav", _bytes(bytes(1_000_000)), "not a sound"),
    Hostile("silence.wav", _wav(np.zeros((700 * 8_000, 1), np.float32), 8_000, "PCM_U8"), ANSWERED),
    Hostile("nan.wav", _wav(_with(np.nan)), NOT_NUMBERS),
    Hostile("nan only.wav", _wav(_with(np.nan, everywhere=True)), NOT_NUMBERS),
    Hostile("infinity.wav", _wav(_with(np.inf)), NOT_NUMBERS),
    Hostile("minus infinity.wav", _wav(_with(-np.inf)), NOT_NUMBERS),
    Hostile("largest.wav", _wav(_with(3e38)), NOT_NUMBERS),
    Hostile("smallest.wav", _wav(_with(1e-44, everywhere=True)), ANSWERED),
    Hostile("1 Hz.wav", _wav(tone(RATE), 1), "sample rate of 1 Hz"),
    Hostile("10 MHz.wav", _wav(tone(RATE), 10_000_000), "sample rate of 10,000,000 Hz"),
    Hostile("256 channels.wav", _wav(np.zeros((RATE, 256), np.float32)), "256 channels"),
    Hostile("line\nbreak\r\n.wav", SOUND["wav"], ANSWERED),
    Hostile("..%2f..%2fetc%2fpasswd.wav", SOUND["wav"], ANSWERED),
    Hostile("-rf *;$(reboot)`id`'\".wav", SOUND["wav"], ANSWERED),
    Hostile("http:;;example.com;a.wav", SOUND["wav"], ANSWERED),
    Hostile("%s%n concat:a|b {0}.wav", SOUND["wav"], ANSWERED),
    Hostile("ünï\u202ecode ☂ 音 \U0001f3b5.wav", SOUND["wav"], ANSWERED),
    Hostile("not \udcff unicode.wav", SOUND["wav"], ANSWERED),
    Hostile("n" * 251 + ".wav", SOUND["wav"], ANSWERED),
    Hostile("n" * 300 + ".wav", lambda path: None, "cannot be opened"),
    Hostile("nul\0.wav", lambda path: None, "could not be found"),
    Hostile("a.zip", _zip, "not a sound"),
    Hostile("script.wav", _bytes(b"#!/bin/sh\nrm -rf /\n" * 100), TEXT),
    Hostile("page.wav", _bytes(b"<script>alert(1)</script>" * 100), TEXT),
    Hostile("program.wav", _bytes(b"\x7fELF\2\1\1" + bytes(20_000)), "not a sound"),
    Hostile("film.mp4", encode_video, "no sound"),
    Hostile("link.wav", _link("/etc/passwd"), TEXT),
    Hostile("link to nothing.wav", _link("nothing"), "could not be found"),
    Hostile("link to itself.wav", _link("link to itself.wav"), "cannot be opened"),
    Hostile("link to a device.wav", _link("/dev/zero"), "cannot be opened"),
    Hostile("pipe.wav", os.mkfifo, "cannot be opened"),
    Hostile("folder.wav", Path.mkdir, "is a folder"),
]

CORPUS = [
    *_damaged(),
    *(Hostile(name, _promising(*how), EITHER) for name, how in PROMISING.items()),
    *FIXED,
]

SLOW = [Hostile("tags.flac", made.tagged_flac, HEAVY), Hostile("tags.mp3", made.tagged_mp3, HEAVY)]
"""Files that keep FFmpeg busy until it is stopped."""

REFERRING = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{there}\n#EXT-X-ENDLIST\n",
    "keys.m3u8": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{there}"\n#EXTINF:2,\n{there}\n#EXT-X-ENDLIST\n',
    "list.m3u": "{there}\n",
    "list.ffconcat": "ffconcat version 1.0\nfile '{there}'\n",
    "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=a\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
    "manifest.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="audio/mp4">'
    '<Representation id="1" bandwidth="1"><BaseURL>{there}</BaseURL></Representation></AdaptationSet>'
    "</Period></MPD>",
    "list.asx": '<ASX version="3.0"><Entry><Ref href="{there}"/></Entry></ASX>',
    "list.smil": '<smil><body><audio src="{there}"/></body></smil>',
    "shortcut.ram": "{there}\n",
    "list.pls": "[playlist]\nFile1={there}\n",
    "metadata.txt": ";FFMETADATA1\ntitle={there}\n",
    "address.url": "[InternetShortcut]\nURL={there}\n",
}
"""Texts that make FFmpeg open another file or address where it may."""


def main() -> None:
    """Write the corpus into a folder."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for case in (*CORPUS, *SLOW):
        if "\0" not in case.name and len(case.name) < 256:
            case.make(folder / case.name)


if __name__ == "__main__":
    main()
