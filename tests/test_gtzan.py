"""The index of a data folder, its splits, and the cache of its MFCCs."""

import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from genre_models import audio
from genre_models.classifiers import GENRES
from genre_models.decoding import pool
from genre_models.decoding.container import HEAVY
from genre_models.training import dataset as dataset_module
from genre_models.training.dataset import Dataset, cache_file, extract_all, load_dataset, on_all_cores
from genre_models.training.files import DataError
from genre_models.training.folds import SPLITS, Split, inner_folds, outer_folds, published_split
from genre_models.training.gtzan import PUBLISHED, Recording, describe, index, is_full_set
from tests.clips import gtzan_dir
from tests.hostile_bytes import tagged_flac
from tests.sounds import prepare, write_dataset


def layout(folder: Path, *parents: str, suffix: str = ".wav") -> Path:
    for genre in ("blues", "rock"):
        for i in range(2):
            path = folder.joinpath(*parents, genre, f"{genre}.{i:05}{suffix}")
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, np.zeros(22_050), 22_050, format="WAV")
    return folder


@pytest.mark.parametrize("parents", [(), ("genres_original",), ("genres",)])
@pytest.mark.parametrize("suffix", [".wav", ".au", ".flac", ".MP3"])
def test_common_layouts(tmp_path: Path, parents: tuple[str, ...], suffix: str) -> None:
    recordings = index(layout(tmp_path, *parents, suffix=suffix))
    assert [recording.track for recording in recordings] == [
        "blues.00000",
        "blues.00001",
        "rock.00000",
        "rock.00001",
    ]
    assert {recording.kind for recording in recordings} == {"clip"}
    assert recordings[0].group == "track blues.00000"


