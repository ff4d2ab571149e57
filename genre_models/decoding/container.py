"""Any sound file -> blocks of float32 samples at the file's own rate.

FFmpeg, inside PyAV's wheel, decodes everything. For WAV, AIFF, AU and FLAC its samples are bit for bit those
of libsndfile, about as fast; libsndfile's MP3 decoder would print warnings to stderr and, read block by
block, return other samples than when read whole. Formats are told by content, never by the file's name.
"""

import os
import re
import stat
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from genre_models.decoding.limits import (
    MAX_AMPLITUDE,
    MAX_CHANNELS,
    MAX_FILE_RATE,
    MAX_S,
    MIN_FILE_RATE,
    AudioError,
)

av.logging.set_level(None)

BLOCK_FRAMES = 65_536  # 8 MiB at the most channels allowed
MAX_PACKETS = MAX_S * 500  # Opus has 400 a second at most; a crafted file one for every sample

# FFmpeg may try these only: others open further files or addresses named in the file (hls, concat, dash),
# read devices, or take text for sound. The pictures are here to be recognised.
FORMATS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,eac3,flac,flv,loas,matroska,mov,mp3,mpeg,mpegts,ogg,rm,tta,voc,"
    "w64,wav,wv,apng,bmp_pipe,gif,jpeg_pipe,jpegxl_pipe,png_pipe,psd_pipe,tiff_pipe,webp_pipe"
)
PICTURES = ("_pipe", "gif", "apng")
WAV_PROBE_BYTES = "100000"  # else FFmpeg searches 5 MB of samples for a codec in disguise, in 25 ms
KNOWN_BEGINNING = re.compile(
    rb"RIFF|RF64|riff|FORM|\.snd|fLaC|OggS|ID3|caff|\x1aE\xdf\xa3|0&\xb2u|\xff[\xe2-\xff]|....ftyp", re.DOTALL
)
# Only these state their length in the header; for others FFmpeg guesses it from the file's size.
STATE_LENGTH = {"aiff", "au", "flac", "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"}
MPEG_1_MIN_RATE = 32_000  # Hz; MPEG-2 and 2.5 halve rates and frames
OPEN_ENDED = 0x7FFF_0000  # programs that write WAV to a pipe put sizes beyond this in the header

KINDS = "a WAV, FLAC, MP3, OGG or M4A file"
MISSING = "This file could not be found; please choose it again."
FOLDER = "This is a folder, not a sound file; please choose one file in it."
CLOSED = "This file cannot be opened; please check that it is an ordinary file which may be read."
EMPTY = "This file is empty (0 bytes); please choose another one or record it again."
NO_SAMPLES = "This recording holds no sound at all, its length is zero; please record it again."
HEAVY = "Reading this file takes more time or memory than a recording should; please export it again."
DAMAGED = "This file is damaged or cut off and less than a second of it is left; please export it again."
UNKNOWN = f"This file is not a sound recording that can be read; please choose {KINDS}."
TEXT = f"This file holds text, not sound; please choose {KINDS}."
PICTURE = f"This file is a picture, not a sound recording; please choose {KINDS}."
SOUNDLESS = "This video has no sound; please choose a file that has."
NOT_NUMBERS = "This file holds samples that are not numbers (NaN or infinity); please export it again."


