"""What flows through the networks: the same numbers as in the running model."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from genre_models.classifiers import CNN, LSTM, MLP, layer_sizes
from genre_models.inside.clip import InsideClip, open_clip
from genre_models.inside.layers import activations, feature_maps, formulas, lstm_states
from genre_models.paths import BUNDLED_WEIGHTS
from genre_models.ui.examples import EXAMPLES

SEGMENT = 1


@pytest.fixture(scope="module")
def clip() -> InsideClip:
    return open_clip(EXAMPLES / "west.ogg")


@pytest.fixture(scope="module")
def cnn() -> CNN:
    return CNN.from_pretrained(BUNDLED_WEIGHTS / "cnn").eval().requires_grad_(False)


@pytest.fixture(scope="module")
def lstm() -> LSTM:
    return LSTM.from_pretrained(BUNDLED_WEIGHTS / "lstm").eval().requires_grad_(False)


def test_the_formula_gives_the_real_sizes(cnn: CNN, clip: InsideClip) -> None:
    found = formulas(cnn)
    assert [formula.output for formula in found] == [(128, 11), (64, 6), (62, 4), (31, 2), (30, 1)]
    assert [formula.input for formula in found] == [(130, 13), *(formula.output for formula in found[:-1])]
    assert [formula.padding for formula in found] == [(0, 0), (1, 2), (0, 0), (1, 1), (0, 0)]
    sizes = [size for size in layer_sizes(cnn) if size.layer.startswith(("Convolution", "Max-pool"))]
    assert [formula.layer for formula in found] == [size.layer for size in sizes]
    assert [formula.output for formula in found] == [size.output[1:] for size in sizes]
    assert [maps.maps.shape for maps in feature_maps(cnn, clip, SEGMENT)] == [size.output for size in sizes]


def test_feature_maps_lead_to_the_answer(cnn: CNN, clip: InsideClip) -> None:
    maps = feature_maps(cnn, clip, SEGMENT)
    assert all(one.maps.min() >= 0 for one in maps)
    rest = cnn.layers[[type(layer) for layer in cnn.layers].index(nn.Flatten) :]
    logits = rest(torch.from_numpy(maps[-1].maps)[None])
    torch.testing.assert_close(logits, cnn(clip.mfccs[[SEGMENT]]), atol=1e-5, rtol=1e-5)


def test_rows_of_a_map_stand_where_they_look(clip: InsideClip) -> None:
    torch.manual_seed(0)
    model = CNN().eval()
    frame = 61
    changed = clip.mfccs.clone()
    changed[:, frame] += 1e4 * torch.randn(13)
    time_s = clip.frame_times_s(SEGMENT)[frame]
    other = dataclasses.replace(clip, mfccs=changed)
    for one, two in zip(*(feature_maps(model, each, SEGMENT) for each in (clip, other)), strict=True):
        rows = np.flatnonzero((one.maps != two.maps).any(axis=(0, 2)))
        step_s = one.times_s[1] - one.times_s[0]
        assert one.times_s[rows].mean() == pytest.approx(time_s, abs=step_s)
        assert one.times_s[0] >= clip.starts_s[SEGMENT]
        assert one.times_s[-1] <= clip.frame_times_s(SEGMENT)[-1]


def test_lstm_states_are_those_of_the_running_layer(lstm: LSTM, clip: InsideClip) -> None:
    first, second = lstm_states(lstm, clip, SEGMENT)
    states, (last_hidden, last_cell) = lstm.lstm(lstm.standardise(clip.mfccs[[SEGMENT]]))
    np.testing.assert_allclose(second.hidden, states[0].numpy(), atol=1e-5)
    for layer, ours in enumerate((first, second)):
        np.testing.assert_allclose(ours.hidden[-1], last_hidden[layer, 0].numpy(), atol=1e-5)
        np.testing.assert_allclose(ours.cell[-1], last_cell[layer, 0].numpy(), atol=1e-4)


def test_the_first_layer_is_that_of_an_lstm_by_itself(lstm: LSTM, clip: InsideClip) -> None:
    alone = nn.LSTM(13, 64, batch_first=True)
    alone.load_state_dict({k: v for k, v in lstm.lstm.state_dict().items() if k.endswith("_l0")})
    states, _ = alone(lstm.standardise(clip.mfccs[[SEGMENT]]))
    hidden = lstm_states(lstm, clip, SEGMENT)[0].hidden
    np.testing.assert_allclose(hidden, states[0].detach().numpy(), atol=1e-5)


def test_gates_make_the_memory(lstm: LSTM, clip: InsideClip) -> None:
    for layer in lstm_states(lstm, clip, SEGMENT):
        assert all(part.shape == (130, 64) for part in vars(layer).values())
        for gate in (layer.input_gate, layer.forget_gate, layer.output_gate):
            assert 0 <= gate.min() <= gate.max() <= 1
        before = np.vstack([np.zeros(64), layer.cell[:-1]])
        cell = layer.forget_gate * before + layer.input_gate * layer.candidate
        np.testing.assert_allclose(layer.cell, cell, atol=1e-5)
        np.testing.assert_allclose(layer.hidden, layer.output_gate * np.tanh(layer.cell), atol=1e-5)


def test_activations_lead_to_the_logits(clip: InsideClip) -> None:
    model = MLP.from_pretrained(BUNDLED_WEIGHTS / "mlp").eval().requires_grad_(False)
    found = activations(model, clip, SEGMENT)
    sizes = [size for size in layer_sizes(model) if size.layer.startswith("Linear")]
    assert [one.layer for one in found] == [size.layer for size in sizes]
    assert [one.values.shape for one in found] == [size.output for size in sizes]
    assert all(one.values.min() >= 0 for one in found[:-1])
    np.testing.assert_allclose(found[-1].values, model(clip.mfccs[[SEGMENT]])[0].numpy(), atol=1e-5)
