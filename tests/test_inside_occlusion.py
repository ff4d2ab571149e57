"""Occlusion: nothing changes nothing, everything leaves an empty input, and what matters is found."""

import dataclasses
from typing import cast

import numpy as np
import pytest
import torch
from torch import nn

from genre_models.classifiers import MLP, NETWORKS, MFCCClassifier
from genre_models.features import N_FRAMES, N_MFCC
from genre_models.inside.clip import InsideClip, open_clip
from genre_models.inside.occlusion import (
    WINDOW_FRAMES,
    WINDOW_S,
    coefficient_masks,
    occlude,
    probabilities_without,
    window_masks,
)
from genre_models.paths import BUNDLED_WEIGHTS
from genre_models.ui.examples import EXAMPLES

NOTHING = torch.zeros(1, N_FRAMES, N_MFCC).bool()


@pytest.fixture(scope="module")
def clip() -> InsideClip:
    return open_clip(EXAMPLES / "west.ogg")


@pytest.fixture(scope="module", params=NETWORKS)
def model(request: pytest.FixtureRequest) -> MFCCClassifier:
    return (
        NETWORKS[request.param].from_pretrained(BUNDLED_WEIGHTS / request.param).eval().requires_grad_(False)
    )


def test_occluding_nothing_changes_nothing(model: MFCCClassifier, clip: InsideClip) -> None:
    answers = probabilities_without(model, clip.mfccs, NOTHING)[:, 0]
    expected = model.probabilities(model(clip.mfccs))
    torch.testing.assert_close(answers, expected, atol=0, rtol=0)


def test_occluding_all_gives_the_answer_to_an_empty_input(model: MFCCClassifier, clip: InsideClip) -> None:
    empty = model.probabilities(model.answer(torch.zeros(1, N_FRAMES, N_MFCC)))[0]
    other = open_clip(EXAMPLES / "chaos-god.ogg")
    for segment in (clip.mfccs[:1], clip.mfccs[1:2], other.mfccs[:1]):
        answers = probabilities_without(model, segment, ~NOTHING)[0, 0]
        torch.testing.assert_close(answers, empty, atol=0, rtol=0)


def test_changes_are_those_of_one_occlusion_after_the_other(model: MFCCClassifier, clip: InsideClip) -> None:
    genre = "jazz"
    occlusion = occlude(model, clip, genre, [1])
    standardised = model.standardise(clip.mfccs[[1]])

    def change(occluded: torch.Tensor) -> float:
        both = model.answer(torch.cat([standardised, occluded]))
        before, after = model.probabilities(both)[:, model.genres.index(genre)].tolist()
        return float(after - before)

    for window in (0, 11, 24):
        occluded = standardised.clone()
        occluded[:, 5 * window : 5 * window + 10] = 0
        assert occlusion.by_time[0, window] == pytest.approx(change(occluded), abs=1e-5)
    for coefficient in (0, 12):
        occluded = standardised.clone()
        occluded[:, :, coefficient] = 0
        assert occlusion.by_coefficient[0, coefficient] == pytest.approx(change(occluded), abs=1e-5)


def test_the_level_of_the_recording_changes_no_change(model: MFCCClassifier, clip: InsideClip) -> None:
    louder = clip.mfccs.clone()
    louder[:, :, 0] += 100  # 8.8 dB
    here, there = (
        occlude(model, dataclasses.replace(clip, mfccs=mfccs), "pop", [0]) for mfccs in (clip.mfccs, louder)
    )
    np.testing.assert_allclose(here.by_time, there.by_time, atol=1e-4)
    np.testing.assert_allclose(here.by_coefficient, there.by_coefficient, atol=1e-4)


def test_segments_are_asked_by_themselves(clip: InsideClip) -> None:
    model = MLP.from_pretrained(BUNDLED_WEIGHTS / "mlp").eval()
    two, *alone = (occlude(model, clip, "metal", segments) for segments in ([3, 1], [3], [1]))
    for name in ("times_s", "by_time", "by_coefficient"):
        expected = np.concatenate([getattr(one, name) for one in alone])
        np.testing.assert_allclose(getattr(two, name), expected, atol=1e-6)


def test_a_network_that_hears_one_moment_of_one_coefficient_is_found_out(clip: InsideClip) -> None:
    model = MLP().eval()
    weight = cast(nn.Linear, model.layers[1]).weight.data.view(512, N_FRAMES, N_MFCC)
    heard = weight[:, 62:64, 7].clone()
    weight.zero_()
    weight[:, 62:64, 7] = 10 * heard
    occlusion = occlude(model, clip, "disco", [0])
    # frames 62 and 63 lie in the windows that begin at 55 and at 60
    assert np.flatnonzero(np.abs(occlusion.by_time[0]) > 1e-6).tolist() == [11, 12]
    assert np.flatnonzero(np.abs(occlusion.by_coefficient[0]) > 1e-6).tolist() == [7]


def test_windows_cover_every_frame_and_stand_at_their_middle(clip: InsideClip) -> None:
    windows = window_masks()
    assert windows.any(dim=0).all()
    assert (windows.any(dim=2).sum(dim=1) == WINDOW_FRAMES).all()
    occlusion = occlude(MLP().eval(), clip, "rock", [2])
    assert occlusion.by_time.shape == occlusion.times_s.shape == (1, len(windows))
    times_s = clip.frame_times_s(2)
    for mask, time_s in zip(windows, occlusion.times_s[0], strict=True):
        assert time_s == pytest.approx(times_s[mask[:, 0].numpy()].mean())
    assert pytest.approx(0.464, abs=0.001) == WINDOW_S


def test_each_coefficient_is_occluded_throughout() -> None:
    masks = coefficient_masks()
    assert masks.shape == (N_MFCC, N_FRAMES, N_MFCC)
    assert (masks.sum(dim=0) == 1).all()
    assert (masks.sum(dim=(1, 2)) == N_FRAMES).all()


def test_an_unknown_genre_is_an_error(clip: InsideClip) -> None:
    with pytest.raises(ValueError):
        occlude(MLP().eval(), clip, "polka", [0])
