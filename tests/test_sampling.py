"""What the next token is drawn from."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from genre_models.sampling import MOST_SEED, RANDOM, RANDOM_SEEDS, Rows, used_seed
from genre_models.seq2seq import Sampling

logits_lists = st.lists(st.floats(-20, 20), min_size=1, max_size=30)


def kept(distribution: Tensor) -> set[int]:
    return set(distribution[0].nonzero().flatten().tolist())


def assert_holds_the_likeliest(distribution: Tensor, logits: Tensor, size: int) -> None:
    probabilities, chosen = logits.softmax(dim=-1)[0], sorted(kept(distribution))
    best = probabilities.sort(descending=True).values[:size]
    assert torch.equal(probabilities[chosen].sort(descending=True).values, best)
    torch.testing.assert_close(distribution[0, chosen], probabilities[chosen] / best.sum())


def test_plain_sampling_is_the_softmax() -> None:
    logits = torch.randn(4, 9)
    torch.testing.assert_close(Sampling().distribution(logits), logits.softmax(dim=-1))


@given(logits_lists, st.floats(0.05, 5.0))
def test_temperature_divides_the_logits(values: list[float], temperature: float) -> None:
    logits = torch.tensor([values], dtype=torch.float64)
    expected = (logits / temperature).softmax(dim=-1)
    torch.testing.assert_close(Sampling(temperature).distribution(logits), expected)


@given(logits_lists, st.floats(0.01, 1.0, exclude_max=True), st.none() | st.integers(1, 40))
def test_nucleus_is_the_smallest_set_that_reaches_top_p(
    values: list[float], top_p: float, top_k: int | None
) -> None:
    logits = torch.tensor([values], dtype=torch.float64)
    distribution = Sampling(top_k=top_k, top_p=top_p).distribution(logits)
    masses = sorted(logits.softmax(dim=-1)[0].tolist(), reverse=True)[:top_k]
    masses = [mass / sum(masses) for mass in masses]
    size = len(kept(distribution))
    assert sum(masses[:size]) >= top_p - 1e-9
    assert sum(masses[: size - 1]) < top_p + 1e-9
    assert_holds_the_likeliest(distribution, logits, size)


@given(logits_lists, st.integers(1, 40))
def test_top_k_keeps_the_k_likeliest(values: list[float], top_k: int) -> None:
    logits = torch.tensor([values], dtype=torch.float64)
    assert_holds_the_likeliest(Sampling(top_k=top_k).distribution(logits), logits, min(top_k, len(values)))


@pytest.mark.parametrize(
    "sampling", [Sampling(top_k=1), Sampling(0.0), Sampling(1e-300), Sampling(top_p=1e-9)]
)
def test_the_narrowest_choice_is_the_likeliest_token(sampling: Sampling) -> None:
    logits = torch.randn(20, 50, dtype=torch.float64)
    logits[:, 7] = -math.inf
    distribution = sampling.distribution(logits)
    assert torch.equal(distribution, torch.nn.functional.one_hot(logits.argmax(dim=-1), 50).double())


def test_what_is_impossible_stays_so() -> None:
    logits = torch.tensor([[0.0, -math.inf, 1.0, -math.inf]])
    for sampling in (Sampling(), Sampling(100.0), Sampling(top_k=3), Sampling(top_p=0.999)):
        assert kept(sampling.distribution(logits)) == {0, 2}


def test_every_row_has_a_generator_of_its_own() -> None:
    first, second = Sampling(seed=5).generators(2)
    (alone,) = Sampling(seed=6).generators(1)
    assert not torch.equal(torch.rand(4, generator=first), drawn := torch.rand(4, generator=second))
    assert torch.equal(drawn, torch.rand(4, generator=alone))


def test_tokens_are_what_multinomial_draws() -> None:
    sampling = Sampling(top_k=9, seed=5)
    rows = Rows(torch.ones(2, 1, dtype=torch.long), 0, sampling, None, None)
    generators = sampling.generators(2)
    for _ in range(50):
        step = rows.extend(torch.randn(2, 40), None)
        expected = [
            int(torch.multinomial(row, 1, generator=generator))
            for row, generator in zip(step.sampled_from, generators, strict=True)
        ]
        assert step.tokens.tolist() == expected


def test_of_equal_tokens_the_first_are_kept() -> None:
    logits = torch.tensor([[0.0, 1.0, 1.0, 1.0, 2.0], [5.0, 5.0, 5.0, 5.0, 5.0]])
    distribution = Sampling(top_k=3).distribution(logits)
    assert (distribution > 0).tolist() == [[False, True, True, False, True], [True, True, True, False, False]]


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("temperature", -0.1, "temperature is 0 or more, not -0.1"),
        ("temperature", math.nan, "temperature is 0 or more, not nan"),
        ("temperature", math.inf, "temperature is 0 or more, not inf"),
        ("top_k", 0, "top_k is 1 or more, not 0"),
        ("top_p", 0.0, "top_p is over 0 and at most 1, not 0.0"),
        ("top_p", 1.1, "top_p is over 0 and at most 1, not 1.1"),
        ("top_p", math.nan, "top_p is over 0 and at most 1, not nan"),
        ("seed", -1, "seed is a whole number from 0 to 2\\^63 - 1, not -1"),
        ("seed", 2**63, "seed is a whole number"),
    ],
)
def test_wrong_settings_are_named(setting: str, value: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Sampling(**{setting: value})


def test_a_seed_is_the_one_asked_for_or_a_short_random_one() -> None:
    assert [used_seed(seed) for seed in (0, 7, MOST_SEED)] == [0, 7, MOST_SEED]
    drawn = {used_seed(asked) for asked in (None, RANDOM) for _ in range(10)}
    assert len(drawn) > 1
    assert all(0 <= seed < RANDOM_SEEDS for seed in drawn)
    with pytest.raises(ValueError, match="whole number up to 9,007,199,254,740,991"):
        used_seed(MOST_SEED + 1)
