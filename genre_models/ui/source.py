"""Which models the page answers with, where they come from and how good they are, in a line at its foot."""

from genre_models.classifiers import ARCHITECTURES
from genre_models.metrics import Accuracy
from genre_models.served import Served
from genre_models.ui.html import render


def fallback(served: Served) -> str:
    """A notice where these are not the models that were asked for; empty otherwise."""
    return render("fallback", problem=served.problem) if served.problem else ""


def source(served: Served) -> str:
    """The foot of the page: where the models are from, and the headline figures, if they were measured."""
    return render("source", served=served, source=served.source, accuracy=_together(served))


def _together(served: Served) -> Accuracy | None:
    """The verdict's accuracy; None where it was not measured for this very set of models."""
    measured = served.quality.accuracies
    same = served.ensemble.models.keys() == measured.keys() & ARCHITECTURES.keys()
    return measured.get("verdict") if same else None
