"""`train.py sound`: sounds that can be made again, and a detector measured on what it never learned."""

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from genre_models.hub import load_detector
from genre_models.musicnn import POOLED
from genre_models.sound import KINDS, SoundDetector
from genre_models.sound.measures import MEASURES
from genre_models.training import commands, non_music, unheard
from genre_models.training.examples import (
    LANGUAGES,
    RAP,
    SPEECH,
    TURNS,
    VARIANTS,
    VARIED,
    VOICES,
    Draw,
    Example,
    generated,
)
from genre_models.training.gtzan import Recording
from genre_models.training.noises import NOISES
from genre_models.training.non_music import called, draws, fit
from genre_models.training.recording_conditions import CLEAN
from genre_models.training.speech import speak
from genre_models.training.tunes import TUNES
from genre_models.training.unheard import UNHEARD
from genre_models.training.waves import RATE, Generator, Wave
from tests.test_sound import tool

N = 3 * RATE // 2 + 1
TOOLS = ("espeak-ng", "sox")
GENERATORS: dict[str, Generator] = {
    **{f"noise, {name}": make for name, (_, make) in NOISES.items()},
    **{f"tune, {name}": make for name, make in TUNES.items()},
    "learned speech": lambda rng, n: speak(rng, n, str(rng.choice(VOICES))),
    **{f"unheard, {name}": make for name, (_, make) in UNHEARD.items()},
}
NEED_TOOLS = {"learned speech"} | {name for name in GENERATORS if name.startswith("unheard")}


@pytest.mark.parametrize("name", GENERATORS)
def test_a_seed_makes_a_sound_of_the_asked_length_again(name: str) -> None:
    if name in NEED_TOOLS:
        for one in TOOLS:
            tool(one)

    def made(seed: int) -> Wave:
        return GENERATORS[name](np.random.default_rng(seed), N)

    first, again, other = made(1), made(1), made(2)
    assert first.shape == other.shape == (N,)
    assert np.issubdtype(first.dtype, np.floating)
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_every_kind_is_learned_from_and_all_but_music_measured_on() -> None:
    all_draws = draws()
    assert len(set(all_draws)) == len(all_draws)
    learned = {called(draw) for draw in all_draws if draw.source != "unheard"}
    measured = {called(draw) for draw in all_draws if draw.source == "unheard"}
    assert learned == KINDS.keys()
    assert measured == KINDS.keys() - {"music"}
    assert {called(Draw("tune", name)) for name in (*TUNES, RAP)} == {"music"}


def test_what_it_is_measured_on_is_made_by_others() -> None:
    assert not set(LANGUAGES) & set(unheard.LANGUAGES)
    assert set(VARIANTS) & set(unheard.VARIANTS) == {""}  # each language's own voice
    learned = {make for _, make in NOISES.values()} | set(TUNES.values())
    assert not learned & {make for _, make in UNHEARD.values()}


@pytest.mark.parametrize("missing", TOOLS)
def test_a_tool_that_is_missing_is_named_before_anything_is_heard(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name == missing else name)
    monkeypatch.setattr(sys, "argv", ["train.py", "sound", "--data", "no/such/folder"])
    with pytest.raises(SystemExit) as stopped:
        commands.main()
    assert stopped.value.code == 2
    (complaint,) = capsys.readouterr().err.splitlines()
    assert complaint.startswith(f"train.py: {missing} is not installed")
    assert complaint.endswith(f"apt-get install {missing}.")


def test_generated_sounds_are_heard_once_and_alike(tmp_path: Path) -> None:
    draw = Draw("noise", "steady tone", 1)
    (first,) = generated([draw], tmp_path, 1)
    assert (first.draw, first.condition) == (draw, VARIED)
    assert first.features.shape[1] == len(MEASURES) + POOLED
    assert np.isfinite(first.features).all()
    (kept,) = tmp_path.rglob("*.safetensors")
    before = kept.stat().st_mtime_ns
    (again,) = generated([draw], tmp_path, 1)
    np.testing.assert_array_equal(first.features, again.features)
    assert kept.stat().st_mtime_ns == before


CENTRES = dict(
    zip(KINDS, np.random.default_rng(0).standard_normal((len(KINDS), len(MEASURES) + POOLED)), strict=True)
)


def example(draw: Draw, condition: str = VARIED, kind: str | None = None) -> Example:
    """Two segments that are like others of their kind, or of another `kind`."""
    seed = list(f"{draw.source} {draw.name} {draw.number} {condition}".encode())
    noise = np.random.default_rng(seed).standard_normal((2, len(MEASURES) + POOLED))
    return Example(draw, condition, (CENTRES[kind or called(draw)] + 0.5 * noise).astype(np.float32))


