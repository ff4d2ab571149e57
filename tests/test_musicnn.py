"""The pretrained network equals the original, deaf to level, and only its heads are trained."""

from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from torch import nn

from genre_models import musicnn
from genre_models.classifiers import GENRES, MusiCNNClassifier
from genre_models.classifiers.heads import Heads
from genre_models.denoiser import MENDED
from genre_models.hub import bundled_ear, load_models
from genre_models.musicnn import POOLED, TAGS, MusiCNN
from genre_models.training import recording
from genre_models.training.dataset import at_16_khz
from tests import plain_musicnn
from tests.sounds import sound

GOLDEN = Path(__file__).parent / "data" / "musicnn_golden.npz"


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN) as file:
        return dict(file)


@pytest.fixture(scope="module")
def ear() -> MusiCNN:
    return bundled_ear().as_published()


def test_the_original_answers_come_from_the_given_log_mel(
    ear: MusiCNN, golden: dict[str, np.ndarray]
) -> None:
    heard = ear(torch.from_numpy(golden["log_mel"]))
    np.testing.assert_allclose(heard.tags.numpy(), golden["tags"], atol=1e-4)
    np.testing.assert_allclose(heard.embedding.numpy(), golden["penultimate"], atol=1e-4)
    assert tuple(golden["tag_names"]) == TAGS


def test_the_original_answers_come_from_the_waveform(ear: MusiCNN, golden: dict[str, np.ndarray]) -> None:
    log_mel = musicnn.log_mel(torch.from_numpy(golden["waveform"])[None])
    pieces = musicnn.patches(log_mel)[0]
    np.testing.assert_allclose(pieces.numpy(), golden["log_mel"], atol=1e-3)
    heard = ear(pieces)
    np.testing.assert_allclose(heard.tags.numpy(), golden["tags"], atol=1e-3)
    np.testing.assert_allclose(heard.embedding.numpy(), golden["penultimate"], atol=1e-3)


def test_rearranged_layers_equal_the_plain_ones(ear: MusiCNN, golden: dict[str, np.ndarray]) -> None:
    x = torch.from_numpy(golden["log_mel"])[:2]
    ours, plain = ear(x), plain_musicnn.hear(ear, x)
    torch.testing.assert_close(ours.pooled, plain.pooled, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ours.embedding, plain.embedding, atol=1e-4, rtol=1e-4)


def test_segments_are_the_average_of_their_patches(ear: MusiCNN, golden: dict[str, np.ndarray]) -> None:
    waveform = torch.from_numpy(golden["waveform"])[:96_000]
    whole = ear.listen(waveform[None])
    pieces = musicnn.patches(musicnn.log_mel(musicnn.levelled(waveform[None])))[0]
    apart = ear(pieces)
    assert len(pieces) == 2
    torch.testing.assert_close(whole.pooled[0], apart.pooled.mean(dim=0), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("decibels", [-40, -20, 6])
def test_the_level_of_a_recording_does_not_matter(
    ear: MusiCNN, golden: dict[str, np.ndarray], decibels: int
) -> None:
    waveform = torch.from_numpy(golden["waveform"])[None, :96_000]
    louder = ear.listen(waveform * 10 ** (decibels / 20))
    torch.testing.assert_close(louder.embedding, ear.listen(waveform).embedding, atol=1e-3, rtol=1e-3)


def test_the_denoiser_tells_how_much_it_mended(ear: MusiCNN) -> None:
    clean = torch.from_numpy(sound(5, 0, 12.0)).float()
    hiss = recording.noise(len(clean), 0.0, np.random.default_rng(0))
    both = [clean, recording.with_background(clean, hiss, 0.0)]
    segments = torch.stack([at_16_khz(one[None, : 6 * 22_050])[0] for one in both])
    quiet, noisy = bundled_ear().listen(segments).mended.tolist()
    assert 0 <= quiet < noisy
    assert ear.listen(segments).mended.tolist() == [0, 0]


def test_what_was_much_mended_is_named_by_a_head_of_its_own() -> None:
    model = MusiCNNClassifier().eval()
    model.heads.know_nothing()
    for head in model.heads.near.values():
        cast(nn.Linear, head).bias.data[GENRES.index("jazz")] = 5.0
    model.heads.distant.bias.data[GENRES.index("metal")] = 5.0
    mended = torch.tensor([0.0, MENDED, 2 * MENDED])
    named = model.heads(torch.zeros(3, POOLED), mended).argmax(dim=1).tolist()
    assert [GENRES[i] for i in named] == ["jazz", "jazz", "metal"]


def test_heads_answer_in_the_shares_of_the_gate() -> None:
    heads, x = Heads(len(GENRES)), torch.randn(4, POOLED, generator=torch.Generator().manual_seed(0))
    mended = torch.zeros(4)
    said = torch.stack([head(x).softmax(dim=-1) for head in heads.near.values()], dim=1)
    expected = (heads.gate(x).softmax(dim=-1)[:, :, None] * said).sum(dim=1)
    torch.testing.assert_close(heads(x, mended).exp(), expected)
    nn.init.zeros_(heads.gate.weight)
    heads.gate.bias.data = torch.tensor([-50.0, 50.0, -50.0, -50.0])
    torch.testing.assert_close(heads(x, mended), heads.near["room"](x).log_softmax(dim=-1))


def test_silence_and_loud_clips_give_finite_numbers(ear: MusiCNN) -> None:
    for level in (0.0, 1e-9, 1e6):
        heard = ear.listen(level * torch.randn(1, 96_000, generator=torch.Generator().manual_seed(0)))
        assert heard.pooled.isfinite().all()
        assert heard.tags.isfinite().all()


def test_less_than_a_patch_is_refused() -> None:
    with pytest.raises(ValueError, match="187"):
        musicnn.patches(torch.zeros(1, 186, 96))


def test_the_ear_stays_as_it_was_made(golden: dict[str, np.ndarray]) -> None:
    model = load_models()["musicnn"]
    assert isinstance(model, MusiCNNClassifier)
    model.train()
    assert not any(parameter.requires_grad for parameter in model.ear.parameters())
    before = {name: value.clone() for name, value in model.ear.state_dict().items()}
    logits = model(torch.from_numpy(golden["waveform"]).reshape(2, 96_000))
    assert logits.shape == (2, 10)
    assert all(torch.equal(value, before[name]) for name, value in model.ear.state_dict().items())
    assert len(TAGS) == len(set(TAGS)) == 50
