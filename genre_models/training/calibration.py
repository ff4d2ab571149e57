"""Probabilities that mean what they say: fitted to, and measured on, artists that the models never heard."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import logsumexp

from genre_models.training.scores import N_RESAMPLES
from genre_models.verdict import SMALLEST

TEMPERATURES = (0.2, 5.0)
MAX_WEIGHT = 5.0
N_BINS = 10


def tempered(log_probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(log p / temperature) over the last axis."""
    scaled = log_probabilities / temperature
    probabilities: np.ndarray = np.exp(scaled - logsumexp(scaled, axis=-1, keepdims=True))
    return probabilities


def negative_log_likelihood(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Mean over (n, genres) answers of -log of the true genre's probability."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(truth)), truth], SMALLEST)).mean())


def fit_temperature(log_probabilities: np.ndarray, owner: np.ndarray, truth: np.ndarray) -> float:
    """The temperature whose answers on whole recordings are likeliest.

    `log_probabilities` (segments, genres) and `owner` (segments,), the recording of each, numbered from 0 as
    in `truth` (recordings,). A recording's answer is the mean of its segments' probabilities. Guo et al.,
    "On calibration of modern neural networks" (ICML 2017).
    """
    counts = np.bincount(owner, minlength=len(truth))[:, None]

    def loss(log_temperature: float) -> float:
        sums = np.zeros((len(truth), log_probabilities.shape[1]))
        np.add.at(sums, owner, tempered(log_probabilities, float(np.exp(log_temperature))))
        return negative_log_likelihood(sums / counts, truth)

    return float(np.exp(minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded").x))


def pooled(weights: Sequence[float], logs: np.ndarray) -> np.ndarray:
    """The logarithmic pool of models' log-probabilities (models, n, genres) -> (n, genres)."""
    return tempered(np.tensordot(np.asarray(weights), logs, axes=1), 1.0)


def fit_pool(probabilities: Mapping[str, np.ndarray], truth: np.ndarray) -> dict[str, float]:
    """How much each model counts so that the pooled answers (n, genres) are likeliest; none below 0."""
    logs = np.log(np.maximum(np.stack(list(probabilities.values())), SMALLEST))
    found = minimize(
        lambda weights: negative_log_likelihood(pooled(weights, logs), truth),
        np.full(len(logs), 1 / len(logs)),
        method="L-BFGS-B",
        bounds=[(0.0, MAX_WEIGHT)] * len(logs),
    )
    return dict(zip(probabilities, found.x.round(4).tolist(), strict=True))


def reliability(probabilities: np.ndarray, truth: np.ndarray) -> list[dict[str, float]]:
    """Answers (n, genres) in N_BINS bins of equally many: mean confidence, share right, how many."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    return [
        {
            "confidence": float(confidence[part].mean()),
            "accuracy": float(right[part].mean()),
            "count": len(part),
        }
        for part in np.array_split(np.argsort(confidence, kind="stable"), N_BINS)
        if len(part)
    ]


def calibration_error(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Expected calibration error over the bins of `reliability` (Naeini et al., AAAI 2015)."""
    bins = reliability(probabilities, truth)
    gaps = sum(one["count"] * abs(one["confidence"] - one["accuracy"]) for one in bins)
    return float(gaps / len(truth))


def describe(probabilities: np.ndarray, truth: np.ndarray, artists: np.ndarray) -> dict[str, Any]:
    """Calibration error with its 95% interval by resampling artists, likelihood and reliability diagram."""
    _, owner = np.unique(artists, return_inverse=True)
    members = [np.flatnonzero(owner == i) for i in range(owner.max() + 1)]
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(N_RESAMPLES):
        drawn = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        errors.append(calibration_error(probabilities[drawn], truth[drawn]))
    low, high = np.percentile(errors, [2.5, 97.5])
    return {
        "ece": calibration_error(probabilities, truth),
        "interval": [float(low), float(high)],
        "nll": negative_log_likelihood(probabilities, truth),
        "bins": reliability(probabilities, truth),
    }
