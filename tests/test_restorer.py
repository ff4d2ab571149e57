"""The restorer: only distant recordings are restored, and it learns to undo what a room or telephone did."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from genre_models import audio
from genre_models.classifiers import MusiCNNClassifier
from genre_models.denoiser import MENDED
from genre_models.hub import bundled_ear
from genre_models.inside.clip import open_clip
from genre_models.inside.occlusion_musicnn import occlude_mel
from genre_models.musicnn import FRONT_CHANNELS, POOLED, MusiCNN
from genre_models.paths import BUNDLED_WEIGHTS
from genre_models.restorer import Restorer
from genre_models.teach import fingerprint
from genre_models.training import restoring
from genre_models.training.augment import generator
from genre_models.training.dataset import Dataset, at_16_khz, exactly, load_dataset
from genre_models.training.degrading import DRAWS, all_at_once
from genre_models.training.files import DataError
from genre_models.training.fronts import DRAWN_NAMES, PATCHES, Examples, Fronts, fronts
from genre_models.training.gtzan import index
from genre_models.training.head import fit_head
from genre_models.training.recording_conditions import CLEAN, CONDITIONS
from genre_models.training.restoring import CLEAN_HEAD, Aim, Plan, restored, train
from genre_models.ui.examples import EXAMPLES

QUICK = Plan(passes=1, batch_size=16)
SIDE = np.arange(5)
"""Recordings that are learned from, of the ten in the data set."""


@pytest.fixture(scope="module")
def ear() -> MusiCNN:
    return bundled_ear()


@pytest.fixture(scope="module")
def near_and_far() -> torch.Tensor:
    """Two segments at 16 kHz: a good recording, and the same as a microphone far off heard it."""
    waveform = audio.load(EXAMPLES / "west.ogg")[: audio.SEGMENT_SAMPLES]
    return at_16_khz(torch.stack([waveform, all_at_once(waveform, generator("far"))]))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def dataset(tiny_data: Path, tiny_cache: Path) -> Dataset:
    """Ten recordings of several genres."""
    return load_dataset(index(tiny_data)[::4], tiny_cache)


@pytest.fixture(scope="module")
def heard(dataset: Dataset, cache: Path) -> Fronts:
    return fronts(dataset, cache)


@pytest.fixture(scope="module")
def side(dataset: Dataset) -> np.ndarray:
    return dataset.segments_of(SIDE)


def test_an_untrained_restorer_changes_nothing(ear: MusiCNN, near_and_far: torch.Tensor) -> None:
    front = torch.randn(2, 30, FRONT_CHANNELS)
    torch.testing.assert_close(Restorer(FRONT_CHANNELS).restored(front), front)
    torch.testing.assert_close(ear.new_restorer()(front), ear.middle(front))
    assert ear.denoiser is not None
    begun = ear.behind(ear.denoiser, ear.new_restorer()).listen(near_and_far)
    torch.testing.assert_close(begun.restored, begun.pooled, atol=1e-4, rtol=1e-4)


def test_only_distant_recordings_are_restored(ear: MusiCNN, near_and_far: torch.Tensor) -> None:
    found = ear.listen(near_and_far)
    assert (found.mended > MENDED).tolist() == [False, True]
    assert torch.equal(found.restored[0], found.pooled[0])
    assert not torch.allclose(found.restored[1], found.pooled[1], atol=0.1)
    alone = [ear.listen(one[None]).restored[0] for one in near_and_far]
    torch.testing.assert_close(found.restored, torch.stack(alone), atol=1e-4, rtol=1e-4)


def test_tags_and_embedding_are_those_of_the_ear_without_it(ear: MusiCNN, near_and_far: torch.Tensor) -> None:
    with_one, without = ear.listen(near_and_far), ear.unrestored().listen(near_and_far)
    assert torch.equal(with_one.tags, without.tags)
    assert torch.equal(with_one.embedding, without.embedding)
    assert torch.equal(with_one.pooled, without.pooled)
    assert torch.equal(without.restored, without.pooled)
    assert fingerprint(ear) == fingerprint(ear.unrestored())  # so that labels taught before can still be used


@pytest.mark.parametrize("example", ["morning", "sunflower-slow-drag"])
def test_the_bundled_one_brings_a_bad_recording_nearer_to_the_good_one(ear: MusiCNN, example: str) -> None:
    waveform = audio.load(EXAMPLES / f"{example}.ogg")[10 * audio.SAMPLE_RATE : 16 * audio.SAMPLE_RATE]
    wanted = ear.as_published().listen(at_16_khz(waveform[None])).pooled
    for seed in ("one", "two"):
        found = ear.listen(at_16_khz(all_at_once(waveform, generator(seed))[None]))
        before, after = (float((one - wanted).square().mean()) for one in (found.pooled, found.restored))
        assert after < before


def test_a_cell_of_a_distant_recording_is_judged_as_the_verdict_judges_it(
    near_and_far: torch.Tensor, tmp_path: Path
) -> None:
    far = tmp_path / "far.wav"
    soundfile.write(far, near_and_far[1].numpy(), 16_000)
    model = MusiCNNClassifier.from_pretrained(BUNDLED_WEIGHTS / "musicnn").eval()
    clip = open_clip(far)
    steps = occlude_mel(model, clip, 0, "jazz")
    first, second = next(steps), next(steps)
    waveform = clip.at_16_khz(0)
    jazz = model.genres.index("jazz")
    assert first.probability == pytest.approx(model.probabilities(model(waveform))[0, jazz].item(), abs=1e-6)
    patches = model.ear.patches_of(waveform)[0]
    patches[0, :31, :12] = 0
    pooled = model.ear(patches, torch.tensor([True, True])).restored.mean(dim=0, keepdim=True)
    expected = model.probabilities(model.heads.distant(pooled))[0, jazz].item()
    assert second.change[0, 0] == pytest.approx(expected - first.probability, abs=1e-5)


def test_its_kernels_are_kept_in_eight_bits(tmp_path: Path) -> None:
    model = MusiCNNClassifier()
    for weights in model.ear.restorer.parameters() if model.ear.restorer else ():
        torch.nn.init.normal_(weights, std=0.02, generator=torch.Generator().manual_seed(0))
    model.save_pretrained(tmp_path)
    once = MusiCNNClassifier.from_pretrained(tmp_path)
    once.save_pretrained(tmp_path / "again")
    twice = MusiCNNClassifier.from_pretrained(tmp_path / "again")
    for (name, mine), kept, again in zip(
        model.state_dict().items(), once.state_dict().values(), twice.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(kept, again)
        if mine.dim() != 3 or not name.startswith("ear.restorer."):
            assert torch.equal(mine, kept)
        else:
            largest = mine.abs().amax(dim=(1, 2), keepdim=True)
            assert ((mine - kept).abs() <= 0.51 / 127 * largest).all()
            assert not torch.equal(mine, kept)


def test_examples_are_pairs_of_the_same_music(dataset: Dataset, heard: Fronts, side: np.ndarray) -> None:
    examples = Examples(heard, SIDE)
    n_distant = sum(int((dataset.mended[name][side] > MENDED).sum()) for name in (CLEAN, *CONDITIONS))
    assert n_distant > len(side)
    assert len(examples) == n_distant + len(side) * len(DRAWS)
    bad, good = examples[np.arange(len(examples))]
    assert bad.shape == good.shape == (len(examples), PATCHES, 187, FRONT_CHANNELS)
    apart = good.roll(1, dims=0)
    assert (bad - good).abs().mean() < 0.8 * (bad - apart).abs().mean()


def test_training_brings_bad_recordings_nearer_to_good_ones(
    ear: MusiCNN, dataset: Dataset, heard: Fronts, side: np.ndarray
) -> None:
    """Also those of tracks that were not learned from."""
    head = fit_head(dataset, side, CLEAN_HEAD)
    learned = train(Examples(heard, SIDE), ear, head, Plan(passes=3, batch_size=8, warm_up=4))
    others = Examples(heard, np.arange(5, 10))
    bad, good = (part.flatten(0, 1) for part in others[np.arange(0, len(others), 2)])
    aim = Aim(ear, good, head)
    with torch.no_grad():
        before, after = (float(aim.loss(one, bad, good)) for one in (ear.new_restorer(), learned))
    assert after < 0.8 * before
    for values, kept in zip(learned.parameters(), copy.deepcopy(learned).round().parameters(), strict=True):
        torch.testing.assert_close(values, kept)
    mine, published = learned.middle.state_dict(), ear.middle.state_dict()
    for name, values in published.items():
        assert torch.equal(mine[name], values) == ("norm" in name)


def test_a_restorer_knows_only_the_recordings_of_its_side(
    ear: MusiCNN, dataset: Dataset, heard: Fronts, side: np.ndarray
) -> None:
    head = fit_head(dataset, side, CLEAN_HEAD)
    others_lost = Fronts([*heard.files[:5], *[Path("nowhere")] * 5], heard.rows)
    one, other = (
        train(Examples(each, SIDE), ear, copy.deepcopy(head), QUICK) for each in (heard, others_lost)
    )
    for name, values in one.state_dict().items():
        assert torch.equal(values, other.state_dict()[name])


def test_a_finished_restorer_is_kept(
    dataset: Dataset, side: np.ndarray, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "PLAN", QUICK)
    sides = [side, dataset.segments_of(np.arange(2, 8))]
    first = restored(dataset, sides, 2, cache)
    kept = {file: file.stat().st_mtime_ns for file in cache.rglob("restorers/*")}
    assert len(kept) == 2
    again = restored(dataset, sides, 2, cache)
    assert {file: file.stat().st_mtime_ns for file in cache.rglob("restorers/*")} == kept
    for one, other in zip(first, again, strict=True):
        for name in (CLEAN, *CONDITIONS):
            assert torch.equal(one.heard[name], other.heard[name])
            distant = dataset.mended[name] > MENDED
            assert one.heard[name].shape == (len(dataset.recording), POOLED)
            assert torch.equal(one.heard[name][~distant], dataset.heard[name][~distant])
    outside = np.setdiff1d(np.arange(len(dataset.recording)), side)
    for name in DRAWN_NAMES:
        assert first[0].heard[name][side].isfinite().all()
        assert first[0].heard[name][outside].isnan().all()
    hard = dataset.mended["hard"] > MENDED
    assert hard.any()
    assert not torch.allclose(first[0].heard["hard"][hard], first[1].heard["hard"][hard], atol=1e-3)


def test_what_a_side_heard_is_what_the_app_hears_with_its_restorer(
    ear: MusiCNN, dataset: Dataset, side: np.ndarray, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "PLAN", QUICK)
    (own,) = restored(dataset, [side], 1, cache)
    assert ear.denoiser is not None
    app = ear.behind(ear.denoiser, own.restorer)
    for i, one in enumerate(dataset.recordings[:2]):
        segments = dataset.segments_of(np.array([i]))
        waveform = CONDITIONS["hard"].apply(audio.load(one.path), generator(f"{one.track} {one.kind} hard"))
        found = app.listen(at_16_khz(exactly(waveform, len(segments))))
        assert (found.mended > MENDED).all()
        error = (found.restored - own.heard["hard"][segments]).abs()
        assert error.mean() < 0.02 * found.restored.std()


def test_a_recording_that_cannot_be_read_any_more_is_named(
    tiny_data: Path, tiny_cache: Path, tmp_path: Path
) -> None:
    dataset = load_dataset(index(tiny_data)[:1], tiny_cache)
    lost = tmp_path / "lost.wav"
    lost.write_text("These are words.")
    recordings = [replace(dataset.recordings[0], path=lost)]
    with pytest.raises(DataError, match=r"lost\.wav"):
        fronts(replace(dataset, recordings=recordings), tmp_path / "cache")