@pytest.mark.parametrize("width", [len(MEASURES), len(MEASURES) + POOLED])
def test_a_detector_tells_what_it_learned_and_holds_the_rest_for_impossible(width: int) -> None:
    learned = [draw for draw in draws() if draw.source != "unheard" and draw.number < 3]
    kinds = {"music", "speech", "noise", "tone"}
    detector = fit([example(draw) for draw in learned if called(draw) in kinds])
    assert detector.threshold == detector.threshold_deaf == 0.5
    for draw in (draw for draw in learned if called(draw) in kinds):
        other = example(Draw(draw.source, draw.name, draw.number + 100))
        probabilities = detector.probabilities(torch.from_numpy(other.features[:, :width]))
        by_kind = dict(zip(KINDS, probabilities.tolist(), strict=True))
        assert max(by_kind, key=lambda kind: by_kind[kind]) == called(draw)
        assert all(by_kind[kind] < 1e-6 for kind in KINDS.keys() - kinds)


def test_the_threshold_lets_through_all_but_the_promised_share_of_music() -> None:
    conditions = (CLEAN, VARIED, "hard")
    music = [Example(Draw("music", "rock", i), conditions[i % 3], np.empty((0, 0), "f4")) for i in range(900)]
    minded = np.array([one.condition in {CLEAN, VARIED} for one in music])
    answers = np.zeros((len(music), len(KINDS)))
    answers[minded, 0] = np.random.default_rng(0).beta(2, 1, minded.sum())
    threshold = non_music._threshold(music, answers)
    assert 0 < threshold < 0.5
    share = (answers[minded, 0] < threshold).mean()
    assert share == pytest.approx(non_music.FALSE_ALARMS, abs=1 / minded.sum())
    answers[minded, 0] = 0.9
    assert non_music._threshold(music, answers) == 0.5


RECORDINGS = [
    Recording(Path(f"{genre}.{i}"), f"{genre}.{i}", genre, f"{genre} {i // 2}", "clip")
    for genre in ("blues", "jazz", "rock")
    for i in range(8)
]


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[Example]]:
    """Few sounds that need no hearing; the list will hold what each detector learned from."""
    for name in ("OF_EACH_NOISE", "OF_SPEECH", "OF_EACH_TUNE", "OF_EACH_UNHEARD"):
        monkeypatch.setattr(non_music, name, 2)

    def recorded(recordings: Sequence[Recording], _: Path, __: int) -> list[Example]:
        music = [Draw("music", one.genre, i, one) for i, one in enumerate(recordings)]
        return [example(one, name) for one in music for name in (CLEAN, TURNS[one.number % 5], VARIED)]

    def made(wanted: Sequence[Draw], _: Path, __: int) -> list[Example]:
        return [example(draw, CLEAN if draw.source == "unheard" else VARIED) for draw in wanted]

    learned: list[Sequence[Example]] = []

    def noted(examples: Sequence[Example]) -> SoundDetector:
        learned.append(examples)
        return fit(examples)

    monkeypatch.setattr(non_music, "recorded", recorded)
    monkeypatch.setattr(non_music, "generated", made)
    monkeypatch.setattr(non_music, "fit", noted)
    return learned


def test_it_is_measured_on_nothing_it_learned_and_survives_being_written(
    trainings: list[Sequence[Example]], tmp_path: Path
) -> None:
    detector, metrics = non_music.train(RECORDINGS, tmp_path, 1)
    artists, generators = {one.group for one in RECORDINGS}, [*NOISES, SPEECH]
    of_artists, of_generators = [], []
    for examples in trainings:
        assert all(one.condition in {CLEAN, VARIED} for one in examples)
        assert not any(one.draw.source == "unheard" for one in examples)
        of_artists += sorted(artists - {one.draw.recording.group for one in examples if one.draw.recording})
        heard = {one.draw.name for one in examples if one.draw.source == "noise"}
        of_generators += [name for name in generators if name not in heard]
    assert sorted(of_artists) == sorted(artists)  # each is left out once
    assert of_generators == generators
    assert len(trainings) == 3 + len(generators) + 1

    for name, threshold in (("both", detector.threshold), ("measures", detector.threshold_deaf)):
        measured = metrics[name]
        assert measured["threshold"] == threshold <= 0.5
        assert measured["false alarms on unseen artists"]["clean"]["sounds"] == len(RECORDINGS)
        assert measured["hits on generators never heard"]["all"]["sounds"] == 2 * len(UNHEARD)
        assert measured["hits on kinds left out"]["all"]["sounds"] == 2 * len(generators)
    assert f"{2 * len(UNHEARD)} found not to be music" in non_music.summary(metrics)

    non_music.save(detector, metrics, tmp_path / "sound", tmp_path / "metrics" / "sound.json")
    assert json.loads((tmp_path / "metrics" / "sound.json").read_text(encoding="utf-8")) == metrics
    read = load_detector(tmp_path)
    assert read is not None
    assert (read.threshold, read.threshold_deaf) == (detector.threshold, detector.threshold_deaf)
    weights = read.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in detector.state_dict().items())
