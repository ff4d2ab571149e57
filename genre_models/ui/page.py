"""The page as Gradio serves it, on guard against what callers send to its handlers."""

import inspect
import json
import logging
import math
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.blocks import BlockContext
from gradio.components import Component
from gradio.data_classes import APIInfo
from gradio.state_holder import SessionState
from gradio.utils import get_function_description, get_upload_folder
from gradio_client.utils import async_traverse, is_file_obj_with_meta, is_http_url_like

from genre_models.fetch import FetchError, fetch
from genre_models.ui.widgets import refusal

LOG = logging.getLogger(__name__)
LONGEST_SHOWN = 60  # characters of a wrong value
LONGEST_SAID = 600  # characters of an error: enough for a list of all keys
SERVED_AT = "/gradio_api/file="
UNUSABLE = (
    "One of these values is of the wrong kind, or a file was not uploaded here; "
    "“Use via API” at the foot of the page says what is expected."
)
KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "number": ((int, float), "a number"),
    "integer": ((int, float), "a whole number"),
    "string": ((str,), "text"),
    "array": ((list,), "a list"),
    "boolean": ((bool,), "true or false"),
}
"""By a component's JSON type: what may come in, and how it reads in a sentence."""


class InputError(ValueError):
    """A value that an endpoint cannot take; the message is a sentence for a person."""


class Page(gr.Blocks):
    """Gradio's page, where wrong values get a sentence, and addresses are fetched with a bound on bytes.

    Gradio by itself answers them with an error without words, and a traceback in the log that holds what the
    caller sent; it reads an address of any length into memory.
    """

    async def preprocess_data(
        self,
        block_fn: BlockFunction,
        inputs: list[Any],
        state: SessionState | None,
        explicit_call: bool = False,
    ) -> list[Any]:
        """What a handler gets of what came in."""
        try:
            require_text(inputs)
            if block_fn.api_visibility == "public":
                require_kinds(block_fn, inputs)
            inputs = await async_traverse(inputs, self._fetched, is_file_obj_with_meta)
            return await super().preprocess_data(block_fn, inputs, state, explicit_call)
        except (InputError, FetchError) as error:
            raise refusal(str(error)) from None
        except gr.Error as error:
            raise refusal(shortened(str(error.message), LONGEST_SAID)) from None
        except (
            Exception
        ) as error:  # Gradio's way to say that a value is of the wrong kind, or a fault of ours
            LOG.warning("%s could not take what it was sent: %s", block_fn.api_name, type(error).__name__)
            raise refusal(UNUSABLE) from None

    def get_api_info(self, all_endpoints: bool = False, page: str | None = None) -> APIInfo:
        """What "Use via API" shows, with what docstrings say of each value, which Gradio leaves out."""
        info = super().get_api_info(all_endpoints, page)
        for function in self.fns.values():
            endpoint = info["named_endpoints"].get(f"/{function.api_name}")
            if endpoint and function.fn:
                _, words, answer = get_function_description(function.fn)
                for value in endpoint["parameters"]:
                    value["python_type"]["description"] = words.get(value["parameter_name"], "")
                endpoint["description"] = f"{endpoint['description']} Returns {' '.join(answer)}"
        return info

    async def _fetched(self, file: dict[str, Any]) -> dict[str, Any]:
        if not is_http_url_like(file["path"]):
            return file
        uploaded = unquote(urlsplit(file["path"]).path).partition(SERVED_AT)[2]
        if uploaded in self.upload_file_set:  # a program on this machine gives the address of its upload
            return {**file, "path": uploaded, "url": None}
        path = await fetch(file["path"], Path(get_upload_folder()), self.max_file_size or math.inf)
        self.upload_file_set.add(str(path))  # to be deleted as what was uploaded
        return {**file, "path": str(path), "url": None}


def require_text(values: list[Any]) -> None:
    """Raise InputError for half a character, which JSON can hold but which no answer could repeat."""
    try:
        json.dumps(values, ensure_ascii=False, default=repr).encode()
    except UnicodeEncodeError:
        raise InputError("There is text here that holds half a character.") from None


def require_kinds(endpoint: BlockFunction, values: list[Any]) -> None:
    """Raise InputError for the first value of the wrong JSON type, or for too few values."""
    if len(values) < len(endpoint.inputs):
        raise InputError(f"{len(endpoint.inputs)} values are expected here, not {len(values)}.")
    names = inspect.signature(endpoint.fn).parameters if endpoint.fn else ()
    for name, component, value in zip(names, endpoint.inputs, values, strict=False):
        kinds, words = _kinds(component)
        is_left_out = value is None and not isinstance(component, gr.Slider | gr.CheckboxGroup)
        is_finite = not isinstance(value, float) or math.isfinite(value)
        if not is_left_out and not (isinstance(value, kinds) and is_finite):
            raise InputError(f"“{name}” should be {words}, not {shortened(repr(value), LONGEST_SHOWN)}.")


def _kinds(component: Component | BlockContext) -> tuple[tuple[type, ...], str]:
    kind = component.api_info().get("type") if isinstance(component, Component) else None
    return KINDS.get(str(kind), ((object,), "something else"))


def shortened(text: str, most: int) -> str:
    """The text, or as much of its beginning as may be shown."""
    return text if len(text) <= most else text[:most] + "…"
