"""Labels taught with a few clips: what they call another clip, and what a file of them may hold."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_models import teach, teach_file
from genre_models.audio import AudioError
from genre_models.hub import bundled_ear
from genre_models.metrics import evaluation
from genre_models.musicnn import EMBEDDING, MusiCNN
from genre_models.teach import Embedding, TaughtClip, TaughtLabels, TeachError
from genre_models.training.gtzan import Kind, Recording
from genre_models.training.teaching import MAX_TRACKS, longest_tracks
from genre_models.ui.lesson import Lesson, advice
from tests.clips import gtzan_dir
from tests.sounds import sound

EAR = "musicnn-0123456789abcdef"


def rounded(vector: np.ndarray) -> Embedding:
    unit = vector / np.linalg.norm(vector)
    return tuple(round(float(value), teach.DECIMALS) for value in unit)


def point(axis: int, seed: int, scatter: float = 0.02) -> Embedding:
    """An embedding near an axis."""
    vector = scatter * np.random.default_rng(seed).standard_normal(EMBEDDING)
    vector[axis] += 1
    return rounded(vector)


def taught(**counts: int) -> TaughtLabels:
    """Labels far from each other, with so many clips each."""
    labels = TaughtLabels()
    for axis, (label, n) in enumerate(counts.items()):
        for i in range(n):
            labels = labels.with_clip(label, TaughtClip(f"{label} {i}.wav", point(axis, 100 * axis + i)))
    return labels


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


# Files


def embeddings() -> st.SearchStrategy[Embedding]:
    return st.integers(0, 2**32 - 1).map(
        lambda seed: rounded(np.random.default_rng(seed).standard_normal(EMBEDDING))
    )


def any_labels() -> st.SearchStrategy[TaughtLabels]:
    clips = st.lists(
        st.builds(TaughtClip, st.text(max_size=30).map(teach.clean_name), embeddings()),
        min_size=1,
        max_size=4,
        unique_by=lambda clip: clip.embedding,
    )
    names = st.text(min_size=1, max_size=12).map(teach._printable).filter(bool)
    return (
        st.dictionaries(names, clips.map(tuple), max_size=4)
        .filter(lambda labels: len({label.casefold() for label in labels}) == len(labels))
        .map(TaughtLabels)
    )


@settings(max_examples=40, deadline=None)
@given(labels=any_labels().filter(lambda labels: labels.clips))
def test_a_file_brings_the_labels_back_exactly(labels: TaughtLabels) -> None:
    restored = teach_file.from_json(teach_file.to_json(labels, EAR), EAR)
    assert restored == labels
    assert list(restored.clips) == list(labels.clips)


def test_the_largest_file_can_be_loaded_again() -> None:
    clips = {
        f"{i:0{teach.MAX_LABEL_LENGTH}}": tuple(
            TaughtClip("ü" * teach.MAX_NAME_LENGTH, point(i, teach.MAX_CLIPS * i + j, 1.0))
            for j in range(teach.MAX_CLIPS)
        )
        for i in range(teach.MAX_LABELS)
    }
    content = teach_file.to_json(TaughtLabels(clips), EAR)
    assert len(content) < teach_file.MAX_FILE_BYTES
    assert teach_file.from_json(content, EAR) == TaughtLabels(clips)


def changed(**changes: Any) -> bytes:
    return json.dumps(json.loads(teach_file.to_json(taught(dogs=1), EAR)) | changes).encode()


def clip(**changes: Any) -> bytes:
    return changed(labels=[{"label": "a", "clips": [{"name": "a", "embedding": point(0, 1)} | changes]}])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", teach_file.FOREIGN),
        (b"\x00\xff", teach_file.FOREIGN),
        (b"[]", teach_file.FOREIGN),
        (b'"text"', teach_file.FOREIGN),
        (b"[" * 100_000, teach_file.FOREIGN),
        (b" " * (teach_file.MAX_FILE_BYTES + 1), teach_file.FOREIGN),
        (teach_file.to_json(taught(dogs=1), EAR)[:-3], teach_file.FOREIGN),
        (b'{"format": NaN}', teach_file.FOREIGN),
        (changed(format="x"), teach_file.FOREIGN),
        (changed(version=2), teach_file.OTHER_VERSION),
        (changed(version=[1]), teach_file.OTHER_VERSION),
        (changed(ear="musicnn-of-others"), teach_file.OTHER_EAR),
        (changed(ear=None), teach_file.OTHER_EAR),
        (changed(labels=None), teach_file.DAMAGED),
        (changed(labels=[]), teach_file.DAMAGED),
        (changed(labels=["a"]), teach_file.DAMAGED),
        (changed(labels=[{"label": "a", "clips": []}]), teach_file.DAMAGED),
        (changed(labels=[{"label": "a"}]), teach_file.DAMAGED),
        (changed(labels=[{"label": 7, "clips": [{}]}]), teach_file.DAMAGED),
        (
            changed(labels=[{"label": "", "clips": [{"name": "a", "embedding": point(0, 1)}]}]),
            teach_file.DAMAGED,
        ),
        (changed(labels=[{"label": "a", "clips": [{}]}] * 21), teach_file.DAMAGED),
        (changed(labels=[{"label": "a", "clips": [{}] * 51}]), teach_file.DAMAGED),
        (clip(name=None), teach_file.DAMAGED),
        (clip(embedding=[]), teach_file.DAMAGED),
        (clip(embedding=[0.0] * EMBEDDING), teach_file.DAMAGED),
        (clip(embedding=["0.1"] * EMBEDDING), teach_file.DAMAGED),
        (clip(embedding=[True] + [0] * (EMBEDDING - 1)), teach_file.DAMAGED),
        (clip(embedding=[10**400] + [0] * (EMBEDDING - 1)), teach_file.DAMAGED),
        (clip(embedding=[[1.0]] * EMBEDDING), teach_file.DAMAGED),
        (clip(embedding="x" * EMBEDDING), teach_file.DAMAGED),
        (clip().replace(b"0.9", b"1e999", 1), teach_file.DAMAGED),
    ],
)
def test_any_other_file_is_refused_in_one_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(TeachError) as refusal:
        teach_file.from_json(content, EAR)
    assert str(refusal.value) == sentence


@settings(max_examples=40, deadline=None)
@given(
    content=st.binary(max_size=300)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    ).map(lambda value: changed(labels=value))
)
def test_no_file_breaks_it(content: bytes) -> None:
    with pytest.raises(TeachError):
        teach_file.from_json(content, EAR)


def test_a_label_of_a_file_cannot_be_more_than_text() -> None:
    content = changed(
        labels=[{"label": "a\u202e\ud800\nb", "clips": [{"name": "\x00", "embedding": point(0, 1)}]}]
    )
    assert teach_file.from_json(content, EAR).clips["a b"][0].name == "a clip"


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
