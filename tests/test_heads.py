"""The choice of a layer and a head."""

import gradio as gr
import pytest

from genre_models.ui.heads import ALL, Chosen, HeadChoice, chosen


@pytest.mark.parametrize(
    ("layer", "head", "which", "words"),
    [
        (ALL, ALL, Chosen(None, None), "all layers, all heads"),
        (2, ALL, Chosen(1, None), "layer 2, all heads"),
        (ALL, 4, Chosen(None, 3), "all layers, head 4"),
        (3, 1, Chosen(1, 0), "layer 2, head 1"),
    ],
)
def test_of_two_layers_the_chosen_is_named(layer: int, head: int, which: Chosen, words: str) -> None:
    assert chosen(layer, head, 2) == which
    assert which.words == words


def test_a_press_on_the_sixth_map_chooses_its_layer_and_head() -> None:
    with gr.Blocks():
        choice = HeadChoice(3, 4)
    assert choice.on_map(gr.EventData(None, {"curve": 5})) == [2, 2]
