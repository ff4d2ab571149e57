"""The public endpoints as tools of the Model Context Protocol, at /gradio_api/mcp/."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync
from gradio import mcp
from gradio.block_function import BlockFunction
from gradio.utils import get_function_description
from gradio_client.client import Job
from gradio_client.utils import is_file_obj_with_meta, is_http_url_like
from mcp.server import Server
from mcp.types import CallToolRequest, ListToolsRequest, PingRequest, ServerResult

from genre_models.ui.page import require_text

DECIMALS = 4
OFFERED = (PingRequest, ListToolsRequest, CallToolRequest)
NO_FILE = (
    "“{name}” should be the http or https address of a file, or the file itself as data:audio/...;base64,..."
)


class Tools(mcp.GradioMCPServer):
    """Gradio's server; its answers are JSON, every value a text of its own, and no file stays behind.

    Gradio by itself answers with Python's notation and all values in one, never deletes a file that came with
    a call, and gives each waiting call one of the 40 threads that the page needs as well: where that many
    calls come first, all of them wait for the configuration, which takes a thread to be sent.
    """

    def create_mcp_server(self) -> Server[Any, Any]:
        """As Gradio's, but the first call sets up what the others use before any of them goes on.

        There are tools and nothing else: Gradio takes any prompt that is asked for for one of them.
        """
        server: Server[Any, Any] = super().create_mcp_server()
        server.request_handlers = {kind: server.request_handlers[kind] for kind in OFFERED}
        answer, alone = server.request_handlers[CallToolRequest], asyncio.Lock()

        async def answer_when_ready(request: CallToolRequest) -> ServerResult:
            async with alone:
                await run_sync(self._get_or_create_client)
            return await answer(request)

        server.request_handlers[CallToolRequest] = answer_when_ready
        return server

    def get_fn_description(self, block_fn: BlockFunction, tool_name: str) -> tuple[str, dict[str, str]]:
        """What a tool and each of its values is; the answer's lines are sentences, which need no commas."""
        description, values = super().get_fn_description(block_fn, tool_name)
        answer = get_function_description(block_fn.fn)[2] if block_fn.fn else []
        return description.replace(", ".join(answer), " ".join(answer)), values

    async def _execute_tool_without_progress(self, job: Job) -> list[Any]:
        result = await asyncio.wrap_future(job.future)
        return list(result) if isinstance(result, tuple) else [result]

    def convert_strings_to_filedata(self, value: Any, filedata_positions: list[list[str | int]]) -> Any:
        """Arguments with files in the place of addresses and of base64. Raises ValueError with a sentence."""
        require_text([value])
        try:
            arguments = super().convert_strings_to_filedata(value, filedata_positions)
        except ValueError:
            names = " and ".join(str(place[0]) for place in filedata_positions)
            raise ValueError(NO_FILE.format(name=names)) from None
        files = [file for file in arguments.values() if is_file_obj_with_meta(file)]
        local = (file["path"] for file in files if not is_http_url_like(file["path"]))
        self.blocks.upload_file_set.update(local)  # to be deleted as what was uploaded
        return arguments

    def postprocess_output_data(self, data: list[Any], root_url: str) -> Any:
        """What an endpoint gave, as MCP's content: JSON for values, addresses for files."""
        return super().postprocess_output_data([_as_text(value) for value in data], root_url)


def _as_text(value: Any) -> Any:
    is_json = isinstance(value, dict | list) and not is_file_obj_with_meta(value)
    return json.dumps(_rounded(value), ensure_ascii=False) if is_json else value


def _rounded(value: Any) -> Any:
    """Numbers as a reader wants them: 17 digits of each probability would be mostly noise."""
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, DECIMALS) if isinstance(value, float) else value


def offer_tools() -> None:
    """Let pages that are launched from now on use `Tools`, and nothing that callers send be logged."""
    setattr(mcp, "GradioMCPServer", Tools)  # noqa: B010 - for which Gradio has no setting
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    logging.getLogger().addFilter(_is_not_of_a_call)


def _is_not_of_a_call(record: logging.LogRecord) -> bool:
    """Whether something else than the package `mcp` logs past its own loggers."""
    return "mcp" not in Path(record.pathname).parts
