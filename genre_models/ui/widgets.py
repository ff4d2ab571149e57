"""What several tabs build their widgets from."""

import html

import gradio as gr

TRIGGER_SELECT = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-index]");
  if (button) trigger("select", { index: Number(button.dataset.index) });
});
"""
TRIGGER_CLICK = """
document.addEventListener("plot-click", (event) => {
  if (event.detail.plot === "%s") trigger("select", event.detail);
});
"""


def plain_html(value: str = "", elem_id: str = "", js_on_load: str | None = None) -> gr.HTML:
    """HTML in the page's own style."""
    return gr.HTML(value, elem_id=elem_id, js_on_load=js_on_load, apply_default_css=False)


def clicks_on(elem_id: str) -> gr.HTML:
    """Something unseen whose `select` tells of clicks on the Plotly figure in `elem_id`: `curve`, `point`."""
    return plain_html(elem_id=f"{elem_id}-clicks", js_on_load=TRIGGER_CLICK % elem_id)


def refusal(sentence: str) -> gr.Error:
    """An error whose sentence reaches the visitor or the client as it stands."""
    return gr.Error(html.escape(sentence, quote=False), print_exception=False)
