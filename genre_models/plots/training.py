"""How trainings went: loss and accuracy against epochs, steps or seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from genre_models.history import Curve, Descents
from genre_models.plots.look import MODELS, TEXT, Layout, axis
from genre_models.plots.panels import DASHED, DOTTED, SOLID, Line, Panel, stacked

EPOCHS, STEPS, SECONDS = "epochs", "steps", "seconds"
AXIS_TITLES = {
    EPOCHS: "Epochs (passes over the training set)",
    STEPS: "Steps (updates of the weights)",
    SECONDS: "Time on one processor core (s)",
}
HEIGHTS = {1: 330, 2: 470, 3: 640}
"""Pixels by the number of panels."""
REGIME_DASHES = (SOLID, DASHED, DOTTED)

LOSS = Panel("Loss (nats)", height=1.2)
TRAINING_LOSS, VALIDATION_LOSS = Panel("Training loss (nats)"), Panel("Validation loss (nats)")
ACCURACY = Panel("Balanced accuracy (%)", share=True)


@dataclass(frozen=True)
class Learning:
    """A network on several folds, whose committed weights were trained for so many epochs."""

    title: str
    model: str
    folds: Sequence[Curve]
    stops_at: int

    @property
    def colour(self) -> str:
        """As everywhere."""
        return MODELS.get(self.model, TEXT)

    @property
    def epochs(self) -> tuple[float, ...]:
        """Those that every fold has."""
        return min((fold.epochs for fold in self.folds), key=len)

    def mean(self, measure: str) -> list[float]:
        """A measure by epoch, averaged over the folds."""
        columns = [getattr(fold, measure)[: len(self.epochs)] for fold in self.folds]
        return [float(value) for value in np.mean(columns, axis=0)]

    def validation(self, name: str) -> Line:
        """Validation loss and accuracy, with a dot where the committed weights stop."""
        values = self.mean("validation_loss"), self.mean("validation_accuracy")
        end = self.stops_at - 1 if self.stops_at <= len(self.epochs) else None
        return Line(name, self.epochs, values, self.colour, marked=end)


def learning(one: Learning) -> go.Figure:
    """One network: every fold faint, their mean strong, the training loss dotted."""
    lines = []
    for fold in one.folds:
        lines.append(Line("", fold.epochs, (fold.train_loss, None), one.colour, DOTTED))
        lines.append(Line("", fold.epochs, (fold.validation_loss, fold.validation_accuracy), one.colour))
    lines.append(Line("training", one.epochs, (one.mean("train_loss"), None), one.colour, DOTTED))
    lines.append(one.validation("validation"))
    reached = one.mean("validation_accuracy")[-1]
    alt = f"Learning curves of {one.title}: after {len(one.epochs)} epochs {reached:.0%} on artists kept out."
    return stacked((LOSS, ACCURACY), lines, axis(AXIS_TITLES[EPOCHS]), alt, HEIGHTS[2])


def learning_together(networks: Sequence[Learning]) -> go.Figure:
    """All networks on artists they did not learn from, means over the folds."""
    lines = [one.validation(one.title) for one in networks]
    alt = f"Validation loss and accuracy by epoch: {', '.join(one.title for one in networks)}."
    return stacked((VALIDATION_LOSS, ACCURACY), lines, axis(AXIS_TITLES[EPOCHS]), alt, HEIGHTS[2])


def descents(compared: Descents, against: str) -> go.Figure:
    """The three regimes against `EPOCHS`, `STEPS` or `SECONDS`, on a logarithmic axis.

    The network before its first step has no place there and is left out.
    """
    colour = MODELS.get(compared.model, TEXT)
    lines = []
    for (name, one), dash in zip(compared.regimes.items(), REGIME_DASHES, strict=True):
        curve = one.curve
        values = [curve.train_loss[1:], curve.validation_loss[1:], curve.validation_accuracy[1:]]
        lines.append(Line(name, getattr(curve, against)[1:], values, colour, dash, one.end - 1))
    panels = TRAINING_LOSS, VALIDATION_LOSS, ACCURACY
    alt = f"Losses and accuracy of {', '.join(compared.regimes)} gradient descent by {against}."
    return stacked(panels, lines, _logarithmic(AXIS_TITLES[against]), alt, HEIGHTS[3])


def _logarithmic(title: str) -> Layout:
    return axis(f"{title}, logarithmic", type="log", dtick=1, tickformat=",~g")


def melody_losses(curves: Mapping[str, tuple[str, Curve]]) -> go.Figure:
    """Training (dotted) and validation loss of the melody networks by epoch; by title: colour and curve."""
    lines = []
    for title, (colour, curve) in curves.items():
        lines.append(Line(f"{title}, training", curve.epochs, (curve.train_loss,), colour, DOTTED))
        lines.append(Line(f"{title}, validation", curve.epochs, (curve.validation_loss,), colour))
    alt = f"Training and validation loss by epoch: {', '.join(curves)}."
    return stacked((Panel("Loss (nats a token)"),), lines, axis(AXIS_TITLES[EPOCHS]), alt, HEIGHTS[1])
