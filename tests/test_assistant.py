"""The teacher assistant labels from MFCCs alone, and learns only from what it was given."""

import pytest
import torch

from genre_models.classifiers import GENRES
from genre_models.training.assistant import MOST_UNLABELLED, Assistant, Imagination, statistics


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
    return Assistant(known, embedding(known), labels, torch.ones(200), (other, embedding(other)))


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
    alone = Assistant(known, embedding(known), labels, torch.ones(60), nothing)
    assert float((alone(known).argmax(dim=1) == labels).float().mean()) > 0.9


def test_a_genre_that_was_not_there_is_never_named() -> None:
    labels = torch.arange(90) % 9  # no rock
    known = segments(labels, 0)
    nothing = torch.empty(0, 130, 13), torch.empty(0, 200)
    alone = Assistant(known, embedding(known), labels, torch.ones(90), nothing)
    assert float(alone(segments(torch.full((20,), 9), 3)).exp()[:, 9].max()) < 1e-6


def test_statistics_are_finite_for_a_constant_segment() -> None:
    assert statistics(torch.zeros(2, 130, 13)).isfinite().all()
    assert statistics(torch.zeros(2, 130, 13)).shape == (2, 12 + 13 + 13 + 78 + 25)


def test_what_weighs_nothing_teaches_nothing() -> None:
    labels = torch.arange(120) % 4
    known, wrong = segments(labels, 0), (labels + 1) % 4
    nothing = torch.empty(0, 130, 13), torch.empty(0, 200)
    both = torch.cat([known, known]), torch.cat([embedding(known)] * 2), torch.cat([labels, wrong])
    for weights, expected in ((torch.tensor([1.0, 0.0]), labels), (torch.tensor([0.0, 1.0]), wrong)):
        told = Assistant(*both, weights.repeat_interleave(120), nothing)(known).argmax(dim=1)
        assert float((told == expected).float().mean()) > 0.9


def test_what_is_imagined_is_near_what_is_heard() -> None:
    labels = torch.arange(300) % len(GENRES)
    known, other = segments(labels, 0), segments(torch.arange(50) % len(GENRES), 9)
    imagine = Imagination(known, embedding(known))
    wanted = (embedding(other) - embedding(known).mean(dim=0)) / embedding(known).std(dim=0)
    missed = (imagine(imagine.described(other)) - wanted).square().mean()
    assert float(missed) < 0.5 * float(wanted.square().mean())


def test_much_other_music_does_not_make_it_slow() -> None:
    labels = torch.arange(20) % len(GENRES)
    known = segments(labels, 0)
    many = known.repeat(MOST_UNLABELLED // 20 + 1, 1, 1)
    taught = Assistant(known, embedding(known), labels, torch.ones(20), (many, embedding(many)))
    assert len(taught._imagine._support) == 20 + MOST_UNLABELLED
