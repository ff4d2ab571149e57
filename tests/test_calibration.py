"""Temperatures, pools and calibration errors do what their names promise."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genre_models.training import calibration
from genre_models.verdict import Combination


def answers(n: int, sharpness: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities that are right as often as they say when `sharpness` is 1."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, 10))
    honest = calibration.tempered(logits, 1.0)
    truth = np.array([rng.choice(10, p=row) for row in honest])
    return np.log(calibration.tempered(logits, 1 / sharpness)), truth


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.5])
def test_the_temperature_undoes_over_and_underconfidence(sharpness: float) -> None:
    logs, truth = answers(6_000, sharpness)
    owner = np.arange(len(truth))
    found = calibration.fit_temperature(logs, owner, truth)
    assert found == pytest.approx(sharpness, rel=0.1)
    assert calibration.calibration_error(calibration.tempered(logs, found), truth) < 0.03


def test_calibration_error_of_known_cases() -> None:
    truth = np.zeros(100, dtype=int)
    certain = np.eye(10)[truth]
    assert calibration.calibration_error(certain, truth) == pytest.approx(0.0)
    assert calibration.calibration_error(certain, truth + 1) == pytest.approx(1.0)
    half = np.full((100, 10), 0.5 / 9)
    half[:, 0] = 0.5
    mixed = np.where(np.arange(100) % 2 == 0, 0, 3)
    assert calibration.calibration_error(half, mixed) == pytest.approx(0.0, abs=0.08)


def test_bins_hold_equally_many_and_all() -> None:
    logs, truth = answers(503, 1.0)
    bins = calibration.reliability(np.exp(logs), truth)
    counts = [one["count"] for one in bins]
    assert len(bins) == 10
    assert sum(counts) == 503
    assert max(counts) - min(counts) <= 1
    confidences = [one["confidence"] for one in bins]
    assert confidences == sorted(confidences)


def test_the_pool_trusts_who_knows_and_ignores_who_guesses() -> None:
    logs, truth = answers(3_000, 1.0)
    guesses = np.full_like(logs, 0.1)
    noise, _ = answers(3_000, 1.0, seed=9)
    weights = calibration.fit_pool({"knows": np.exp(logs), "guesses": guesses, "noise": np.exp(noise)}, truth)
    assert weights["knows"] == pytest.approx(1.0, abs=0.1)
    assert weights["noise"] < 0.1


@given(
    st.dictionaries(st.sampled_from("abcde"), st.floats(0, 3), min_size=1),
    st.integers(0, 2**31),
)
def test_the_app_pools_as_the_evaluation_does(weights: dict[str, float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    said = {name: rng.dirichlet(np.ones(10)) for name in weights}
    ours = Combination({frozenset(weights): weights}).combine(
        {name: torch.from_numpy(p) for name, p in said.items()}
    )
    logs = np.log(np.maximum(np.stack(list(said.values())), 1e-6))
    expected = calibration.pooled(list(weights.values()), logs[:, None])[0]
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-9)
