"""Labels taught with a few clips: what they call another clip."""

from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_models import teach
from genre_models.audio import AudioError
from genre_models.hub import bundled_ear
from genre_models.metrics import evaluation
from genre_models.musicnn import EMBEDDING, MusiCNN
from genre_models.teach import Embedding, TaughtClip, TaughtLabels, TeachError
from genre_models.training.gtzan import Kind, Recording
from genre_models.training.teaching import MAX_TRACKS, longest_tracks
from genre_models.ui.lesson import Lesson, advice
from genre_models.ui.teach import TeachPanel
from tests.clips import gtzan_dir
from tests.labels import point, rounded, taught
from tests.sounds import sound


@pytest.fixture(scope="module")
def ear() -> MusiCNN:
    return bundled_ear()


# What labels make of a clip


def test_a_clip_gets_the_label_whose_clips_it_is_near() -> None:
    fitted = taught(dogs=3, cats=3, rain=1).fit()
    for axis, label in enumerate(("dogs", "cats", "rain")):
        answer = fitted.answer(point(axis, 999))
        assert answer.label == label
        assert answer.familiar
        assert list(answer.probabilities) == ["dogs", "cats", "rain"]
        assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert max(answer.probabilities, key=answer.probabilities.__getitem__) == label


def test_a_clip_between_two_labels_is_left_open() -> None:
    labels = TaughtLabels({"a": (TaughtClip("a", point(0, 1, 0)),), "b": (TaughtClip("b", point(1, 2, 0)),)})
    middle = np.eye(EMBEDDING)[0] + np.eye(EMBEDDING)[1]
    assert labels.fit().answer(rounded(middle)).probabilities["a"] == pytest.approx(0.5, abs=1e-3)


def test_a_clip_far_from_all_labels_is_called_unlike_them() -> None:
    labels = taught(dogs=3, cats=3)
    assert not labels.fit().answer(point(7, 1)).familiar
    wide = TaughtLabels({"any": tuple(TaughtClip("c", point(axis, axis)) for axis in range(40))})
    assert wide.fit().answer(point(50, 1)).familiar  # what was taught is as far apart as this clip is from it


def test_more_clips_make_an_answer_surer() -> None:
    between = rounded(0.55 * np.eye(EMBEDDING)[0] + 0.45 * np.eye(EMBEDDING)[1])
    sure = []
    for n in (1, 3, 10):
        same = {label: (TaughtClip("c", point(axis, 0, 0)),) * n for axis, label in enumerate("ab")}
        sure.append(TaughtLabels(same).fit().answer(between).probabilities["a"])
    assert 0.5 < sure[0] < sure[1] < sure[2]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_labels_and_clips_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = [rounded(rng.standard_normal(EMBEDDING)) for _ in range(7)]
    labels = TaughtLabels(
        {
            "a": tuple(TaughtClip("c", one) for one in points[:3]),
            "b": tuple(TaughtClip("c", one) for one in points[3:6]),
        }
    )
    turned = TaughtLabels({"b": labels.clips["b"][::-1], "a": labels.clips["a"][::-1]})
    answers = [each.fit().answer(points[6]) for each in (labels, turned)]
    assert answers[0].probabilities == pytest.approx(answers[1].probabilities, abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), sizes=st.lists(st.integers(1, 4), min_size=2, max_size=4))
