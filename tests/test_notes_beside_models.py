"""The notes beside the models say what is true of those that run, in formulas that a browser draws."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest
import torch

from genre_models.classifiers import CNN, LSTM, MLP, MusiCNNClassifier, TransformerClassifier
from genre_models.classifiers.base import GenreClassifier
from genre_models.inside.sizes import frames_seen, sizes
from genre_models.melody import MelodyTransformer
from genre_models.metrics_check import read_recipe
from genre_models.paths import BUNDLED_WEIGHTS
from genre_models.ui.notes import explanation

MODELS: dict[str, type[GenreClassifier] | type[MelodyTransformer]] = {
    "mlp": MLP,
    "cnn": CNN,
    "lstm": LSTM,
    "transformer": TransformerClassifier,
    "musicnn": MusiCNNClassifier,
    "melody": MelodyTransformer,
}
MATHML = {
    *("math", "mrow", "mi", "mn", "mo", "msub", "msup", "munder", "mfrac", "msqrt", "mspace"),
    *("mtable", "mtr", "mtd"),
}
"""Elements of MathML Core that are in use: browsers draw them without help."""


def formulas(note: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(text) for text in re.findall(r"<math.*?</math>", note, re.DOTALL)]


def prose(note: str) -> str:
    without = re.sub(r"<math.*?</math>", " ", note, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", "", without).split())


@pytest.fixture(scope="module")
def notes() -> dict[str, str]:
    return {name: explanation(name, architecture()) for name, architecture in MODELS.items()}


@pytest.mark.parametrize("name", MODELS)
def test_a_note_is_short_and_says_what_how_and_how_well(notes: dict[str, str], name: str) -> None:
    text = prose(notes[name])
    assert 120 <= len(text.split()) <= 260
    for heading in ("What it does", "How it learns", "Good at, bad at"):
        assert heading in text


@pytest.mark.parametrize("name", MODELS)
def test_formulas_are_mathml_with_words(notes: dict[str, str], name: str) -> None:
    assert formulas(notes[name])
    for formula in formulas(notes[name]):
        assert {element.tag for element in formula.iter()} <= MATHML
        words = formula.attrib["aria-label"]
        assert len(words.split()) > 2
        assert not set(words) & set("=∑√−^_{}"), "words are to be read aloud"


def test_an_unknown_model_has_no_note() -> None:
    with pytest.raises(TypeError, match="Linear"):
        sizes(torch.nn.Linear(2, 2))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (MLP(), ["1,690 numbers", "512, 256, 64 neurons", "865,792 of its 1,014,218"]),
        (CNN(), ["3 × 3 in the first layer", "32 filters need only 320", "3,840 numbers", "are 2 × 2"]),
        (LSTM(), ["2 layers of 64 cells", "fit into 64 numbers", "Dropout of 30%"]),
        (
            TransformerClassifier(d_model=48, heads=3, layers=5, d_ff=96, d_k=8, d_v=20),
            ["d = 48 numbers", "The 3 heads (dk = 8, dv = 20)", "of 96 neurons", "After 5 such layers"],
        ),
        (
            MelodyTransformer(d_model=32, heads=2, encoder_layers=4, decoder_layers=2, d_ff=16),
            ["(4 layers, 2 heads, 32 wide)", "decoder (2 layers)"],
        ),
    ],
)
def test_sizes_are_those_of_the_running_model(model: Any, said: list[str]) -> None:
    name = next(name for name, architecture in MODELS.items() if isinstance(model, architecture))
    text = prose(explanation(name, model))
    for words in said:
        assert words in text


def test_the_heads_of_the_pretrained_model_are_told_from_its_ear() -> None:
    model = MusiCNNClassifier()
    text = prose(explanation("musicnn", model))
    assert f"those {model.n_frozen:,} numbers are frozen" in text
    assert f"The denoiser, {model.n_denoising:,} numbers" in text
    assert f"The restorer, {model.n_restoring:,} numbers" in text
    heads = model.n_trained - model.n_denoising - model.n_restoring
    assert f"Only heads and gate, {heads:,} numbers" in text
    assert heads == 5 * (sizes(model)["pooled"] * 10 + 10) + sizes(model)["pooled"] * 4 + 4


def test_the_temperature_is_the_models() -> None:
    model = MLP()
    model.temperature.fill_(2.25)
    assert "temperature (2.25," in prose(explanation("mlp", model))


def test_a_last_filter_of_the_cnn_sees_as_many_frames_as_the_note_says() -> None:
    torch.manual_seed(0)
    model = CNN().double().eval()
    for layer in model.layers:
        if isinstance(layer, torch.nn.Conv2d):  # no filter is silent, so that no frame is overlooked
            torch.nn.init.uniform_(layer.weight, 0.1, 1)
    mfccs = torch.rand(40, 1, 130, 13, dtype=torch.float64, requires_grad=True)  # many: a pool passes one on
    model.layers[:8](mfccs)[:, :, 12].sum().backward()  # one frame in the middle of the 30
    assert mfccs.grad is not None
    seen = mfccs.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert int(seen.max() - seen.min()) + 1 == frames_seen(model) == 17


@pytest.mark.parametrize("name", ["mlp", "cnn", "lstm", "transformer", "musicnn"])
def test_how_the_bundled_weights_were_trained_is_read_from_their_file(name: str) -> None:
    known = read_recipe(BUNDLED_WEIGHTS / name)
    text = prose(explanation(name, MODELS[name](), known))
    assert "These weights:" in text
    if name == "musicnn":
        assert f"{len(known['conditions'])} worse conditions (in a room; with voices behind it" in text
        assert ("The head for distant recordings was fitted" in text) == bool(known["distant"])
        assert ("Of these each has a head" in text) == known["experts"]
        assert "losses" not in text
    else:
        assert f"{known['epochs']} epochs of AdamW, {known['batch_size']} segments a step" in text
        assert "How the losses fell is on Training" in text
        assert ("changed places" in text) == bool(known["shuffle_block"])
        assert ("mixed in pairs" in text) == bool(known["mixup"])
        assert ("a teacher" in text) == known["soft_labels"]
        assert ("did not start from nothing" in text) == known.get("pretrained", False)


def test_nothing_is_said_of_weights_whose_training_is_unknown(notes: dict[str, str]) -> None:
    assert not any("These weights" in note for note in notes.values())
    assert read_recipe(BUNDLED_WEIGHTS / "gru") == {}
