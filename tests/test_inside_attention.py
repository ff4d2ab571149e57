"""The Transformer's attention in one segment, plain and weighted by what it carries."""

import dataclasses
from typing import cast

import numpy as np
import pytest
import torch

from genre_models.attention import EncoderLayer, MultiHeadAttention
from genre_models.classifiers import TransformerClassifier
from genre_models.inside.attention import SegmentAttention, attend
from genre_models.inside.clip import InsideClip, open_clip
from genre_models.paths import BUNDLED_WEIGHTS
from genre_models.ui.examples import EXAMPLES

SEGMENT = 2


def first_attention(model: TransformerClassifier) -> MultiHeadAttention:
    return cast(EncoderLayer, model.encoder[0]).attention


@pytest.fixture(scope="module")
def model() -> TransformerClassifier:
    return TransformerClassifier.from_pretrained(BUNDLED_WEIGHTS / "transformer").eval()


@pytest.fixture(scope="module")
def clip() -> InsideClip:
    return open_clip(EXAMPLES / "west.ogg")


@pytest.mark.parametrize("weighted", [False, True])
def test_each_row_shares_out_one(model: TransformerClassifier, clip: InsideClip, weighted: bool) -> None:
    attention = attend(model, clip, SEGMENT, weighted)
    assert len(attention.layers) == len(model.encoder)
    for maps in attention.layers:
        assert maps.shape == (4, 130, 130)
        assert maps.min() >= 0
        np.testing.assert_allclose(maps.sum(axis=2), 1, atol=1e-5)


def test_plain_weights_are_those_of_the_ordinary_call(model: TransformerClassifier, clip: InsideClip) -> None:
    with torch.no_grad():
        _, expected = model(clip.mfccs, return_attention=True)
    for maps, layer in zip(attend(model, clip, SEGMENT).layers, expected, strict=True):
        np.testing.assert_allclose(maps, layer[SEGMENT].numpy(), atol=1e-6)


def test_weights_count_by_the_length_of_what_they_carry(
    model: TransformerClassifier, clip: InsideClip
) -> None:
    attention = first_attention(model)
    with torch.no_grad():
        x = model.embed(model.standardise(clip.mfccs[[SEGMENT]]))
        _, alpha = attention(x, x, True)
        values = attention.w_v(x)[0].view(130, 4, 16)
        output = attention.w_o.weight.view(64, 4, 16)
        carried = torch.stack(
            [alpha[0, h, :, :, None] * (values[:, h] @ output[:, h].T) for h in range(4)]
        )  # (heads, queries, keys, d_model)
    lengths = carried.norm(dim=-1)
    expected = lengths / lengths.sum(dim=-1, keepdim=True)
    maps, _ = attend(model, clip, SEGMENT, weighted=True).layers
    np.testing.assert_allclose(maps, expected.numpy(), atol=1e-6)


def test_what_the_keys_carry_adds_up_to_the_output() -> None:
    attention = MultiHeadAttention(12, 3, d_v=2, d_k=4).eval()
    memory = torch.randn(1, 1, 12)
    expected = attention(torch.randn(1, 1, 12), memory)[0] - attention.w_o.bias
    apart = MultiHeadAttention(12, 1, d_k=12, d_v=6).eval()
    apart.w_v, apart.w_o = attention.w_v, attention.w_o
    torch.testing.assert_close(apart.value_norms(memory)[0, 0, 0], expected.norm())
    assert attention.value_norms(memory).shape == (1, 3, 1)


def test_what_carries_nothing_counts_for_nothing(clip: InsideClip) -> None:
    torch.manual_seed(0)
    clip = dataclasses.replace(clip, mfccs=torch.randn(3, 130, 13))
    model = TransformerClassifier(layers=1).eval()
    attention = first_attention(model)
    attention.w_v.bias.data.zero_()
    first = model.embed(model.standardise(clip.mfccs))[SEGMENT, 0].detach()
    projector = torch.eye(64) - torch.outer(first, first) / first.square().sum()
    attention.w_v.weight.data = attention.w_v.weight.data @ projector  # the first frame's values are 0 now
    (plain,), (weighted,) = (attend(model, clip, SEGMENT, flag).layers for flag in (False, True))
    assert plain[:, :, 0].min() > 1e-6
    assert weighted[:, :, 0].max() < 1e-6


def test_frames_stand_at_their_seconds(model: TransformerClassifier, clip: InsideClip) -> None:
    attention = attend(model, clip, SEGMENT)
    np.testing.assert_array_equal(attention.times_s, clip.frame_times_s(SEGMENT))


def test_attention_received_is_one_on_average_and_everywhere_if_shared_evenly(
    model: TransformerClassifier, clip: InsideClip
) -> None:
    attention = attend(model, clip, SEGMENT)
    for layer, head in ((None, None), (0, None), (1, 2)):
        received = attention.received(layer, head)
        assert received.shape == (130,)
        assert received.mean() == pytest.approx(1, abs=1e-5)
    even = SegmentAttention(attention.times_s, [np.full((2, 130, 130), 1 / 130)])
    np.testing.assert_allclose(even.received(), 1)
    to_one = np.zeros((1, 130, 130))
    to_one[..., 7] = 1
    looked_at = dataclasses.replace(even, layers=[to_one]).received(0, 0)
    assert looked_at[7] == 130
    assert looked_at.sum() == 130
