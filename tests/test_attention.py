"""Attention as in the formulas, against PyTorch's own module."""

import copy
import math

import pytest
import torch
from torch import nn

from genre_models.attention import (
    DecoderCache,
    DecoderLayer,
    EncoderLayer,
    KeyValueCache,
    MultiHeadAttention,
    SinusoidalPositions,
    look_ahead_mask,
    padding_mask,
    positional_encoding,
)
from genre_models.classifiers import TransformerClassifier


def test_positional_encoding_is_the_formula() -> None:
    encoding = positional_encoding(50, 8)
    for t in (0, 1, 7, 49):
        for i in range(4):
            angle = t / 10_000 ** (2 * i / 8)
            assert encoding[t, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-5)
            assert encoding[t, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-5)


def test_positional_encoding_of_an_odd_width() -> None:
    torch.testing.assert_close(positional_encoding(9, 7), positional_encoding(9, 8)[:, :7], atol=1, rtol=0)
    assert positional_encoding(9, 7).shape == (9, 7)


def pytorch_twin(ours: MultiHeadAttention, d_model: int) -> nn.MultiheadAttention:
    twin = nn.MultiheadAttention(d_model, ours.heads, batch_first=True)
    parts = (ours.w_q, ours.w_k, ours.w_v)
    twin.in_proj_weight.data = torch.cat([part.weight.data for part in parts])
    twin.in_proj_bias.data = torch.cat([part.bias.data for part in parts])
    twin.out_proj.load_state_dict(ours.w_o.state_dict())
    return twin.eval()


def test_equals_pytorch_with_its_weights() -> None:
    ours = MultiHeadAttention(24, 4).eval()
    twin = pytorch_twin(ours, 24)
    x, memory = torch.randn(3, 11, 24), torch.randn(3, 7, 24)
    output, weights = ours(x, memory, return_attention=True)
    expected, expected_weights = twin(x, memory, memory, average_attn_weights=False)
    torch.testing.assert_close(output, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(weights, expected_weights, atol=1e-6, rtol=1e-5)


def test_asking_for_the_weights_does_not_change_the_output() -> None:
    attention = MultiHeadAttention(24, 4).eval()
    x = torch.randn(2, 9, 24)
    torch.testing.assert_close(attention(x, x)[0], attention(x, x, True)[0], atol=1e-5, rtol=1e-5)


def test_d_k_and_d_v_are_free() -> None:
    attention = MultiHeadAttention(20, 3, d_k=5, d_v=2)
    output, weights = attention(torch.randn(2, 9, 20), torch.randn(2, 6, 20), True)
    assert output.shape == (2, 9, 20)
    assert weights is not None
    assert weights.shape == (2, 3, 9, 6)
    assert attention.w_o.in_features == 3 * 2
    with pytest.raises(ValueError, match="give d_k and d_v"):
        MultiHeadAttention(20, 3)


def test_encoder_layer_equals_pytorch() -> None:
    ours = EncoderLayer(16, heads=2, d_ff=32).eval()
    twin = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True).eval()
    twin.self_attn = pytorch_twin(ours.attention, 16)
    twin.linear1.load_state_dict(ours.feed_forward[0].state_dict())
    twin.linear2.load_state_dict(ours.feed_forward[2].state_dict())
    x = torch.randn(2, 10, 16)
    torch.testing.assert_close(ours(x)[0], twin(x), atol=1e-5, rtol=1e-5)


def test_classifier_hands_out_all_attention_maps() -> None:
    model = TransformerClassifier(layers=3, heads=4).eval()
    inputs = torch.randn(2, 130, 13)
    logits, attention = model(inputs, return_attention=True)
    assert [tuple(weights.shape) for weights in attention] == [(2, 4, 130, 130)] * 3
    for weights in attention:
        torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4, 130), atol=1e-5, rtol=0)
    torch.testing.assert_close(logits, model(inputs), atol=1e-5, rtol=1e-5)


def test_positions_reach_any_length_and_are_not_saved() -> None:
    positions = SinusoidalPositions(6, length=4)
    with torch.inference_mode():
        torch.testing.assert_close(positions(torch.arange(4), 4), positional_encoding(4, 6))
        far = positions(torch.tensor([[900, 3]]), 901)
    torch.testing.assert_close(far, positional_encoding(901, 6)[None, [900, 3]])
    scale = torch.ones(6, requires_grad=True)
    (positions(torch.arange(900), 900) * scale).sum().backward()  # what grew while generating serves training
    assert scale.grad is not None
    assert not copy.deepcopy(positions).double().state_dict()


def test_look_ahead_mask_lets_queries_see_the_past_and_themselves() -> None:
    assert look_ahead_mask(3, 3).tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert look_ahead_mask(2, 4).tolist() == [[True, True, True, False], [True, True, True, True]]


