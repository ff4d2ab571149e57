"""Which of the attention maps is shown, and what of it was in sight."""

import numpy as np
import pytest

from genre_models.attention_maps import chosen_map, without_future


@pytest.mark.parametrize("of_several", [np.asarray, list])
def test_a_map_is_that_of_a_head_or_the_mean_of_those_that_it_stands_for(of_several: type) -> None:
    layers = np.random.default_rng(1).random((2, 3, 7, 6))
    maps = of_several(layers)
    np.testing.assert_array_equal(chosen_map(maps, 1, 2), layers[1, 2])
    np.testing.assert_allclose(chosen_map(maps, 0), layers[0].mean(axis=0))
    np.testing.assert_allclose(chosen_map(maps, head=0), layers[:, 0].mean(axis=0))
    np.testing.assert_allclose(chosen_map(maps), layers.mean(axis=(0, 1)))


def test_what_was_to_come_is_blank_but_not_a_words_own_beginning() -> None:
    weights = np.array([[[1.0, 0.0, 0.0], [0.5, 0.3, 0.2]]])
    seen = without_future(weights)[0]
    assert np.isnan(seen).tolist() == [[False, True, True], [False, False, False]]
