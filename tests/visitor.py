"""A visitor who talks to the app's routes directly, as a page or a program does, or as neither would."""

import json
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
        body = {"data": values, "fn_index": handler, "session_hash": self.session, "event_data": event}
        response = self.http.post("gradio_api/queue/join", content=json.dumps(body).encode(), headers=JSON)
        if response.status_code != 200:
            return response.status_code
        with self.http.stream(
            "GET", "gradio_api/queue/data", params={"session_hash": self.session}
        ) as events:
            for line in events.iter_lines():
                message = json.loads(line.removeprefix("data:") or "{}")
                if message.get("msg") == "process_completed":
                    return message["output"]
        return None


def file(path: Any) -> dict[str, Any]:
    """What stands for a file in a call."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}}
