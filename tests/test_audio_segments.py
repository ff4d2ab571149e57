"""Any clip becomes the right segments, and silence is known."""

from pathlib import Path

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from genre_models import audio
from genre_models.audio import AudioError
from tests.audio_files import assert_one_sentence
from tests.clips import real_clips

FULL, SECOND = audio.SEGMENT_SAMPLES, audio.SAMPLE_RATE
NOISE = torch.randn(10 * SECOND, generator=torch.Generator().manual_seed(0))


@settings(max_examples=60, deadline=None)
@given(whole=st.integers(0, 4), rest=st.integers(0, FULL - 1))
@example(whole=0, rest=SECOND)
@example(whole=0, rest=5 * SECOND - 1)
@example(whole=0, rest=5 * SECOND)
@example(whole=1, rest=0)
@example(whole=1, rest=SECOND - 1)
@example(whole=1, rest=SECOND)
@example(whole=1, rest=5 * SECOND)
@example(whole=1, rest=5 * SECOND + 1)
@example(whole=1, rest=FULL - 1)
def test_segments(whole: int, rest: int) -> None:
    samples = max(SECOND, whole * FULL + rest)
    waveform = torch.arange(samples, dtype=torch.float32)
    segments = audio.segment(waveform)
    starts = [round(start * audio.SAMPLE_RATE) for start in segments.starts_s]
    count = whole + (samples < FULL or rest >= SECOND)
    assert segments.waveforms.shape == (count, FULL) and len(starts) == count
    assert starts[:whole] == [index * FULL for index in range(whole)]
    for start, piece in zip(starts, segments.waveforms, strict=True):
        own = waveform[start : start + FULL]
        assert torch.equal(piece, own.repeat(6)[:FULL])
        assert len(own) == FULL or len(own) > 5 * SECOND or samples < FULL
    assert samples - min(samples, starts[-1] + FULL) < SECOND  # what is left out at the end
    assert bool(segments.warnings) == (samples < 5 * SECOND)


def test_a_short_clip_says_how_short(tmp_path: Path) -> None:
    (warning,) = audio.segment(torch.zeros(round(3.2 * SECOND))).warnings
    assert "3.2 s" in warning
    assert_one_sentence(warning, tmp_path)


@pytest.mark.parametrize("samples", [1, SECOND - 1])
def test_under_a_second_is_an_error(tmp_path: Path, samples: int) -> None:
    with pytest.raises(AudioError) as caught:
        audio.segment(torch.zeros(samples))
    assert_one_sentence(str(caught.value), tmp_path)


@pytest.mark.parametrize("samples", [661_408, 661_500, 672_100])
def test_thirty_seconds_are_five_segments(samples: int) -> None:
    segments = audio.segment(torch.zeros(samples))
    assert (segments.starts_s, segments.warnings) == ((0, 6, 12, 18, 24), ())


def test_real_clips_are_five_segments() -> None:
    for path in real_clips()[::10]:
        clip = audio.read(path)
        assert clip.warnings == () and not audio.is_silent(clip.waveform * 10 ** (-30 / 20))
        assert audio.segment(clip.waveform).waveforms.shape == (5, FULL)


@pytest.mark.parametrize(
    ("waveform", "silent"),
    [
        (torch.zeros(10 * SECOND), True),
        (torch.full((10 * SECOND,), 0.3), True),
        (1e-4 * NOISE + 0.1, True),
        (3e-3 * NOISE, False),
        (torch.cat([torch.zeros(60 * SECOND), 0.1 * NOISE[:SECOND]]), False),
        (torch.zeros(SECOND // 10), True),
    ],
    ids=["zeros", "constant", "faint hiss on an offset", "quiet noise", "sound after a minute", "very short"],
)
def test_silence(waveform: torch.Tensor, silent: bool) -> None:
    assert audio.is_silent(waveform) is silent