def test_artists_are_read_where_they_are_known(tmp_path: Path) -> None:
    layout(tmp_path)
    (tmp_path / "artists.tsv").write_text("track\tartist\nblues.00000\t7\n", encoding="utf-8")
    artists = {recording.track: recording.artist for recording in index(tmp_path)}
    assert artists["blues.00000"] == "7"
    assert artists["rock.00000"] is None


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: folder / "missing", "There is no folder"),
        (lambda folder: folder, "holds no recordings"),
        (lambda folder: shutil.copytree(layout(folder) / "rock", folder / "polka").parent, "'polka' is not"),
    ],
)
def test_a_folder_that_cannot_be_used_is_named(
    tmp_path: Path, make: Callable[[Path], Path], sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        index(make(tmp_path))


def test_the_real_folder() -> None:
    assert describe(index(gtzan_dir())) == {"clips": 199, "excerpts": 390, "tracks": 469, "artists": 212}


def test_published_lists() -> None:
    assert Counter(PUBLISHED.values()) == {"train": 443, "valid": 197, "test": 290}


def mfcc_free(recordings: list[Recording]) -> Dataset:
    """A data set without sound, to split: five segments a clip, one an excerpt."""
    lengths = [5 if recording.kind == "clip" else 1 for recording in recordings]
    owner = np.repeat(np.arange(len(recordings)), lengths)
    nothing = torch.zeros(len(owner), 0)
    return Dataset(
        recordings=recordings,
        mfccs={"clean": nothing},
        heard={"clean": nothing},
        mended={"clean": nothing},
        tags=nothing,
        embedding=nothing,
        variants=nothing,
        heard_variants=nothing,
        recording=owner,
        following=owner,
        unlabelled_mfccs=nothing,
        unlabelled_embedding=nothing,
    )


def full_set() -> list[Recording]:
    names = [(genre, f"{genre}.{i:05}") for genre in GENRES for i in range(100)]
    return [Recording(Path(name), name, genre, None, "clip") for genre, name in names]


def test_the_published_split_needs_and_uses_the_full_set() -> None:
    recordings = full_set()
    assert is_full_set(recordings)
    split = published_split(mfcc_free(recordings))
    assert {name: len(part) for name, part in split.items()} == {"train": 443, "valid": 197, "test": 290}
    with pytest.raises(DataError, match="whole of GTZAN"):
        published_split(mfcc_free(recordings[:500]))


@pytest.fixture(scope="module")
def real_index() -> Dataset:
    return mfcc_free(index(gtzan_dir()))


def groups(dataset: Dataset, segments: np.ndarray, what: str) -> set[str | None]:
    return {getattr(dataset.recordings[i], what) for i in dataset.recording[segments]}


@pytest.mark.parametrize("shuffle", [0, 1, 2])
def test_no_artist_and_no_track_on_both_sides(real_index: Dataset, shuffle: int) -> None:
    cases: list[tuple[Split, str]] = [("artist", "artist"), ("artist", "track"), ("track", "track")]
    for split, what in cases:
        for fold in outer_folds(real_index, split, shuffle):
            assert not groups(real_index, fold.train, what) & groups(real_index, fold.test, what)
            for inner in inner_folds(real_index, fold.train):
                assert not groups(real_index, inner.train, "artist") & groups(
                    real_index, inner.test, "artist"
                )
                assert not set(inner.train) & set(fold.test)
                assert not set(inner.test) & set(fold.test)


@pytest.mark.parametrize("split", SPLITS)
def test_folds_cover_every_segment_once(real_index: Dataset, split: Split) -> None:
    tested = np.concatenate([fold.test for fold in outer_folds(real_index, split, 1)])
    np.testing.assert_array_equal(np.sort(tested), np.arange(len(real_index.recording)))


def test_every_track_is_tested_once_by_its_clip_if_it_has_one(real_index: Dataset) -> None:
    tested = [real_index.recordings[i] for i in real_index.tested]
    assert len({recording.track for recording in tested}) == len(tested) == 469
    clips = {recording.track for recording in real_index.recordings if recording.kind == "clip"}
    assert all(recording.kind == "clip" for recording in tested if recording.track in clips)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_dataset(tmp_path_factory.mktemp("data"), artists=2)
    for path in folder.rglob("*.flac"):
        if path.parent.name not in ("blues", "rock"):
            path.unlink()
    return folder


def test_extraction_skips_and_names_what_is_broken(small: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path / "data")
    broken = tmp_path / "data" / "clips" / "blues" / "blues.00054.flac"
    broken.write_bytes(b"fLaC but not really")
    dataset, skipped = prepare(index(tmp_path / "data"), tmp_path / "cache")
    assert [recording.path.name for recording in skipped] == ["blues.00054.flac"]
    assert len(dataset.recordings) == 4
    assert dataset.mfccs["clean"].shape == dataset.mfccs["mp3"].shape == (6, 130, 13)
    assert dataset.variants.shape == (6, dataset_module.N_VARIANTS, 130, 13)


def test_a_file_that_ends_a_process_is_named_and_the_rest_is_extracted(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(small, tmp_path / "data")
    greedy = tmp_path / "data" / "clips" / "blues" / "blues.00054.flac"
    tagged_flac(greedy)
    monkeypatch.setattr(pool, "MAX_CPU_S", 1)
    broken = extract_all(index(tmp_path / "data"), tmp_path / "cache")
    assert {recording.path: said for recording, said in broken.items()} == {greedy: HEAVY}


def test_processes_of_a_pool_decode_as_readers_do(small: Path) -> None:
    files = [str(recording.path) for recording in index(small)]
    here = on_all_cores(decoded_and_by_whom, files, "files", "file")
    for file, (waveform, has_readers) in zip(files, here, strict=True):
        assert not has_readers
        np.testing.assert_array_equal(waveform, audio.load(file))


def decoded_and_by_whom(file: str) -> tuple[np.ndarray, bool]:
    """The waveform, and whether this process has readers."""
    return audio.load(file).numpy(), any(pool._idle.queue)


def test_a_copy_with_another_date_is_the_same_recording(small: Path, tmp_path: Path) -> None:
    copied = tmp_path / "elsewhere"
    shutil.copytree(small, copied)
    one, other, *_ = index(small)
    again = index(copied)[0]
    os.utime(again.path, (0, 0))
    assert cache_file(again, tmp_path) == cache_file(one, tmp_path)
    again.path.write_bytes(other.path.read_bytes())
    assert cache_file(again, tmp_path) != cache_file(one, tmp_path)


def test_cache_is_used_survives_and_knows_its_parameters(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings = index(small)
    assert extract_all(recordings, tmp_path) == {}
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    lost = cache_file(recordings[0], tmp_path)
    lost.unlink()
    lost.with_suffix(".123.part").write_bytes(b"left by an interruption")
    before = load_dataset(recordings[1:], tmp_path)
    extract_all(recordings, tmp_path)
    again = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    assert files.keys() == again.keys()
    assert all(files[path] == again[path] for path in files if path != lost)
    n = len(load_dataset(recordings, tmp_path).recording) - len(before.recording)
    torch.testing.assert_close(
        load_dataset(recordings, tmp_path).variants[n:], before.variants, atol=0, rtol=0
    )

    monkeypatch.setitem(dataset_module.PARAMETERS, "hop_length", 512)
    assert not any(cache_file(recording, tmp_path).is_file() for recording in recordings)


def test_a_changed_file_is_extracted_again(small: Path, tmp_path: Path) -> None:
    recording = index(small)[0]
    copy = tmp_path / recording.path.name
    shutil.copy(recording.path, copy)
    moved = replace(recording, path=copy)
    first = cache_file(moved, tmp_path)
    soundfile.write(copy, np.zeros(22_050 * 6), 22_050)
    assert cache_file(moved, tmp_path) != first


def test_following_segments_stay_within_the_recording(small: Path, tmp_path: Path) -> None:
    dataset, _ = prepare(index(small), tmp_path)
    np.testing.assert_array_equal(dataset.recording[dataset.following], dataset.recording)
    assert (np.diff(dataset.following[dataset.recording == 0]) >= 0).all()
