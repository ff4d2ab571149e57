"""An audio file in, a report out: verdicts in words, silence without a genre, level without influence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from genre_models import audio
from genre_models.classifiers import GENRES
from genre_models.classify import Report, classify
from genre_models.hub import Ensemble, load_ensemble
from genre_models.training import recording
from genre_models.ui.examples import EXAMPLES
from genre_models.verdict import SURE_CONFIDENCE, Combination, decide, hedge, outside
from tests.clips import real_clips
from tests.sounds import sound


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    """The bundled models without what tells music from the rest: the sounds here are hardly music."""
    return replace(load_ensemble(), detector=None)


def write(path: Path, samples: np.ndarray, rate: int = audio.SAMPLE_RATE) -> Path:
    soundfile.write(path, samples, rate)
    return path


@pytest.fixture(scope="module")
def report(ensemble: Ensemble, tmp_path_factory: pytest.TempPathFactory) -> Report:
    path = tmp_path_factory.mktemp("clip") / "clip.wav"
    return classify(write(path, sound(8, 0, 30.0)), ensemble)


def test_a_clip_of_30_s_gives_five_segments_and_all_models(report: Report) -> None:
    assert report.duration_s == pytest.approx(30.0)
    assert report.segments == 5
    assert report.segment_starts_s == [0.0, 6.0, 12.0, 18.0, 24.0]
    assert [answer.name for answer in report.models] == ["mlp", "cnn", "lstm", "transformer", "musicnn"]
    assert report.warnings == []
    for answer in report.models:
        assert list(answer.probabilities) == list(GENRES) == report.genres
        assert sum(answer.probabilities.values()) == pytest.approx(1.0, abs=1e-4)
        assert np.shape(answer.timeline) == (5, 10)
        means = np.mean(answer.timeline, axis=0)
        np.testing.assert_allclose(means, list(answer.probabilities.values()), atol=1e-5)
        assert answer.genre == GENRES[int(means.argmax())]
        assert answer.milliseconds > 0


def test_in_a_recording_unlike_the_training_only_musicnn_counts(ensemble: Ensemble, tmp_path: Path) -> None:
    mono = audio.load(EXAMPLES / "motorway.ogg")[: 12 * audio.SAMPLE_RATE]
    hiss = recording.noise(len(mono), 0.0, np.random.default_rng(0))
    noisy = recording.telephone(recording.with_background(mono, hiss, 5.0))
    whole = classify(write(tmp_path / "clean.wav", mono.numpy()), ensemble)
    report = classify(write(tmp_path / "noisy.wav", noisy.numpy()), ensemble)
    assert whole.counted == [answer.name for answer in whole.models]
    assert whole.warnings == []
    assert report.counted == ["musicnn"]
    assert "only MusiCNN counts" in report.warnings[0]
    echoing = recording.room(mono, 0.6, 0.0, np.random.default_rng(0))
    assert classify(write(tmp_path / "room.wav", echoing.numpy()), ensemble).counted == ["musicnn"]
    ear = next(answer for answer in report.models if answer.name == "musicnn")
    alone = ensemble.combination.combine({"musicnn": torch.tensor(list(ear.probabilities.values()))})
    tags = outside(ear.tags)
    expected = hedge(alone, tags.share).tolist()
    assert list(report.probabilities.values()) == pytest.approx(expected, abs=1e-4)
    assert report.verdict.agreement in {votes / 5 for votes in range(6)}  # all are still heard
    without = classify(tmp_path / "noisy.wav", ensemble, ["mlp", "cnn"])
    assert without.counted == ["mlp", "cnn"]
    assert without.warnings == []


def test_the_verdict_is_on_the_combined_probabilities(report: Report) -> None:
    together, verdict = report.probabilities, report.verdict
    assert list(together) == list(GENRES)
    assert sum(together.values()) == pytest.approx(1.0, abs=1e-4)
    assert verdict.genre is not None
    assert together[verdict.genre] == pytest.approx(max(together.values()), abs=1e-6)
    assert verdict.confidence == pytest.approx(max(together.values()), abs=1e-5)
    assert np.shape(report.combined) == (5, 10)
    np.testing.assert_allclose(np.sum(report.combined, axis=1), 1.0, atol=1e-4)
    assert verdict.agreement == np.mean([answer.genre == verdict.genre for answer in report.models])
    assert verdict.genre in verdict.candidates


def test_the_report_is_plain_json(report: Report) -> None:
    keys = {"duration_s", "segments", "genres", "verdict", "models", "warnings"}
    assert keys <= report.to_dict().keys()
    assert {"genre", "sure", "candidates", "agreement", "confidence", "sentence"} == set(
        report.to_dict()["verdict"]
    )


def test_silence_gets_a_report_without_a_genre(ensemble: Ensemble, tmp_path: Path) -> None:
    report = classify(write(tmp_path / "silence.wav", np.zeros(5 * 22_050)), ensemble)
    assert report.verdict.genre is None
    assert not report.verdict.sure
    assert report.models == []
    assert "silent" in report.verdict.sentence


def test_short_clips_are_filled_up_and_say_so(ensemble: Ensemble, tmp_path: Path) -> None:
    report = classify(write(tmp_path / "short.wav", sound(1, 0, 2.0)), ensemble)
    assert report.segments == 1
    assert report.warnings


def test_too_short_a_clip_is_an_error(ensemble: Ensemble, tmp_path: Path) -> None:
    with pytest.raises(audio.AudioError):
        classify(write(tmp_path / "click.wav", sound(1, 0, 0.4)), ensemble)


def test_at_least_one_model_must_answer(ensemble: Ensemble, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one model"):
        classify(write(tmp_path / "clip.wav", sound(1, 0, 2.0)), ensemble, chosen=[])


@pytest.mark.parametrize("decibels", [-30, -20, -6])
def test_a_quieter_recording_keeps_its_probabilities(
    ensemble: Ensemble, tmp_path: Path, decibels: int
) -> None:
    samples = sound(4, 1, 12.0)
    loud = classify(write(tmp_path / "loud.wav", samples), ensemble)
    quiet = classify(write(tmp_path / "quiet.wav", samples * 10 ** (decibels / 20)), ensemble)
    assert quiet.verdict.genre == loud.verdict.genre
    assert quiet.verdict.confidence == pytest.approx(loud.verdict.confidence, abs=0.1)


def test_real_clips_turned_down_keep_their_verdict(ensemble: Ensemble, tmp_path: Path) -> None:
    for path in real_clips(one_per_genre=True):
        quiet = write(tmp_path / "quiet.wav", audio.load(path).numpy() / 10)
        assert classify(quiet, ensemble).verdict.genre == classify(path, ensemble).verdict.genre


@st.composite
def probabilities(draw: st.DrawFn) -> dict[str, torch.Tensor]:
    n_models = draw(st.integers(1, 5))
    sharpness = draw(st.floats(0.0, 10.0))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    shared = torch.randn(10, generator=generator)
    return {
        f"model {i}": (sharpness * (shared + torch.randn(10, generator=generator))).softmax(-1)
        for i in range(n_models)
    }


@given(probabilities())
def test_verdicts_never_claim_more_than_the_models(answers: dict[str, torch.Tensor]) -> None:
    verdict = decide(answers, Combination().combine(answers))
    votes = [GENRES[int(answer.argmax())] for answer in answers.values()]
    assert verdict.agreement == votes.count(str(verdict.genre)) / len(votes)
    assert verdict.candidates[0] == verdict.genre
    if verdict.sure:
        assert verdict.confidence >= SURE_CONFIDENCE
        assert verdict.agreement > 0.5
        assert str(verdict.genre) in verdict.sentence.lower()
    else:
        assert verdict.sentence.startswith("Not sure")
        assert all(candidate in verdict.sentence for candidate in verdict.candidates)


@pytest.mark.parametrize(
    ("votes", "sentence"),
    [
        (2, "Not sure: only 2 of 5 models name disco."),
        (1, "Not sure: only 1 of 5 models names disco."),
        (0, "Not sure: none of the 5 models names disco."),
    ],
)
def test_a_confident_verdict_that_few_models_share_says_so(votes: int, sentence: str) -> None:
    disco, rock = torch.eye(10)[[GENRES.index("disco"), GENRES.index("rock")]]
    answers = {f"model {i}": disco if i < votes else rock for i in range(5)}
    verdict = decide(answers, 0.8 * disco + 0.2 * rock)
    assert (verdict.sure, verdict.sentence) == (False, sentence)
    torn = decide(answers, 0.62 * disco + 0.38 * rock)
    assert torn.sentence == sentence.replace(".", "; it may be rock.")


def test_music_outside_the_genres_gets_low_confidence_and_keeps_its_nearest_genre() -> None:
    probabilities = torch.full((10,), 0.02)
    probabilities[3] = 0.82
    foreign = outside({"electronic": 0.5, "rock": 0.6})
    verdict = decide({"musicnn": probabilities}, probabilities, foreign)
    assert (verdict.genre, verdict.sure) == ("disco", False)
    assert verdict.confidence == pytest.approx(0.1)
    assert "electronic" in verdict.sentence
    assert "none of the ten genres" in verdict.sentence
    known = decide({"musicnn": probabilities}, probabilities, outside({"electronic": 0.1}))
    assert (known.genre, known.sure) == ("disco", True)
    assert known.confidence == pytest.approx(0.82)