class Decoder:
    """The first audio stream of an open file.

    `rate` is in Hz; `stated_s` the length the header states, 0 if it states none. `blocks()` works once.
    """

    def __init__(self, file: BinaryIO, container: InputContainer) -> None:
        self._container = container
        self._audio = _first_audio(container)
        self._lost_s = 0.0  # sound in packets that could not be decoded
        self.stated_s = _stated_s(file, container, self._audio)
        _require_setup(self._audio.sample_rate, self._audio.channels)
        frames = self._decode()
        first = next(frames, None)
        if first is None:
            raise AudioError(DAMAGED if self.promised_s(0) else NO_SAMPLES)
        # The frame knows better than the header: HE-AAC may state half its rate.
        self.rate, self._layout = first.sample_rate, first.layout
        self.channels = first.layout.nb_channels
        _require_setup(self.rate, self.channels)
        self._frames = chain([first], frames)

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield (frames, channels), BLOCK_FRAMES at most, full scale +-1. AudioError for NaN or infinity."""
        for is_stored, frames in groupby(self._frames, self._is_stored):
            if is_stored:
                yield from self._stored(frames)
            else:
                yield from _finite(self._converted(frames))

    def promised_s(self, heard_s: float) -> float:
        """Seconds there should have been, `heard_s` of them having come out of `blocks()` up to its end."""
        return self.stated_s or heard_s + self._lost_s

    def _decode(self) -> Iterator[av.AudioFrame]:
        for packet in self._packets():
            try:
                yield from packet.decode()
            except av.FFmpegError:
                self._lost_s += float((packet.duration or 0) * (packet.time_base or 0))

    def _packets(self) -> Iterator["av.Packet[AudioStream]"]:
        try:
            yield from islice(self._container.demux(self._audio), MAX_PACKETS)
        except av.FFmpegError:
            return  # the file breaks off here

    def _is_stored(self, frame: av.AudioFrame) -> bool:
        """Whether it holds 16-bit samples of the first frame's setup, channels side by side."""
        layout, rate = frame.layout.name, frame.sample_rate
        return frame.format.name == "s16" and layout == self._layout.name and rate == self.rate

    def _stored(self, frames: Iterable[av.AudioFrame]) -> Iterator[NDArray[np.float32]]:
        """As `_converted`, with the same numbers in a third of the time."""
        waiting: list[NDArray[np.int16]] = []
        for frame in frames:
            plane: Any = frame.planes[0]  # its stub says nothing of the buffer that it is
            waiting.append(np.frombuffer(plane, np.int16, frame.samples * self.channels))
            if sum(map(len, waiting)) >= BLOCK_FRAMES * self.channels:
                yield from self._scaled(waiting)
                waiting = []
        if waiting:
            yield from self._scaled(waiting)

    def _scaled(self, pieces: list[NDArray[np.int16]]) -> Iterator[NDArray[np.float32]]:
        samples = np.concatenate(pieces).astype(np.float32).reshape(-1, self.channels)
        samples *= 2.0**-15
        for start in range(0, len(samples), BLOCK_FRAMES):
            yield samples[start : start + BLOCK_FRAMES]

    def _converted(self, frames: Iterable[av.AudioFrame]) -> Iterator[NDArray[np.float32]]:
        setup, resampler = None, None
        for frame in frames:
            if setup != (setup := (frame.format.name, frame.layout.name, frame.sample_rate)):
                yield from self._arrays(resampler, None)
                # Not planar: PyAV 18.1 reads past the end of the pointers to 8 or more planes.
                resampler = av.AudioResampler("flt", self._layout, self.rate, frame_size=BLOCK_FRAMES)
            yield from self._arrays(resampler, frame)
        yield from self._arrays(resampler, None)

    def _arrays(
        self, resampler: av.AudioResampler | None, frame: av.AudioFrame | None
    ) -> Iterator[NDArray[np.float32]]:
        try:
            converted_frames = resampler.resample(frame) if resampler else []
        except av.FFmpegError:  # in a damaged file: a change to channels without places
            self._lost_s += frame.samples / self.rate if frame else 0
            return
        for converted in converted_frames:
            yield converted.to_ndarray().reshape(-1, self.channels).astype(np.float32, copy=False)


