"""Sound files of many kinds, made on the fly; what writes one returns its path."""

import re
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from av.container import OutputContainer
from av.stream import Disposition
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

TONE_HZ = 1000.0
AMPLITUDE = 0.5

# Arguments of `encode` by file name.
ENCODED: dict[str, dict[str, Any]] = {
    "a.m4a": {"codec": "aac", "container": "ipod", "rate": 44_100, "channels": 2},
    "cover.m4a": {"codec": "aac", "container": "mp4", "picture": "cover"},
    "apple lossless.m4a": {"codec": "alac", "container": "ipod", "rate": 96_000, "channels": 2},
    "fragments.mp4": {
        "codec": "aac",
        "container": "mp4",
        "container_options": {"movflags": "frag_keyframe+empty_moov"},
    },
    "raw.aac": {"codec": "aac", "container": "adts", "rate": 8_000},
    "film.mp4": {"codec": "aac", "container": "mp4", "picture": "video"},
    "browser recording.webm": {"codec": "libopus", "container": "webm", "container_options": {"live": "1"}},
    "eight channels.webm": {"codec": "libopus", "container": "webm", "channels": 8},
    "cover.mp3": {"codec": "libmp3lame", "container": "mp3", "rate": 44_100, "picture": "cover"},
    "no length.mp3": {"codec": "libmp3lame", "container": "mp3", "container_options": {"write_xing": "0"}},
    "cover.flac": {"codec": "flac", "container": "flac", "channels": 6, "picture": "cover"},
}


def tone(rate: int, seconds: float = 1.0, frequency: float = TONE_HZ, channels: int = 1) -> FloatArray:
    """The same sine in every channel, (frames, channels)."""
    time = np.arange(round(rate * seconds)) / rate
    wave = AMPLITUDE * np.sin(2 * np.pi * frequency * time)
    return np.tile(wave[:, None], channels).astype(np.float32)


def write(path: Path, samples: FloatArray, rate: int, kind: str, subtype: str | None = None) -> Path:
    """Write (frames, channels) with libsndfile, whatever the path's extension."""
    with path.open("wb") as file:
        soundfile.write(file, samples, rate, format=kind, subtype=subtype)
    return path


def encode(
    path: Path,
    codec: str,
    *,
    container: str,
    rate: int = 48_000,
    channels: int = 1,
    seconds: float = 1.0,
    container_options: dict[str, str] | None = None,
    codec_options: dict[str, str] | None = None,
    picture: str | None = None,
) -> Path:
    """Encode the tone with FFmpeg; `picture` ("cover" or "video") puts a stream of pictures before it."""
    layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}[channels]
    with av.open(str(path), "w", format=container, container_options=container_options) as output:
        pictures = _add_pictures(output, picture == "cover") if picture else None
        stream = output.add_stream(codec, rate=rate, layout=layout, options=codec_options)
        assert isinstance(stream, av.AudioStream)
        output.start_encoding()
        if pictures:
            _encode_pictures(output, pictures)
        samples = tone(rate, seconds, channels=channels).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout=layout)
        frame.sample_rate = rate
        context = stream.codec_context
        resampler = av.AudioResampler(context.format, layout, rate, frame_size=context.frame_size or 1024)
        for converted in (*resampler.resample(frame), *resampler.resample(None), None):
            output.mux(stream.encode(converted))
    return path


def cut(path: Path, share: float) -> Path:
    """Keep only the first share of a file's bytes."""
    content = path.read_bytes()
    path.write_bytes(content[: round(len(content) * share)])
    return path


def assert_one_sentence(text: str, folder: Path) -> None:
    """The text is for a person: a single sentence without paths of the server or words of a library."""
    assert text[0].isupper() and text.endswith(".")
    assert len(re.findall(r"[.!?](?:\s|$)", text)) == 1
    assert not re.search(r"Error|Errno|exception|Invalid|libsndfile|av\.", text)
    assert str(folder) not in text and "/" not in text


def encode_video(path: Path) -> Path:
    """An MP4 that shows something and sounds of nothing."""
    with av.open(str(path), "w", format="mp4") as output:
        _encode_pictures(output, _add_pictures(output, as_cover=False))
    return path


def _add_pictures(output: OutputContainer, as_cover: bool) -> av.VideoStream:
    video = output.add_stream("png" if as_cover else "mpeg4", rate=25)
    assert isinstance(video, av.VideoStream)
    video.width, video.height = 320, 240
    video.pix_fmt = "rgb24" if as_cover else "yuv420p"
    if as_cover:
        video.disposition = Disposition.attached_pic
    return video


def _encode_pictures(output: OutputContainer, video: av.VideoStream) -> None:
    is_cover = bool(video.disposition & Disposition.attached_pic)
    pixels = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    for index in range(1 if is_cover else 10):
        frame = av.VideoFrame.from_ndarray(pixels)
        frame.pts = index
        output.mux(video.encode(frame))
    output.mux(video.encode(None))
