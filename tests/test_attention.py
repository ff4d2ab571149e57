"""Attention as in the formulas, against PyTorch's own module."""

import math

import pytest
import torch
from torch import nn

from genre_models.attention import EncoderLayer, MultiHeadAttention, positional_encoding
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