def _finite(blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    for block in blocks:
        if not (block.min() >= -MAX_AMPLITUDE and block.max() <= MAX_AMPLITUDE):  # true for NaN too
            raise AudioError(NOT_NUMBERS)
        yield block


@contextmanager
def open_audio(path: Path) -> Iterator[Decoder]:
    """Open the first audio stream of a file. AudioError says why not, each reason in its own sentence."""
    with _opened(path) as file:
        # Through its descriptor FFmpeg sees no name to go by and can open nothing else.
        options = {"fd": str(file.fileno()), "protocol_whitelist": "fd", "format_whitelist": FORMATS}
        head = os.pread(file.fileno(), 4096, 0)
        if head[8:12] == b"WAVE":
            options["probesize"] = WAV_PROBE_BYTES
        try:
            container = av.open("fd:", "r", options=options, metadata_errors="ignore")
        except MemoryError:  # FFmpeg's too
            raise AudioError(HEAVY) from None
        except av.FFmpegError:
            raise AudioError(_why_unreadable(head)) from None
        with container:
            yield Decoder(file, container)


def _opened(path: Path) -> BinaryIO:
    try:
        problem = _problem(path.stat())
        if not problem:
            return path.open("rb")
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last for a zero byte in the name
        problem = MISSING
    except OSError:
        problem = CLOSED
    raise AudioError(problem)


def _problem(status: os.stat_result) -> str | None:
    if stat.S_ISDIR(status.st_mode):
        return FOLDER
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would block
        return CLOSED
    return None if status.st_size else EMPTY


def _first_audio(container: InputContainer) -> AudioStream:
    if not container.streams:
        raise AudioError(DAMAGED)
    if not container.streams.audio:
        raise AudioError(PICTURE if container.format.name.endswith(PICTURES) else SOUNDLESS)
    audio = container.streams.audio[0]
    if audio.codec_context is None:  # no decoder for it
        raise AudioError(UNKNOWN)
    return audio


def _require_setup(rate: int, channels: int) -> None:
    if rate == 0 or channels == 0:
        raise AudioError(DAMAGED)
    if not MIN_FILE_RATE <= rate <= MAX_FILE_RATE:
        raise AudioError(
            f"This file states a sample rate of {rate:,} Hz; "
            f"please use one from {MIN_FILE_RATE:,} to {MAX_FILE_RATE:,} Hz."
        )
    if channels > MAX_CHANNELS:
        raise AudioError(f"This file has {channels} channels; please use one with at most {MAX_CHANNELS}.")


def _why_unreadable(head: bytes) -> str:
    if KNOWN_BEGINNING.match(head):
        return DAMAGED
    try:
        is_text = "\0" not in head.decode("utf-8")
    except UnicodeDecodeError as error:
        is_text = error.reason == "unexpected end of data"  # a letter cut in two
    return TEXT if is_text else UNKNOWN


def _stated_s(file: BinaryIO, container: InputContainer, audio: AudioStream) -> float:
    """Seconds of sound the header states; 0 where it states none."""
    name = container.format.name
    if name == "wav":
        missing_s = _missing_wav_bytes(file) * 8 / (audio.bit_rate or np.inf)
        return _duration_s(container, audio) + missing_s
    if name == "mp3":
        return _mp3_samples(file, audio.sample_rate) / (audio.sample_rate or np.inf)
    return _duration_s(container, audio) if name in STATE_LENGTH else 0.0


def _duration_s(container: InputContainer, audio: AudioStream) -> float:
    if audio.duration is not None and audio.time_base is not None:
        return float(audio.duration * audio.time_base)
    if len(container.streams) > 1:
        return 0.0  # the container's length may be that of another stream
    return (container.duration or 0) / av.time_base


def _missing_wav_bytes(file: BinaryIO) -> int:
    """Bytes by which a RIFF file is shorter than its header says."""
    magic, size = struct.unpack("<4sI", os.pread(file.fileno(), 8, 0))
    if magic != b"RIFF" or size >= OPEN_ENDED:
        return 0
    return max(0, int(size) + 8 - os.fstat(file.fileno()).st_size)


def _mp3_samples(file: BinaryIO, rate: int) -> int:
    """Samples stated by the Xing or Info tag in an MP3's first frame; of joined files FFmpeg only guesses."""
    head = os.pread(file.fileno(), 10, 0)
    start = 0
    if head.startswith(b"ID3"):
        high, middle, low, lowest = head[6:]  # four times seven bits
        start = 10 + (high << 21 | middle << 14 | low << 7 | lowest)
    tag = re.search(rb"(?:Xing|Info)...(.)(....)", os.pread(file.fileno(), 2048, start), re.DOTALL)
    if not tag or not tag[1][0] & 1:  # the flag of a frame count
        return 0
    return int.from_bytes(tag[2], "big") * (1152 if rate >= MPEG_1_MIN_RATE else 576)
