"""The networks are those of the notes: equal to Keras, saved and loaded, of the sizes written there."""

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from genre_models.classifiers import (
    ARCHITECTURES,
    CNN,
    GENRES,
    LSTM,
    MLP,
    NETWORKS,
    GenreClassifier,
    MFCCClassifier,
    MusiCNNClassifier,
    TransformerClassifier,
    layer_sizes,
)
from genre_models.classifiers.cnn import SamePadMaxPool2d
from genre_models.hub import WeightsError, load_models
from genre_models.melody import MelodyTransformer
from genre_models.sound import SoundDetector
from genre_models.weights import StrictWeights


def heard_by(model: GenreClassifier, n: int = 4) -> torch.Tensor:
    """What `model` takes in, at random."""
    if model.hears == "mfcc":
        return mfcc_like(n)
    return 0.1 * torch.randn(n, 96_000, generator=torch.Generator().manual_seed(0))


def mfcc_like(n: int = 4) -> torch.Tensor:
    return torch.randn(n, 130, 13, generator=torch.Generator().manual_seed(0))


def keras_mlp() -> keras.Sequential:
    return keras.Sequential(
        [
            keras.layers.Input((130, 13)),
            keras.layers.Flatten(),
            keras.layers.Dense(512, activation="relu"),
            keras.layers.Dense(256, activation="relu"),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def keras_cnn() -> keras.Sequential:
    return keras.Sequential(
        [
            keras.layers.Input((130, 13, 1)),
            keras.layers.Conv2D(32, (3, 3), activation="relu"),
            keras.layers.MaxPooling2D((3, 3), strides=(2, 2), padding="same"),
            keras.layers.Conv2D(64, (3, 3), activation="relu"),
            keras.layers.MaxPooling2D((3, 3), strides=(2, 2), padding="same"),
            keras.layers.Conv2D(128, (2, 2), activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dropout(0.1),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def keras_lstm() -> keras.Sequential:
    return keras.Sequential(
        [
            keras.layers.Input((130, 13)),
            keras.layers.LSTM(64, return_sequences=True),
            keras.layers.LSTM(64),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def copy_linear(linear: torch.nn.Linear, dense: keras.layers.Dense) -> None:
    dense.set_weights([linear.weight.detach().numpy().T, linear.bias.detach().numpy()])


def linears(model: torch.nn.Module) -> list[torch.nn.Linear]:
    return [module for module in model.modules() if isinstance(module, torch.nn.Linear)]


def denses(model: keras.Sequential) -> list[keras.layers.Dense]:
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]


def assert_same_answers(ours: GenreClassifier, theirs: keras.Sequential, inputs: torch.Tensor) -> None:
    with torch.inference_mode():
        probabilities = ours.eval()(inputs).softmax(dim=-1).numpy()
    shaped = inputs.numpy().reshape(-1, *theirs.input_shape[1:])
    np.testing.assert_allclose(probabilities, theirs.predict(shaped, verbose=0), atol=1e-4)


def test_mlp_equals_the_listing_in_keras() -> None:
    ours, theirs = MLP(), keras_mlp()
    for linear, dense in zip(linears(ours), denses(theirs), strict=True):
        copy_linear(linear, dense)
    assert ours.n_parameters == theirs.count_params()
    assert_same_answers(ours, theirs, 3 * mfcc_like())


def test_cnn_equals_the_listing_in_keras() -> None:
    ours, theirs = CNN(), keras_cnn()
    convolutions = [module for module in ours.modules() if isinstance(module, torch.nn.Conv2d)]
    theirs_convolutions = [layer for layer in theirs.layers if isinstance(layer, keras.layers.Conv2D)]
    for ours_layer, layer in zip(convolutions, theirs_convolutions, strict=True):
        assert ours_layer.bias is not None
        kernel = ours_layer.weight.detach().permute(2, 3, 1, 0).numpy()
        layer.set_weights([kernel, ours_layer.bias.detach().numpy()])
    first, last = linears(ours)
    dense_first, dense_last = denses(theirs)
    rows = first.weight.detach().reshape(64, 128, 30).transpose(1, 2).reshape(64, 3840)  # channels last
    assert first.bias is not None
    dense_first.set_weights([rows.numpy().T, first.bias.detach().numpy()])
    copy_linear(last, dense_last)
    assert ours.n_parameters == theirs.count_params()
    assert_same_answers(ours, theirs, 3 * mfcc_like())


def test_lstm_equals_the_listing_in_keras() -> None:
    ours, theirs = LSTM(), keras_lstm()
    for i, layer in enumerate(theirs.layers[:2]):
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        w_ih, w_hh, b_ih, b_hh = (getattr(ours.lstm, f"{name}_l{i}").detach().numpy() for name in names)
        layer.set_weights([w_ih.T, w_hh.T, b_ih + b_hh])  # both list the gates as i, f, g, o
    for linear, dense in zip(linears(ours), denses(theirs), strict=True):
        copy_linear(linear, dense)
    assert_same_answers(ours, theirs, 3 * mfcc_like())


@pytest.mark.parametrize("size", range(3, 24))
def test_same_padding_is_that_of_keras(size: int) -> None:
    inputs = torch.randn(1, 2, size, size + 1)
    theirs = keras.layers.MaxPooling2D((3, 3), strides=(2, 2), padding="same")
    expected = keras.ops.convert_to_numpy(theirs(inputs.permute(0, 2, 3, 1).numpy()))
    ours = SamePadMaxPool2d(3, 2)(inputs).permute(0, 2, 3, 1)
    np.testing.assert_array_equal(ours.numpy(), expected)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_logits_for_ten_genres(name: str) -> None:
    model = ARCHITECTURES[name]().eval()
    assert model(heard_by(model, 3)).shape == (3, 10)
    assert list(GENRES) == sorted(GENRES)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_one_answer_does_not_depend_on_the_rest_of_the_batch(name: str) -> None:
    model = ARCHITECTURES[name]().eval()
    inputs = heard_by(model, 5)
    with torch.inference_mode():
        torch.testing.assert_close(model(inputs)[2:3], model(inputs[2:3]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_standardisation_starts_as_the_identity(name: str) -> None:
    inputs = mfcc_like()
    torch.testing.assert_close(NETWORKS[name]().standardise(inputs), inputs, atol=0, rtol=0)


@pytest.mark.parametrize("name", NETWORKS)
def test_fitted_models_are_deaf_to_level(name: str) -> None:
    model, inputs = NETWORKS[name]().eval(), 20 * mfcc_like(16)
    model.standardise.fit(inputs)
    quieter = inputs.clone()
    quieter[..., 0] -= 20 * 128**0.5
    with torch.inference_mode():
        torch.testing.assert_close(model(quieter), model(inputs), atol=1e-4, rtol=1e-4)
        standardised = model.standardise(inputs)
    torch.testing.assert_close(standardised.mean((0, 1)), torch.zeros(13), atol=1e-4, rtol=0)
    torch.testing.assert_close(standardised.std((0, 1)), torch.ones(13), atol=1e-3, rtol=0)


def test_layer_sizes_are_those_of_the_notes() -> None:
    sizes = {name: [size.output for size in layer_sizes(ARCHITECTURES[name]())] for name in ARCHITECTURES}
    assert [s for s in dict.fromkeys(sizes["mlp"]) if len(s) == 1] == [(1690,), (512,), (256,), (64,), (10,)]
    cnn = [(32, 128, 11), (32, 64, 6), (64, 62, 4), (64, 31, 2), (128, 30, 1), (3840,), (64,), (10,)]
    assert list(dict.fromkeys(sizes["cnn"]))[1:] == cnn
    assert (130, 64) in sizes["lstm"]
    for name, architecture in ARCHITECTURES.items():
        model = architecture()
        assert sum(size.parameters for size in layer_sizes(model)) == model.n_parameters
        assert sizes[name][0] == ((130, 13) if name in NETWORKS else (96_000,))


def test_the_pretrained_network_tells_what_was_trained_here() -> None:
    model = MusiCNNClassifier()
    assert model.n_frozen == 792_079  # as its makers' checkpoint counts them
    assert model.n_trained == model.n_denoising + model.n_restoring + 5 * (1_506 * 10 + 10) + 1_506 * 4 + 4
    sizes = {size.layer: size for size in layer_sizes(model)}
    assert sizes["Denoiser"].output == (374, 96)
    assert sizes["Denoiser"].parameters == model.n_denoising
    assert sizes["Restorer, if distant"].output == (187, 753)
    assert sizes["Restorer, if distant"].parameters == model.n_restoring
    assert sizes["Log-mel spectrogram of 3 s"].output == (187, 96)
    assert [sizes[f"Timbral filters, 7×{mels}"].output for mels in (38, 67)] == [(187, 204)] * 2
    assert [sizes[f"Temporal filters, {frames}×1"].output for frames in (128, 64, 32)] == [(187, 51)] * 3
    assert [size.output for size in sizes.values()][-9:] == [(1506,), (200,), (50,), (4,), *[(10,)] * 5]


def test_transformer_stays_below_a_million_parameters() -> None:
    assert TransformerClassifier().n_parameters <= 1_000_000


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_saved_and_loaded_answers_are_the_same(name: str, tmp_path: Path) -> None:
    model = ARCHITECTURES[name]().eval()
    inputs = heard_by(model)
    if isinstance(model, MFCCClassifier):
        model.standardise.fit(20 * inputs)
    model.save_pretrained(tmp_path)
    assert {"model.safetensors", "config.json"} <= {path.name for path in tmp_path.iterdir()}
    assert "More Information Needed" not in (tmp_path / "README.md").read_text(encoding="utf-8")
    loaded = ARCHITECTURES[name].from_pretrained(tmp_path)
    assert not loaded.training
    assert torch.equal(loaded(inputs), model(inputs))


def test_sizes_of_a_transformer_travel_with_its_weights(tmp_path: Path) -> None:
    model = TransformerClassifier(d_model=24, heads=3, layers=1, d_ff=32, d_k=5, d_v=7).eval()
    model.save_pretrained(tmp_path)
    inputs = mfcc_like()
    assert torch.equal(TransformerClassifier.from_pretrained(tmp_path)(inputs), model(inputs))


@pytest.mark.parametrize("architecture", [MLP, SoundDetector, MelodyTransformer])
def test_pickled_weights_are_refused(architecture: type[StrictWeights], tmp_path: Path) -> None:
    architecture().save_pretrained(tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").unlink()
    torch.save(state, tmp_path / "pytorch_model.bin")
    with pytest.raises((ValueError, FileNotFoundError)):
        architecture.from_pretrained(tmp_path)


def test_incomplete_weights_are_refused(tmp_path: Path) -> None:
    for name, architecture in ARCHITECTURES.items():
        architecture().save_pretrained(tmp_path / name)
    assert set(load_models(tmp_path)) == set(ARCHITECTURES)
    file = tmp_path / "cnn" / "model.safetensors"
    state = load_file(file)
    state.pop("layers.12.bias")
    save_file(state, file)
    with pytest.raises(WeightsError, match="do not fit the CNN"):
        load_models(tmp_path)
    file.unlink()
    assert set(load_models(tmp_path)) == set(ARCHITECTURES) - {"cnn"}
    with pytest.raises(WeightsError, match="no trained models"):
        load_models(tmp_path / "nowhere")


def test_weights_for_other_genres_are_refused(tmp_path: Path) -> None:
    for name, architecture in ARCHITECTURES.items():
        architecture(genres=[*GENRES[:9], "polka"]).save_pretrained(tmp_path / name)
    with pytest.raises(WeightsError, match="other genres"):
        load_models(tmp_path)
