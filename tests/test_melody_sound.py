"""The sound of a tune, measured."""

import numpy as np
import pytest
from numpy.typing import NDArray

from genre_models.melody import sound
from genre_models.melody.notes import parse
from genre_models.melody.sound import SAMPLE_RATE, audio
from genre_models.melody.tune import Key, Metre, Note, Tune
from tests.tunes import JIG, REEL

EIGHTH_S = 0.25  # at 120 quarters a minute
FULL_SCALE = 32768


def play(text: str, tempo: int = 120) -> NDArray[np.float64]:
    """Both channels as one, (length,), full scale being 1."""
    sample_rate, samples = audio(Tune(tuple(parse(text)), Key(0), Metre(4, 4)), tempo)
    assert sample_rate == SAMPLE_RATE
    return samples.astype(np.float64).mean(axis=1) / FULL_SCALE


def between(samples: NDArray[np.float64], start_s: float, end_s: float) -> NDArray[np.float64]:
    return samples[round(start_s * SAMPLE_RATE) : round(end_s * SAMPLE_RATE)]


def level(samples: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.square(samples).mean()))


def cents_off(samples: NDArray[np.float64], pitch: int) -> float:
    """How far the strongest partial within a quarter tone of the note is from it."""
    n_fft = 2**19
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), n_fft))
    frequencies = np.fft.rfftfreq(n_fft, 1 / SAMPLE_RATE)
    expected = 440 * 2 ** ((pitch - 69) / 12)
    near = np.abs(1200 * np.log2(np.maximum(frequencies, 1) / expected)) < 50
    assert spectrum[near].max() > 0.1 * spectrum.max()
    return float(1200 * np.log2(frequencies[near][spectrum[near].argmax()] / expected))


@pytest.mark.parametrize("name", ["G3", "A4", "C5", "F#5", "E6", "C8"])
def test_the_notes_sound_at_their_pitch(name: str) -> None:
    note = parse(f"{name}:1/2")[0]
    assert note.pitch is not None
    assert abs(cents_off(between(play(f"{name}:1/2"), 0, 1), note.pitch)) < 30


def test_notes_follow_one_another_in_time() -> None:
    samples = play("A4 E5 C#5:1/4 B4")
    for pitch, start, end in ((69, 0, 1), (76, 1, 2), (73, 2, 4), (71, 4, 5)):
        assert abs(cents_off(between(samples, start * EIGHTH_S, end * EIGHTH_S), pitch)) < 30


@pytest.mark.parametrize(
    "tune", [REEL, JIG, Tune((Note(21),), Key(0), Metre(4, 4))], ids=lambda tune: tune.title
)
def test_it_is_loud_and_never_clipped(tune: Tune) -> None:
    samples = audio(tune)[1]
    assert samples.dtype == np.int16
    assert samples.shape[1] == 2
    assert np.abs(samples.astype(float)).max() / FULL_SCALE == pytest.approx(10 ** (-1 / 20), abs=1e-3)
    assert abs(samples.mean()) / FULL_SCALE < 1e-3


def test_it_begins_at_once_and_fades_out_after_the_last_note() -> None:
    samples = play("A4 B4 C5 D5")
    begun = np.flatnonzero(np.abs(samples) > 0.05 * np.abs(samples).max())[0]
    assert begun < 0.05 * SAMPLE_RATE
    assert len(samples) / SAMPLE_RATE == pytest.approx(4 * EIGHTH_S + sound.RING_S, abs=0.1)
    assert level(samples[-2400:]) < 1e-3
    assert samples[-1] == 0
    end = 4 * EIGHTH_S
    assert level(between(samples, end, end + 0.25)) > 2 * level(between(samples, end + 0.75, end + 1)) > 0


def test_rests_are_quiet() -> None:
    samples = play("C5:1/4 R:1/1 C5:1/4")
    assert level(between(samples, 1.5, 2.4)) < 0.02 * level(between(samples, 0, 0.5))
    assert level(between(samples, 2.5, 3)) > 0.5 * level(between(samples, 0, 0.5))
    assert not play("R:1/1").any()


def test_a_faster_tempo_is_a_shorter_sound() -> None:
    slow, fast = (len(play("A4 " * 16, tempo)) / SAMPLE_RATE - sound.RING_S for tempo in (60, 120))
    assert slow == pytest.approx(2 * fast, abs=0.1)


def test_an_endless_tune_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "LONGEST_S", 2)
    assert len(play("A4:1/2 " * 50)) / SAMPLE_RATE == pytest.approx(2 + sound.RING_S, abs=0.1)
