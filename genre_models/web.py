"""What every HTTP request to the app and every answer goes through, as ASGI middleware."""

import re
import shutil
from pathlib import Path
from typing import Any

from fastapi.exceptions import RequestValidationError
from gradio.route_utils import FnIndexInferError
from gradio.utils import get_upload_folder
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 2**18  # bytes of any request but an upload; the longest notes are 40 KB
MAX_UPLOAD = 2**30  # bytes of an upload, which may hold several files
MAX_TOOL_CALL = 2**22  # bytes of a call of a tool, which may hold a file as text
MIN_FREE = 2**30  # bytes of disk that an upload leaves, were it the largest

UPLOAD = re.compile(r"/gradio_api/upload/?$")
TOOLS = re.compile(r"/gradio_api/mcp(/http)?/?$")
UNUSED = re.compile(
    r"[^=]*/(gradio_api/(file[=/]https?:|proxy=|deep_link|run-history|runs|(undo-)?vibe|mcp/(sse|messages))"
    r"|monitoring|pwa_icon/)",
    re.IGNORECASE,
)
"""What Gradio offers and this app does not use: fetching other hosts' files for anyone, writing files that
are never deleted, statistics on other visitors, the older way to call tools."""

# Gradio's own page needs scripts and styles within it, and functions made from text.
POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'self' https://huggingface.co https://*.hf.space",  # where Spaces show it
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
}

DISK_FULL = "There is no room for more files at the moment, please try again later."
NOT_OFFERED = "This app does not offer that."
NO_CALL = 'This is not a call: send JSON such as {"data": [...]}, with a list of values.'
NO_ENDPOINT = "There is no endpoint of this name; “Use via API” at the foot of the page lists them."


class Guard:
    """Bounds what comes in, closes what is not used, and tells browsers to ask no other host."""

    def __init__(self, app: ASGIApp) -> None:
        self.bounded = RequestBodyLimitMiddleware(app, MAX_BODY)
        self.for_uploads = RequestBodyLimitMiddleware(app, MAX_UPLOAD)
        self.for_tools = RequestBodyLimitMiddleware(app, MAX_TOOL_CALL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        path = scope.get("path", "")
        app: ASGIApp = self.for_uploads if UPLOAD.search(path) else self.bounded
        if TOOLS.search(path):
            app = self.for_tools
        if UNUSED.match(path):
            app = PlainTextResponse(NOT_OFFERED, 403)
        elif app is not self.bounded and _free_bytes() < MAX_UPLOAD + MIN_FREE:
            app = PlainTextResponse(DISK_FULL, 507)
        await app(scope, receive, _with_headers(send))


def _free_bytes() -> int:
    """On the disk where Gradio puts uploads."""
    folder = Path(get_upload_folder())
    return shutil.disk_usage(folder if folder.is_dir() else folder.parent).free


def _with_headers(send: Send) -> Send:
    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    return adding


async def _no_endpoint(request: Request, error: Exception) -> Response:
    return PlainTextResponse(NO_ENDPOINT, 404)


async def _no_call(request: Request, error: Exception) -> Response:
    """FastAPI's own answer repeats what came, and fails where that cannot be encoded."""
    return PlainTextResponse(NO_CALL, 422)


SETTINGS: dict[str, Any] = {
    "middleware": [Middleware(Guard)],
    "exception_handlers": {FnIndexInferError: _no_endpoint, RequestValidationError: _no_call},
}
"""For the FastAPI app that Gradio makes."""
