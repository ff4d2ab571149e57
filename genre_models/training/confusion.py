"""The picture of a confusion matrix that goes with a model's card."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from matplotlib.figure import Figure

from genre_models.classifiers import GENRES

INCHES, DPI = (7.2, 6.4), 110
DARK = 0.55  # a cell from this share on is written on in white


def confusion_png(counts: Sequence[Sequence[float]], title: str) -> bytes:
    """Shares of each true genre's tracks that got each name, from counts (true, named), as a PNG."""
    tracks = np.asarray(counts, dtype=float)  # (10, 10)
    shares = tracks / np.maximum(tracks.sum(axis=1, keepdims=True), 1e-9)
    figure = Figure(figsize=INCHES, layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Greys", vmin=0, vmax=1)
    places = range(len(GENRES))
    axes.set_xticks(places, GENRES, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(places, GENRES)
    axes.set(xlabel="named", ylabel="true genre", title=title)
    for row in places:
        for column in places:
            if (share := shares[row, column]) >= 0.005:
                colour = "white" if share >= DARK else "black"
                axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=colour)
    figure.colorbar(image, label="share of the genre's tracks", format="{x:.0%}", shrink=0.8)
    file = BytesIO()
    figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()
