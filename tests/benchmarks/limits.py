"""What a 30 s clip takes beside the part of it that no arrangement of ours can do without.

`python -m tests.benchmarks.limits` compares, turn by turn in one run: decoding with FFmpeg's decoder alone;
MFCCs on one core with their Fourier transforms alone, and with copying the samples once, which is what the
traffic to memory would take; MusiCNN with one matrix product of as many multiplications as its description
has. A ratio of 1 would be the limit itself; the figures go to `assets/metrics/limits.json`.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import av
import soundfile
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from genre_models import audio, decoding, features, musicnn
from genre_models.hub import bundled_ear
from tests import plain_musicnn
from tests.benchmarks.beside import Row, compared, keep, machine, turns
from tests.conftest import music

ROUNDS = 9
REPEATS = 20
CLIP_S = 30
SIDE = 1024
"""Of the square matrices: large enough for the best rate, small enough for the cores' own memory."""


def decode_alone(path: Path) -> None:
    """Every packet through FFmpeg's decoder; the samples stay where it puts them."""
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.audio[0]):
            packet.decode()


def windowed(segments: Tensor) -> Tensor:
    """The frames of all segments as the Fourier transform gets them, (n, 130, 2048)."""
    half = features.N_FFT // 2
    frames = F.pad(segments, (half, half)).unfold(1, features.N_FFT, features.HOP_LENGTH)
    return frames * torch.hann_window(features.N_FFT)


def as_many_products(ear: musicnn.MusiCNN, patches: Tensor) -> Callable[[], object]:
    """Square matrix products of together as many multiplications as the network has as it is described."""
    with FlopCounterMode(display=False) as counter:
        plain_musicnn.hear(ear, patches)
    left, right = torch.rand(2, SIDE, SIDE)
    products = counter.get_total_flops() / (2 * SIDE**3)
    rows = torch.rand(round(SIDE * (products % 1)) or 1, SIDE)

    def multiply() -> None:
        for _ in range(int(products)):
            torch.mm(left, right)
        torch.mm(rows, right)

    return multiply


def often(action: Callable[[], object]) -> Callable[[], None]:
    """What takes a few milliseconds, so many times that a clock can tell."""

    def repeated() -> None:
        for _ in range(REPEATS):
            action()

    return repeated


def beside_its_part(what: str, whole: Callable[[], object], name: str, part: Callable[[], object]) -> Row:
    """A row per clip; how many times as fast is how near the limit is."""
    return compared(what, name, turns(often(whole), often(part), ROUNDS), each=REPEATS)


def decoding_row() -> Row:
    """Of a FLAC file at the models' rate."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.flac"
        soundfile.write(path, music(CLIP_S, audio.SAMPLE_RATE), audio.SAMPLE_RATE)
        return beside_its_part(
            f"decoding a {CLIP_S} s FLAC",
            lambda: decoding.decode(path, [audio.SAMPLE_RATE]),
            "FFmpeg's decoder alone",
            lambda: decode_alone(path),
        )


def mfcc_rows(waveform: Tensor) -> list[Row]:
    """Of all segments, on one core."""
    segments = audio.segment(waveform).waveforms
    frames = windowed(segments)
    parts: dict[str, Callable[[], object]] = {
        "their Fourier transforms alone": lambda: [torch.fft.rfft(one) for one in frames],
        "a copy of the samples": segments.clone,
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        what = f"MFCCs of a {CLIP_S} s clip, one core"
        return [
            beside_its_part(what, lambda: features.mfcc(segments), name, part) for name, part in parts.items()
        ]
    finally:
        torch.set_num_threads(threads)


def ear_row(waveform: Tensor) -> Row:
    """Of all patches, on all cores."""
    ear = bundled_ear().as_published()
    segments = waveform.unflatten(0, (-1, audio.SEGMENT_S * musicnn.SAMPLE_RATE))
    patches = musicnn.patches(musicnn.log_mel(musicnn.levelled(segments))).flatten(0, 1)
    pairs = turns(lambda: ear(patches), as_many_products(ear, patches), ROUNDS)
    return compared(f"MusiCNN on a {CLIP_S} s clip", "as many multiplications in matrix products", pairs)


@torch.inference_mode()
def main() -> None:
    """Measure, print and keep."""
    ran_on = machine(threads=torch.get_num_threads(), rounds=ROUNDS)
    at_22_khz, at_16_khz = (
        torch.from_numpy(music(CLIP_S, rate)) for rate in (audio.SAMPLE_RATE, musicnn.SAMPLE_RATE)
    )
    keep("limits", ran_on, [decoding_row(), *mfcc_rows(at_22_khz), ear_row(at_16_khz)])


if __name__ == "__main__":
    main()
