"""The figures of the notes: what a cell means, and what stands beside the axes."""

import numpy as np

from genre_models.classifiers import TransformerClassifier
from genre_models.inside import positions
from genre_models.plots.masks import KINDS, mask
from genre_models.plots.positions import positions as draw

TOKENS = ["start", "C#5", "1/8", "padding"]
LATER, PADDING, UNCOUNTED, SEEN = range(4)


def causal(n: int, n_padding: int) -> np.ndarray:
    return np.tri(n, dtype=bool) & (np.arange(n) < n - n_padding)


def test_a_mask_tells_four_kinds_of_cells_apart() -> None:
    figure = mask(causal(4, 1), TOKENS, 1)
    assert figure.data[0].z.tolist() == [
        [SEEN, LATER, LATER, PADDING],
        [SEEN, SEEN, LATER, PADDING],
        [SEEN, SEEN, SEEN, PADDING],
        [UNCOUNTED, UNCOUNTED, UNCOUNTED, PADDING],
    ]
    assert figure.data[0].customdata[1, 2] == "hidden: it comes later"
    shares = [share for share, _ in figure.data[0].colorscale]
    colours = [colour for _, colour in figure.data[0].colorscale]
    assert shares == [0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 1]
    assert colours[::2] == colours[1::2] == [colour for colour, _ in KINDS]


def test_tokens_of_one_name_are_different_rows_of_a_mask() -> None:
    figure = mask(causal(4, 0), ["start", "1/8", "1/8", "1/8"], 0)
    assert len(set(figure.data[0].x)) == 4
    assert list(figure.layout.xaxis.ticktext) == ["start", "1/8", "1/8", "1/8"]


def test_a_mask_says_who_looks_and_how_much_of_it_is_padding() -> None:
    figure = mask(causal(4, 1), TOKENS, 1)
    assert figure.layout.xaxis.title.text == "Token that is looked at"
    assert figure.layout.yaxis.title.text == "Token that looks"
    assert "4 tokens, the last 1 of them padding" in figure.layout.meta["alt"]


def test_positions_share_one_axis_of_seconds() -> None:
    known = positions.positions(TransformerClassifier())
    figure = draw(known.times_s, known.pattern, 65, known.likeness(65))
    heatmap, curve = figure.data
    np.testing.assert_array_equal(heatmap.z, known.pattern.T.astype(np.float32))
    assert (heatmap.zmin, heatmap.zmax) == (-1, 1)
    np.testing.assert_array_equal(heatmap.x, curve.x)
    assert curve.y[65] == np.float32(1)
    assert figure.layout.xaxis.title.text == "Seconds into the segment"
    assert figure.layout.yaxis.title.text == "Dimension"
    assert figure.layout.shapes[0].x0 == known.times_s[65]
    assert "at 3.02 s" in figure.layout.meta["alt"]
