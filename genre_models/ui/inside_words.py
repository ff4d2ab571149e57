"""What each row of the MFCC heatmap means."""

from genre_models.features import N_MFCC
from genre_models.plots.features import coefficient_name, ripple
from genre_models.ui.html import render


def coefficients() -> str:
    """A list of the coefficients, each with the wave over the spectrum that it stands for."""
    rows = [
        (
            number,
            coefficient_name(number),
            " ".join(f"{100 * x:.1f},{12 - 9 * height:.1f}" for x, height in ripple(number)),
        )
        for number in range(N_MFCC)
    ]
    return render("inside_coefficients", rows=rows)
