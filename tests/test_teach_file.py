"""Taught labels as a file: what it brings back, and what it may hold."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_models import teach, teach_file
from genre_models.musicnn import EMBEDDING
from genre_models.teach import Embedding, TaughtClip, TaughtLabels, TeachError
from tests.labels import point, rounded, taught

EAR = "musicnn-0123456789abcdef"


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
