"""A figure that stays when its data change."""

import gradio as gr
import plotly.graph_objects as go

DRAW = """
const place = element.querySelector(".drawing");
const draw = () => drawFigure(place, props.value);
watch("value", draw);
draw();
"""


def drawing(elem_id: str, height: int) -> gr.HTML:
    """A place for figures as `drawn` gives them; it keeps `height` pixels free for the first.

    `gr.Plot` mounts a new figure for every value and draws it twice, which takes the browser three times as
    long, and forgets what the visitor zoomed into; see assets/inside.js.
    """
    return gr.HTML(
        "",
        html_template=f'<div class="drawing" style="min-height:{height}px"></div>',
        js_on_load=DRAW,
        elem_id=elem_id,
        apply_default_css=False,
    )


def drawn(figure: go.Figure) -> str:
    """A figure as its place takes it."""
    return str(figure.to_json())
