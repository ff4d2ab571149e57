"""A visitor who talks to the app's routes directly, as a page or a program does, or as neither would."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx

TIMEOUT_S = 120
JSON = {"Content-Type": "application/json"}
TUNE: dict[str, Any] = {
    **{"notes": "A5 E5", "length": 8, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "seed": 1},
    **{"key": "", "metre": "4/4"},
}
"""What /generate takes, in its order."""
PROSE: dict[str, Any] = {"text": "It was a", "length": 8, "temperature": 0.8, "top_p": 0.9, "seed": 1}
"""What /continue_text takes, in its order."""
UPLOADED_ONLY = "a file was not uploaded here"


class Visitor:
    """One session with the app at an address."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=TIMEOUT_S)
        self.session = uuid4().hex

    def upload(self, content: bytes, name: str = "a.wav") -> dict[str, Any]:
        """Give the app a file; what stands for it in a call."""
        (path,) = self.http.post("gradio_api/upload", files={"files": (name, content)}).json()
        return file(path)

    def call(self, endpoint: str, *values: Any) -> Any:
        """What a public endpoint answers: its values, or a dictionary with "error"."""
        return self.call_raw(endpoint, json.dumps({"data": values}).encode())

    def call_raw(self, endpoint: str, body: bytes) -> Any:
        """The same for a body of any kind; a number is the HTTP status that refused it at once."""
        response = self.http.post(f"gradio_api/call/{endpoint}", content=body, headers=JSON)
        if response.status_code != 200:
            return response.status_code
        events = self.http.get(f"gradio_api/call/{endpoint}/{response.json()['event_id']}").text
        return json.loads(events.rstrip().rsplit("data: ", 1)[1])

    def act(self, handler: int, values: Any, event: Any = None) -> Any:
        """What the handler of this number answers to the page; a number is an HTTP status."""
        joined = self.join(handler, values, event)
        return joined if isinstance(joined, int) else next(self.outcomes())["output"]

    def handlers(self) -> dict[str, int]:
        """The numbers of the page's handlers, by name; of equal names the first."""
        found: dict[str, int] = {}
        for handler in self.http.get("config").json()["dependencies"]:
            found.setdefault(handler["api_name"], handler["id"])
        return found

    def join(self, handler: int, values: Any, event: Any = None) -> str | int:
        """Ask a handler as the page does, without waiting; the event's name, or an HTTP status."""
        body = {"data": values, "fn_index": handler, "session_hash": self.session, "event_data": event}
        response = self.http.post("gradio_api/queue/join", content=json.dumps(body).encode(), headers=JSON)
        return response.json()["event_id"] if response.status_code == 200 else response.status_code

    def outcomes(self) -> Iterator[dict[str, Any]]:
        """What becomes of the events that were joined, in the order they end."""
        session = {"session_hash": self.session}
        with self.http.stream("GET", "gradio_api/queue/data", params=session) as messages:
            for line in messages.iter_lines():
                message = json.loads(line.removeprefix("data:") or "{}")
                if message.get("msg") == "process_completed":
                    yield message


def file(path: Any) -> dict[str, Any]:
    """What stands for a file in a call."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}}
