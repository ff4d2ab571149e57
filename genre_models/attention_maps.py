"""Attention as arrays to look at: maps (queries, keys) of layers and heads."""

from collections.abc import Sequence

import numpy as np


def chosen_map(
    layers: Sequence[np.ndarray] | np.ndarray, layer: int | None = None, head: int | None = None
) -> np.ndarray:
    """One map (queries, keys): of a layer and head, or their mean where one is None.

    `layers` has one (heads, queries, keys) a layer.
    """
    chosen = layers if layer is None else [layers[layer]]
    return np.mean([maps.mean(axis=0) if head is None else maps[head] for maps in chosen], axis=0)


def without_future(weights: np.ndarray) -> np.ndarray:
    """Weights (..., queries, keys) with NaN at what was to come; the last of the keys are the queries.

    Queries and keys are groups of tokens, and a row is what its tokens were foretold by: a query of several
    looks at its own beginning as well; one of a single token sees nothing there.
    """
    n_queries, n_keys = weights.shape[-2:]
    to_come = np.triu(np.ones((n_queries, n_keys), dtype=bool), k=n_keys - n_queries)
    return np.where(to_come & (weights == 0), np.nan, weights)
