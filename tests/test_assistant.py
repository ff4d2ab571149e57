"""The teacher assistant labels from MFCCs alone, and learns only from what it was given."""

import pytest
import torch

from genre_models.classifiers import GENRES
from genre_models.training.assistant import Assistant, statistics


def segments(labels: torch.Tensor, seed: int) -> torch.Tensor:
    """MFCCs (n, 130, 13) whose slow beats and timbre depend on the genre."""
    noise = torch.randn(len(labels), 130, 13, generator=torch.Generator().manual_seed(seed))
    time = torch.arange(130)[None, :, None] / 130
    beats = torch.sin(2 * torch.pi * (3 + 4 * labels[:, None, None]) * time)
    timbre = 3 * torch.randn(10, 1, 13, generator=torch.Generator().manual_seed(11))
    return noise + 4 * beats + timbre[labels]


def embedding(mfccs: torch.Tensor) -> torch.Tensor:
    """Something that can be heard in the MFCCs, (n, 200)."""
    mix = torch.randn(13, 200, generator=torch.Generator().manual_seed(7))
    return mfccs.std(dim=1) @ mix


@pytest.fixture(scope="module")
def assistant() -> Assistant:
    labels = torch.arange(200) % len(GENRES)
    known, other = segments(labels, 0), segments(torch.arange(60) % len(GENRES), 1)
    copies = torch.stack([known, segments(labels, 2)], dim=1)
    return Assistant(copies, embedding(known), labels, (other, embedding(other)))


def test_it_names_what_it_learned_in_new_segments(assistant: Assistant) -> None:
    labels = torch.arange(80) % len(GENRES)
    logs = assistant(segments(labels, 5))
    assert logs.shape == (80, 10)
    torch.testing.assert_close(logs.exp().sum(dim=1), torch.ones(80), atol=1e-5, rtol=0)
    assert float((logs.argmax(dim=1) == labels).float().mean()) > 0.8


def test_it_is_deaf_to_the_level(assistant: Assistant) -> None:
    mfccs = segments(torch.arange(10), 6)
    louder = mfccs.clone()
    louder[:, :, 0] += 200.0
    torch.testing.assert_close(assistant(louder), assistant(mfccs), atol=1e-3, rtol=1e-3)


def test_it_works_without_unlabelled_music() -> None:
    labels = torch.arange(60) % len(GENRES)
    known = segments(labels, 0)
    nothing = torch.empty(0, 130, 13), torch.empty(0, 200)
    alone = Assistant(known.unsqueeze(1), embedding(known), labels, nothing)
    assert float((alone(known).argmax(dim=1) == labels).float().mean()) > 0.9


def test_a_genre_that_was_not_there_is_never_named() -> None:
    labels = torch.arange(90) % 9  # no rock
    known = segments(labels, 0)
    nothing = torch.empty(0, 130, 13), torch.empty(0, 200)
    alone = Assistant(known.unsqueeze(1), embedding(known), labels, nothing)
    assert float(alone(segments(torch.full((20,), 9), 3)).exp()[:, 9].max()) < 1e-6


def test_statistics_are_finite_for_a_constant_segment() -> None:
    assert statistics(torch.zeros(2, 130, 13)).isfinite().all()
    assert statistics(torch.zeros(2, 130, 13)).shape == (2, 12 + 13 + 13 + 78 + 25)
