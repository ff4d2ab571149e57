"""Occlusion of MusiCNN: cell by cell, with word on how far it is."""

from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from genre_models.classifiers import MusiCNNClassifier
from genre_models.inside.clip import InsideClip, open_clip
from genre_models.inside.denoised import denoised
from genre_models.inside.occlusion_musicnn import BANDS, heard_without, occlude_mel
from genre_models.musicnn import N_MELS, PATCH_FRAMES, POOLED, Heard, MusiCNN
from genre_models.paths import BUNDLED_WEIGHTS
from genre_models.ui.examples import EXAMPLES

SEGMENT = 1


class Thermometer(nn.Module):
    """An ear that hears nothing but the mean of 12 mels over 40 frames; keeps what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[Tensor] = []

    def patches_of(self, waveforms: Tensor) -> Tensor:
        return MusiCNN().patches_of(waveforms)

    def forward(self, patches: Tensor, distant: Tensor) -> Heard:
        assert distant.shape == (len(patches),)
        self.given.append(patches)
        pooled = torch.zeros(len(patches), POOLED)
        pooled[:, 0] = patches[:, 100:120, 36:48].mean(dim=(1, 2))
        return Heard(torch.empty(0), torch.empty(0), torch.empty(0), torch.empty(0), pooled)


def deaf_but_for_a_corner() -> MusiCNNClassifier:
    model = MusiCNNClassifier().eval()
    model.ear = cast(MusiCNN, Thermometer())
    for head in model.heads.near.values():
        weight = cast(nn.Linear, head).weight.data.zero_()
        weight[model.genres.index("jazz"), 0] = 1.0
    return model


@pytest.fixture(scope="module")
def clip() -> InsideClip:
    return open_clip(EXAMPLES / "west.ogg")


@pytest.fixture(scope="module")
def model() -> MusiCNNClassifier:
    return MusiCNNClassifier.from_pretrained(BUNDLED_WEIGHTS / "musicnn").eval().requires_grad_(False)


def test_nothing_silenced_changes_nothing(model: MusiCNNClassifier, clip: InsideClip) -> None:
    first = next(occlude_mel(model, clip, SEGMENT, "jazz"))
    ordinary = model.probabilities(model(clip.at_16_khz(SEGMENT)))[0]
    assert first.probability == pytest.approx(ordinary[model.genres.index("jazz")].item(), abs=1e-6)
    assert first.done == 0
    assert np.isnan(first.change).all()


def test_a_silenced_cell_holds_what_digital_silence_gives() -> None:
    assert (MusiCNN().patches_of(torch.zeros(1, 96_000)) == 0).all()


def test_a_cell_is_what_the_whole_network_says_of_the_rest(
    model: MusiCNNClassifier, clip: InsideClip
) -> None:
    steps = occlude_mel(model, clip, SEGMENT, "jazz")
    before, after = next(steps), next(steps)
    patches = model.ear.patches_of(clip.at_16_khz(SEGMENT))[0]
    patches[0, :31, 24:36] = 0
    pooled = model.ear(patches).pooled.mean(dim=0, keepdim=True)
    expected = model.probabilities(model.heads(pooled, torch.zeros(1)))[0, model.genres.index("jazz")].item()
    assert after.change[2, 0] == pytest.approx(expected - before.probability, abs=1e-5)
    assert np.isfinite(after.change[:, 0]).all()
    assert np.isnan(after.change[:, 1:]).all()


def test_the_cells_that_matter_are_found_and_progress_is_told(clip: InsideClip) -> None:
    model = deaf_but_for_a_corner()
    steps = list(occlude_mel(model, clip, SEGMENT, "jazz"))
    assert [step.done for step in steps] == list(range(0, 97, 8))
    assert {step.total for step in steps} == {96}
    assert [np.isfinite(step.change).sum() for step in steps] == [step.done for step in steps]
    change = steps[-1].change
    # mels 36 to 47 are band 3; frames 100 to 119 lie in the fourth cell of each patch (94 to 124)
    assert np.argwhere(np.abs(change) > 1e-7).tolist() == [[3, 3], [3, 9]]
    assert (change[3, [3, 9]] < 0).all()


def test_what_is_heard_is_shown_beside_what_was_recorded(model: MusiCNNClassifier, clip: InsideClip) -> None:
    found = denoised(model, clip, SEGMENT)
    assert found.recorded.shape == found.heard.shape == (N_MELS, 2 * PATCH_FRAMES)
    heard = torch.from_numpy(found.heard).T.unflatten(0, (2, PATCH_FRAMES))
    torch.testing.assert_close(heard, model.ear.patches_of(clip.at_16_khz(SEGMENT))[0])
    assert not np.allclose(found.recorded, found.heard, atol=1e-3)
    assert found.start_s == clip.starts_s[SEGMENT]
    assert (np.diff(found.frequencies_hz) > 0).all()
    assert 0 < found.frequencies_hz[0] < found.frequencies_hz[-1] < 8_000


def test_every_part_of_the_spectrogram_is_silenced_once() -> None:
    model = deaf_but_for_a_corner()
    patches = torch.ones(2, PATCH_FRAMES, N_MELS)
    for time in range(12):
        pooled = heard_without(model, patches, torch.zeros(2, POOLED), torch.tensor([True]), time)
        assert pooled.shape == (BANDS, 2, POOLED)
    given = torch.stack(cast(Thermometer, model.ear).given)  # (12, 8, 187, 96)
    for patch in (given[:6], given[6:]):
        assert ((patch == 0).sum(dim=(0, 1)) == 1).all()


def test_edges_are_seconds_of_the_clip_and_hertz(clip: InsideClip) -> None:
    first = next(occlude_mel(deaf_but_for_a_corner(), clip, SEGMENT, "jazz"))
    assert first.time_edges_s.shape == (13,)
    assert first.time_edges_s[[0, 6, 12]] == pytest.approx([6, 8.992, 11.984])
    assert np.diff(first.time_edges_s) == pytest.approx(0.5, abs=0.02)
    assert first.frequency_edges_hz.shape == (9,)
    assert (np.diff(first.frequency_edges_hz) > 0).all()
    assert 0 < first.frequency_edges_hz[0] < first.frequency_edges_hz[-1] < 8_000


def test_an_unknown_genre_is_an_error(clip: InsideClip) -> None:
    with pytest.raises(ValueError):
        next(occlude_mel(deaf_but_for_a_corner(), clip, SEGMENT, "polka"))
