"""The choice of a layer and a head of attention, or of the mean of all."""

from collections.abc import Callable
from typing import Any, NamedTuple

import gradio as gr

ALL = 0
"""Of layers or heads: their mean."""


class Chosen(NamedTuple):
    """A layer and a head, from 0; None stands for the mean of all."""

    layer: int | None
    head: int | None

    @property
    def words(self) -> str:
        """Such as "layer 2, all heads"."""
        layer = "all layers" if self.layer is None else f"layer {self.layer + 1}"
        head = "all heads" if self.head is None else f"head {self.head + 1}"
        return f"{layer}, {head}"


def chosen(layer: int, head: int, n_layers: int) -> Chosen:
    """What the two fields stand for; where there are fewer layers, the last is shown."""
    return Chosen(min(layer, n_layers) - 1 if layer else None, head - 1 if head else None)


class HeadChoice:
    """Two fields: a layer and a head, from 1, `first` at first."""

    def __init__(self, layers: int, heads: int, first: tuple[int, int] = (ALL, ALL)) -> None:
        self.heads = heads
        self.layer = gr.Dropdown(_numbered(layers), value=first[0], label="Layer", min_width=130)
        self.head = gr.Dropdown(_numbered(heads), value=first[1], label="Head", min_width=130)
        self.fields = [self.layer, self.head]

    def connect(
        self, maps: gr.HTML, show: Callable[..., Any], given: list[Any], shown: Any, **settings: Any
    ) -> None:
        """`show` another choice in `shown`, made here or on small `maps` of all layers and heads."""
        maps.select(self.on_map, None, self.fields, **settings).success(show, given, shown, **settings)
        for field in self.fields:
            field.input(show, given, shown, **settings)

    def on_map(self, event: gr.EventData) -> list[int]:
        """One of the small maps was pressed."""
        layer, head = divmod(event.curve, self.heads)
        return [layer + 1, head + 1]


def _numbered(n: int) -> list[tuple[str, int]]:
    return [("mean of all", ALL), *((str(i), i) for i in range(1, n + 1))]
