"""What is drawn of a clip: the networks' own numbers, on one axis of seconds."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import torch
from torchaudio.functional import melscale_fbanks

from genre_models import audio, features, musicnn
from genre_models.inside.clip import InsideClip, open_clip
from genre_models.inside.features import MAX_BINS, MAX_COLUMNS, Seen, see
from genre_models.inside.mel import band_hz
from genre_models.ui.examples import EXAMPLES
from tests.conftest import write_wav

RATE = audio.SAMPLE_RATE
FRAME_S = features.HOP_LENGTH / RATE


@pytest.fixture(scope="module")
def clip() -> InsideClip:
    return open_clip(EXAMPLES / "west.ogg")


def seen_of(waveform: np.ndarray) -> Seen:
    tensor = torch.from_numpy(waveform.astype(np.float32))
    segments = audio.segment(tensor)
    return see(tensor, segments, features.mfcc(segments.waveforms))


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE))


def tone(hertz: float, seconds: float) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


def test_the_mfccs_are_those_that_the_networks_get(clip: InsideClip) -> None:
    segments = audio.segment(audio.load(EXAMPLES / "west.ogg"))
    expected = features.mfcc(segments.waveforms)
    assert clip.starts_s == segments.starts_s
    torch.testing.assert_close(clip.mfccs, expected, atol=0, rtol=0)
    np.testing.assert_array_equal(clip.seen.mfccs, expected.flatten(0, 1).T.numpy())


def test_the_spectrogram_is_librosas_in_whole_decibels(clip: InsideClip) -> None:
    waveform = audio.load(EXAMPLES / "west.ogg").numpy()
    mel = librosa.feature.melspectrogram(
        y=waveform, sr=RATE, n_fft=features.N_FFT, hop_length=features.HOP_LENGTH, n_mels=features.N_MELS
    )
    expected = librosa.power_to_db(mel, ref=np.max, top_db=features.TOP_DB)
    np.testing.assert_allclose(clip.seen.mel_db, expected, atol=0.51)
    assert clip.seen.mel_db.dtype == np.int8
    assert clip.seen.mel_db.max() == 0


def test_a_tone_lies_at_its_frequency() -> None:
    seen = seen_of(tone(1_000, 6))
    loudest = seen.mel_db[:, 60].argmax()
    assert seen.mel_frequencies_hz[loudest] == pytest.approx(1_000, rel=0.03)


def test_bands_lie_where_librosa_and_torchaudio_put_them() -> None:
    expected = librosa.mel_frequencies(features.N_MELS + 2, fmin=0, fmax=RATE / 2)
    places = np.arange(features.N_MELS + 2)
    np.testing.assert_allclose(band_hz(places, features.N_MELS, RATE / 2), expected, rtol=1e-6)
    n_fft, n_mels, highest = 4096, musicnn.N_MELS, musicnn.SAMPLE_RATE / 2
    bank = melscale_fbanks(n_fft // 2 + 1, 0.0, highest, n_mels, musicnn.SAMPLE_RATE, "slaney", "slaney")
    peaks = bank.argmax(dim=0).numpy() * musicnn.SAMPLE_RATE / n_fft
    centres = band_hz(np.arange(1, n_mels + 1), n_mels, highest)
    np.testing.assert_allclose(centres, peaks, atol=musicnn.SAMPLE_RATE / n_fft)


def test_all_pictures_share_an_axis_of_seconds() -> None:
    click = np.zeros(12 * RATE)
    click[round(7.5 * RATE)] = 1.0
    seen = seen_of(click + 1e-4 * noise(12))
    assert seen.duration_s == 12
    times_of_click = (
        seen.envelope_times_s[seen.envelope_high.argmax()],
        seen.mel_times_s[seen.mel_db.astype(int).sum(axis=0).argmax()],
        seen.mfcc_times_s[seen.mfccs[0].argmax()],
    )
    assert times_of_click == pytest.approx([7.5] * 3, abs=FRAME_S)


def test_the_envelope_keeps_the_extremes() -> None:
    waveform = noise(13.7)
    seen = seen_of(waveform)
    assert len(seen.envelope_times_s) == len(seen.envelope_low) == len(seen.envelope_high) <= MAX_BINS
    assert seen.envelope_low.min() == pytest.approx(waveform.min())
    assert seen.envelope_high.max() == pytest.approx(waveform.max())
    assert (seen.envelope_low <= seen.envelope_high).all()


def test_a_minute_is_drawn_frame_by_frame_and_more_than_that_thinned() -> None:
    minute, longer = seen_of(noise(60)), seen_of(noise(150))
    assert minute.mel_db.shape[1] == 1 + 60 * RATE // features.HOP_LENGTH
    for times_s, picture in ((longer.mel_times_s, longer.mel_db), (longer.mfcc_times_s, longer.mfccs)):
        assert MAX_COLUMNS / 2 < picture.shape[1] == len(times_s) <= MAX_COLUMNS
        assert (np.diff(times_s) > 0).all()
        assert 0 <= times_s[0] < times_s[-1] <= longer.duration_s
    segments = audio.segment(torch.from_numpy(noise(150).astype(np.float32)))
    frames = features.mfcc(segments.waveforms).flatten(0, 1)  # 25 segments end to end
    np.testing.assert_allclose(longer.mfccs[:, 0], frames[:3].mean(dim=0).numpy(), rtol=1e-5)


def test_where_segments_overlap_the_earlier_is_drawn() -> None:
    waveform = torch.from_numpy(noise(16).astype(np.float32))
    segments = audio.segment(waveform)
    assert segments.starts_s == (0, 6, 10)
    mfccs = torch.stack([torch.full((features.N_FRAMES, 13), float(i)) for i in range(3)])
    seen = see(waveform, segments, mfccs)
    assert (np.diff(seen.mfcc_times_s) > 0).all()
    np.testing.assert_array_equal(seen.mfccs[0], np.clip(seen.mfcc_times_s // 6, 0, 2))


def test_a_short_clip_is_drawn_to_its_end_though_its_segment_goes_on(clips: Path) -> None:
    clip = open_clip(clips / "short.wav")
    assert clip.seen.duration_s == pytest.approx(2, abs=0.01)
    assert clip.seen.mfcc_times_s[-1] < 2
    assert clip.frame_times_s(0)[-1] == pytest.approx(129 * FRAME_S)


def test_frames_of_a_later_segment_begin_where_it_begins(clip: InsideClip) -> None:
    times_s = clip.frame_times_s(2)
    assert len(times_s) == features.N_FRAMES
    assert times_s[0] == 12
    assert np.diff(times_s) == pytest.approx(FRAME_S)


def test_silence_is_dark() -> None:
    seen = seen_of(np.zeros(6 * RATE))
    assert (seen.mel_db == -features.TOP_DB).all()
    assert np.isfinite(seen.mfccs).all()


def test_musicnn_gets_what_it_gets_for_the_verdict(clip: InsideClip) -> None:
    _, at_16_khz = audio.read_at(clip.path, [RATE, musicnn.SAMPLE_RATE])
    expected = audio.cut(at_16_khz.waveform, clip.starts_s, musicnn.SAMPLE_RATE)
    torch.testing.assert_close(clip.at_16_khz(3)[0], expected[3])


def test_a_file_is_opened_again_only_when_it_changed(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "clip.wav", tone(440, 2), RATE)
    first = open_clip(path)
    assert open_clip(str(path)) is first
    write_wav(path, tone(440, 3), RATE)
    assert open_clip(path).seen.duration_s == 3


def test_what_is_no_sound_is_refused_in_words(clips: Path, tmp_path: Path) -> None:
    for path in (clips / "text.wav", tmp_path / "missing.wav"):
        with pytest.raises(audio.AudioError, match=r"\.$"):
            open_clip(path)