@pytest.mark.parametrize("return_attention", [False, True])
def test_masked_keys_equal_absent_keys(return_attention: bool) -> None:
    attention = MultiHeadAttention(24, 4, d_k=5, d_v=7).eval()
    x, memory = torch.randn(2, 3, 24), torch.randn(2, 6, 24)
    padding = torch.tensor(
        [[False, False, False, False, True, True], [True, False, False, False, False, False]]
    )
    output, weights = attention(x, memory, return_attention, padding_mask(padding))
    for row, kept in enumerate((slice(0, 4), slice(1, 6))):
        alone, _ = attention(x[row : row + 1], memory[row : row + 1, kept])
        torch.testing.assert_close(output[row : row + 1], alone, atol=1e-5, rtol=1e-5)
    if weights is not None:
        assert torch.equal(weights == 0, padding[:, None, None, :].expand(2, 4, 3, 6))
        torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4, 3), atol=1e-5, rtol=0)


@pytest.mark.parametrize("length", [3, 700])
@pytest.mark.parametrize("return_attention", [False, True])
def test_a_query_that_may_look_nowhere_gets_nothing(return_attention: bool, length: int) -> None:
    attention = MultiHeadAttention(8, 2)
    x = torch.randn(2, length, 8, requires_grad=True)
    mask = look_ahead_mask(length, length) & padding_mask(torch.tensor([[True] + [False] * (length - 1)] * 2))
    output, weights = attention(x, x, return_attention, mask)
    assert torch.equal(output[:, 0], attention.w_o.bias.expand(2, 8))
    if weights is not None:
        assert not weights[:, :, 0].any()
    output.square().sum().backward()
    assert x.grad is not None
    assert output.isfinite().all()
    assert x.grad.isfinite().all()


def test_cache_holds_what_was_appended() -> None:
    keys, values = torch.randn(2, 3, 40, 5), torch.randn(2, 3, 40, 2)
    cache = KeyValueCache(keys[:, :, :1], values[:, :, :1])
    lengths = [1]
    for end in (2, 3, 7, 20, 21, 40):
        cache.append(keys[:, :, lengths[-1] : end], values[:, :, lengths[-1] : end])
        lengths.append(end)
        assert cache.length == end
        assert torch.equal(cache.keys, keys[:, :, :end])
        assert torch.equal(cache.values, values[:, :, :end])


def copy_the_rest(ours: EncoderLayer | DecoderLayer, twin: nn.Module, norms: list[str]) -> None:
    """Feed-forward and norms; the norms, which start as the identity, are made to differ."""
    for i, name in enumerate(norms, start=1):
        norm = ours.get_submodule(name)
        for parameter in norm.parameters():
            nn.init.normal_(parameter)
        twin.get_submodule(f"norm{i}").load_state_dict(norm.state_dict())
    twin.get_submodule("linear1").load_state_dict(ours.feed_forward[0].state_dict())
    twin.get_submodule("linear2").load_state_dict(ours.feed_forward[2].state_dict())


def encoder_twin(ours: EncoderLayer) -> nn.TransformerEncoderLayer:
    twin = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    twin.self_attn = pytorch_twin(ours.attention, 16)
    copy_the_rest(ours, twin, ["norm_attention", "norm_feed_forward"])
    return twin.eval()


def decoder_twin(ours: DecoderLayer) -> nn.TransformerDecoderLayer:
    twin = nn.TransformerDecoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
    twin.self_attn = pytorch_twin(ours.attention, 16)
    twin.multihead_attn = pytorch_twin(ours.cross_attention, 16)
    copy_the_rest(ours, twin, ["norm_attention", "norm_cross_attention", "norm_feed_forward"])
    return twin.eval()


def test_decoder_layer_equals_pytorch() -> None:
    ours = DecoderLayer(16, heads=2, d_ff=32).eval()
    twin = decoder_twin(ours)
    x, memory = torch.randn(2, 10, 16), torch.randn(2, 7, 16)
    padding = torch.zeros(2, 7, dtype=torch.bool)
    padding[1, 4:] = True
    mask = look_ahead_mask(10, 10)
    output, weights, cross = ours(x, DecoderCache(memory), mask, padding_mask(padding), True)
    expected = twin(x, memory, tgt_mask=~mask, memory_key_padding_mask=padding)
    torch.testing.assert_close(output, expected, atol=1e-5, rtol=1e-5)
    assert (weights.shape, cross.shape) == ((2, 2, 10, 10), (2, 2, 10, 7))
    unasked = ours(x, DecoderCache(memory), mask, padding_mask(padding))
    torch.testing.assert_close(unasked[0], output, atol=1e-5, rtol=1e-5)
    assert unasked[1:] == (None, None)


@torch.inference_mode()
def test_decoder_layer_in_pieces_equals_all_at_once() -> None:
    layer = DecoderLayer(12, heads=3, d_ff=16, d_k=5, d_v=2).eval()
    x, cache = torch.randn(2, 9, 12), DecoderCache(torch.randn(2, 4, 12))
    whole, _, _ = layer(x, DecoderCache(cache.memory), look_ahead_mask(9, 9))
    pieces = []
    for start, end in ((0, 4), (4, 5), (5, 8), (8, 9)):
        piece, weights, _ = layer(x[:, start:end], cache, look_ahead_mask(end - start, end), None, True)
        assert weights.shape == (2, 3, end - start, end)
        pieces.append(piece)
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, atol=1e-5, rtol=1e-5)
    assert cache.length == 9