def test_leaving_out_is_teaching_without(seed: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    labels = TaughtLabels()
    for i, size in enumerate(sizes):
        for _ in range(size):
            labels = labels.with_clip(f"label {i}", TaughtClip("c", rounded(rng.standard_normal(EMBEDDING))))
    left_out = labels.leave_one_out()
    assert left_out.tested == sum(size for size in sizes if size > 1)
    for label, clips in labels.clips.items():
        for i, clip in enumerate(clips):
            without = labels.without_clip(label, i).fit().answer(clip.embedding)
            assert left_out.named[label][i] == (without.label if len(clips) > 1 else None)


def test_leaving_out_counts_a_clip_under_the_wrong_label() -> None:
    labels = taught(dogs=3, cats=3).with_clip("cats", TaughtClip("bark.wav", point(0, 77)))
    left_out = labels.leave_one_out()
    assert (left_out.right, left_out.tested) == (6, 7)
    assert left_out.named["cats"] == ("cats", "cats", "cats", "dogs")
    assert advice(labels, left_out) == "6 of 7 clips are named rightly when left out of the teaching."


# Teaching and forgetting


def test_a_label_is_known_by_its_letters() -> None:
    labels = TaughtLabels().with_clip("  Our \t band\u200b ", TaughtClip("a", point(0, 1)))
    labels = labels.with_clip("our BAND", TaughtClip("b", point(0, 2)))
    assert list(labels.clips) == ["Our band"]
    assert labels.n_clips == 2
    assert labels.with_clip("our band", TaughtClip("again", point(0, 1))) is labels


@pytest.mark.parametrize("label", ["", " \n", "\u200b", "x" * (teach.MAX_LABEL_LENGTH + 1)])
def test_what_is_no_label_is_refused(label: str) -> None:
    with pytest.raises(TeachError):
        TaughtLabels().with_clip(label, TaughtClip("a", point(0, 1)))


def test_there_is_an_end_to_labels_and_clips() -> None:
    full = taught(**{f"label {i}": 1 for i in range(teach.MAX_LABELS)})
    with pytest.raises(TeachError, match=f"{teach.MAX_LABELS} labels already"):
        full.with_clip("one more", TaughtClip("a", point(150, 1)))
    full = taught(dogs=teach.MAX_CLIPS)
    with pytest.raises(TeachError, match=f"{teach.MAX_CLIPS} clips already"):
        full.with_clip("Dogs", TaughtClip("a", point(150, 1)))


def test_a_label_goes_with_its_last_clip() -> None:
    labels = taught(dogs=2, cats=1)
    assert list(labels.without_clip("cats", 0).clips) == ["dogs"]
    assert [clip.name for clip in labels.without_clip("dogs", 0).clips["dogs"]] == ["dogs 1.wav"]
    assert list(labels.without_label("dogs").clips) == ["cats"]
    assert labels.n_clips == 3


def test_clips_wait_for_their_label_and_removals_can_be_undone() -> None:
    first, second = TaughtClip("a", point(0, 1)), TaughtClip("b", point(0, 2))
    lesson, said = Lesson().learning(" ", [first])
    assert "1 clip will wait" in said.problem
    lesson, said = lesson.learning("dogs", [second])
    assert lesson.taught.clips == {"dogs": (first, second)}
    assert said.done == "2 clips added to “dogs”."
    emptied = lesson.keeping(TaughtLabels())
    assert emptied.undone().taught == lesson.taught


# The ear


def write(path: Path, samples: np.ndarray) -> Path:
    soundfile.write(path, samples, 22_050)
    return path


def test_the_level_of_a_recording_says_nothing(ear: MusiCNN, tmp_path: Path) -> None:
    loud = sound(3, 0, 5.0)
    first = np.array(teach.embed(write(tmp_path / "loud.flac", loud), ear))
    second = np.array(teach.embed(write(tmp_path / "quiet.flac", loud / 10), ear))
    assert len(first) == EMBEDDING
    assert np.linalg.norm(first) == pytest.approx(1, abs=1e-3)
    assert np.linalg.norm(first - second) < 0.05


def test_silence_cannot_be_taught(ear: MusiCNN, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="silent"):
        teach.embed(write(tmp_path / "silence.wav", np.zeros(44_100)), ear)


def test_no_more_files_are_heard_than_a_label_holds(ear: MusiCNN, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    def embed(path: str, ear: MusiCNN) -> Embedding:
        heard.append(path)
        return point(len(heard), 0)

    monkeypatch.setattr(teach, "embed", embed)
    monkeypatch.setattr(teach, "MAX_CLIPS", 3)
    with gr.Blocks():
        panel = TeachPanel(ear, gr.HTML(), gr.State(), gr.HTML())
        updates = panel.on_upload("mine", [f"{i}.wav" for i in range(5)], Lesson())
    assert heard == ["0.wav", "1.wav", "2.wav"]
    assert "first 3 files" in updates[0]
    assert updates[-1].taught.n_clips == 3


def test_the_card_is_written_by_one_event_at_a_time(ear: MusiCNN) -> None:
    """So that the one that is shown at last knows both the last clip and the last lesson."""
    with gr.Blocks() as page:
        card = gr.HTML()
        TeachPanel(ear, gr.HTML(), gr.State(), card)
    writing = [event for event in page.fns.values() if card in event.outputs]
    others = [event for event in page.fns.values() if card not in event.outputs]
    assert {(event.concurrency_id, event.concurrency_limit) for event in writing} == {("taught", 1)}
    followed = {event.trigger_after for event in writing}
    assert {event._id for event in others} == followed - {None}


def test_a_fingerprint_tells_ears_apart(ear: MusiCNN) -> None:
    assert teach.fingerprint(ear) == teach.fingerprint(bundled_ear())
    assert teach.fingerprint(ear) != teach.fingerprint(MusiCNN())


def test_two_artists_are_told_apart_by_three_clips_each(ear: MusiCNN, tmp_path: Path) -> None:
    data = gtzan_dir()
    labels = TaughtLabels()
    asked: list[tuple[str, Embedding]] = []
    for genre in ("blues", "classical"):
        for i, path in enumerate(sorted((data / "clips" / genre).glob("*.flac"))[:6]):
            samples, rate = soundfile.read(path, frames=5 * 22_050, start=10 * 22_050)
            cut = tmp_path / f"{genre} {i}.wav"
            soundfile.write(cut, samples, rate)
            embedding = teach.embed(cut, ear)
            if i < 3:
                labels = labels.with_clip(genre, TaughtClip(cut.name, embedding))
            else:
                asked.append((genre, embedding))
    fitted = labels.fit()
    assert [fitted.answer(embedding).label for _, embedding in asked] == [genre for genre, _ in asked]


def test_of_each_track_the_longest_recording_is_measured() -> None:
    kinds: dict[Kind, int] = {"excerpt": 2, "clip": 7}
    waveforms = {}
    for i in range(MAX_TRACKS + 2):
        for kind, seconds in kinds.items():
            if kind == "excerpt" or i > 1:
                recording = Recording(Path(f"{kind} {i}"), str(i), "jazz", "a", kind)
                waveforms[recording] = torch.zeros(seconds)
    tracks = longest_tracks(waveforms)
    assert {track: len(waveform) for track, waveform in tracks.items()} == {
        str(i): 7 for i in range(2, MAX_TRACKS + 2)
    }


def test_the_measured_figures_are_those_in_use(ear: MusiCNN) -> None:
    measured = evaluation(teach.TEACHING_FILE)
    assert measured["ear"] == teach.fingerprint(ear)
    assert measured["different_genres"]["accuracy"] >= 0.85
    assert measured["calibration"]["2"]["best_spread"] == pytest.approx(teach.SPREAD, abs=0.02)
    assert measured["calibration"]["2"]["scatter"] == pytest.approx(teach.SCATTER, abs=0.06)
    assert measured["unlike"]["own"] < 0.1
