"""A local server that speaks as much of the Hugging Face Hub's HTTP API as its client uses to push and pull.

The client must be told of it by HF_ENDPOINT before it is imported, and HF_HUB_DISABLE_XET=1 makes it send
large files through LFS. What a request may do depends on its token, as on the Hub.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

import yaml  # type: ignore[import-untyped]

from tests.hub_store import File, Hub, Refusal, Repo, Tree, is_ignored, upload_mode

ADA, BOB = "hf_of_ada", "hf_of_bob"  # tokens
ID = r"(?P<name>[\w.-]+/[\w.-]+)"
API = rf"/api/(?P<kind>model|dataset|space)s/{ID}"
KIND_PREFIXES = {"spaces/": "space", "datasets/": "dataset", "": "model"}


class Handler(BaseHTTPRequestHandler):
    """One request: the first route whose method and path fit answers it."""

    hub: ClassVar[Hub]
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        self.hub.connections.append(self.request)
        super().setup()

    def log_message(self, *_: Any) -> None:
        """Keep the test's output clean."""

    def _answer(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        self.query = parse_qs(parts.query)
        self.hub.requests.append(f"{self.command} {self.path}")
        try:
            if self.hub.down is not None:
                raise Refusal(self.hub.down)
            if parts.path.startswith("/storage") and "Authorization" in self.headers:
                raise Refusal(400, message="only one way to authenticate is allowed")
            for method, pattern, action in ROUTES:
                if method == self.command and (found := re.fullmatch(pattern, parts.path)):
                    given = {name: unquote(value) for name, value in found.groupdict(default="").items()}
                    with self.hub.lock:
                        return action(self, **given)
            raise Refusal(404, message=f"no route for {self.command} {parts.path}")
        except Refusal as refusal:
            headers = {"X-Error-Code": refusal.code, "X-Error-Message": refusal.message}
            self.send({"error": refusal.message}, refusal.status, headers)

    do_GET = do_HEAD = do_POST = do_PUT = _answer  # noqa: N815 - the names that http.server looks for

    def send(
        self, content: object, status: int = 200, headers: dict[str, str] | None = None, length: int = -1
    ) -> None:
        """JSON, or bytes as they are; `length` is what a HEAD request would have got."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data) if length < 0 else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def user(self) -> str | None:
        """Who asks; a token that nobody has is refused as on the Hub."""
        header = self.headers.get("Authorization")
        if header is None:
            return None
        if header.removeprefix("Bearer ") not in self.hub.tokens:
            raise Refusal(401, message="Invalid credentials in Authorization header")
        return self.hub.tokens[header.removeprefix("Bearer ")]

    def readable(self, kind: str, name: str) -> Repo:
        return self.hub.repo(kind, name, self.user)

    def writable(self, kind: str, name: str) -> Repo:
        repo = self.readable(kind, name)
        if self.user != repo.owner and "create_pr" not in self.query:
            raise Refusal(403, message="You have no write access to this repository")
        return repo

    # Accounts and repositories --------------------------------------------------------------------------

    def who_am_i(self) -> None:
        if self.user is None:
            raise Refusal(401, message="Invalid username or password.")
        self.send({"name": self.user, "type": "user", "orgs": [], "auth": {"type": "access_token"}})

    def create_repo(self) -> None:
        asked = self.json
        owner = asked.get("organization") or self.user
        if self.user is None or owner != self.user:
            raise Refusal(403 if self.user else 401, message="You may not create this repository")
        kind, name = asked.get("type", "model"), f"{owner}/{asked['name']}"
        if (kind, name) in self.hub.repos:
            url = self.hub.url + f"/{name}"
            return self.send({"error": "You already created this repo", "url": url}, 409)
        private = asked.get("visibility") == "private"
        self.hub.repos[kind, name] = Repo(name, kind, private, sdk=asked.get("sdk"))
        prefix = next(prefix for prefix, each in KIND_PREFIXES.items() if each == kind)
        return self.send({"url": f"{self.hub.url}/{prefix}{name}", "name": name})

    def validate_yaml(self) -> None:
        """The head of a card has to be a mapping, and its results have to be complete."""
        found = re.match(r"---\n(.*?)\n---\n", self.json["content"], re.DOTALL)
        errors = []
        try:
            data = yaml.safe_load(found[1]) if found else {}
            for model in data.get("model-index", []):
                for result in model["results"]:
                    _ = result["task"]["type"], result["dataset"]["type"], result["dataset"]["name"]
                    errors += [m for m in result["metrics"] if not isinstance(m["value"], int | float)]
        except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
            errors.append(repr(error))
        problems = [{"message": str(error)} for error in errors]
        self.send({"errors": problems, "warnings": []}, 400 if problems else 200)

    def info(self, kind: str, name: str, revision: str) -> None:
        repo = self.readable(kind, name)
        sha = repo.find(revision or "main")
        files = [{"rfilename": path} for path in repo.commits[sha]]
        self.send({"id": name, "sha": sha, "private": repo.private, "gated": repo.gated, "siblings": files})

    def tree(self, kind: str, name: str, revision: str) -> None:
        repo = self.readable(kind, name)
        entries: list[dict[str, Any]] = []
        for path, file in repo.commits[repo.find(revision)].items():
            entry = {"type": "file", "path": path, "size": len(file.content), "oid": file.blob_id}
            if file.is_lfs:
                entry["lfs"] = {"oid": file.sha256, "size": len(file.content), "pointerSize": 134}
            entries.append(entry)
        self.send(entries)

    def refs(self, kind: str, name: str) -> None:
        repo = self.readable(kind, name)
        branches = [{"name": n, "ref": f"refs/heads/{n}", "targetCommit": c} for n, c in repo.refs.items()]
        self.send({"branches": branches, "converts": [], "tags": []})

    def branch(self, kind: str, name: str, branch: str) -> None:
        self.writable(kind, name).point(branch, self.json.get("startingPoint", "main"))
        self.send({})

    def tag(self, kind: str, name: str, revision: str) -> None:
        self.writable(kind, name).point(self.json["tag"], revision)
        self.send({})

    # Upload ---------------------------------------------------------------------------------------------

    def preupload(self, kind: str, name: str, revision: str) -> None:
        repo = self.writable(kind, name)
        present = repo.commits[repo.find(revision)]
        ignored = self.json.get("gitIgnore", "")
        files = []
        for file in self.json["files"]:
            path, sample = file["path"], base64.b64decode(file["sample"])
            mode = upload_mode(path, file["size"], sample)
            answer = {"path": path, "uploadMode": mode, "shouldIgnore": is_ignored(path, ignored)}
            files.append(answer | ({"oid": present[path].etag} if path in present else {}))
        self.send({"files": files})

    def lfs_batch(self, kind: str, name: str) -> None:
        self.readable(KIND_PREFIXES[kind], name)
        if self.user is None:
            raise Refusal(401, message="Invalid username or password.")
        answers = []
        for each in self.json["objects"]:
            answer: dict[str, Any] = {"oid": each["oid"], "size": each["size"]}
            if each["oid"] not in self.hub.objects:
                place, check = f"{self.hub.storage}/{each['oid']}", f"{self.hub.url}/lfs/verify"
                answer["actions"] = {"upload": {"href": place}, "verify": {"href": check}}
            answers.append(answer)
        self.send({"transfer": "basic", "objects": answers})

    def store(self, oid: str) -> None:
        if File(self.body, is_lfs=True).sha256 != oid:
            raise Refusal(400, message="the content is not what was announced")
        self.hub.objects[oid] = self.body
        self.send(b"")

    def verify(self) -> None:
        known = len(self.hub.objects.get(self.json["oid"], b"")) == self.json["size"]
        self.send({}, 200 if known else 404)

    def commit(self, kind: str, name: str, revision: str) -> None:
        repo = self.writable(kind, name)
        header, *operations = [json.loads(line) for line in self.body.splitlines()]
        tree = dict(repo.commits[repo.find(revision)])
        for operation in operations:
            self._apply(tree, operation["key"], operation["value"])
        ref = f"refs/pr/{len(repo.pull_requests) + 1}" if "create_pr" in self.query else revision
        oid = repo.commit(tree, header["value"]["summary"], ref)
        answer = {"success": True, "commitOid": oid, "commitUrl": f"{self.hub.url}/{name}/commit/{oid}"}
        if "create_pr" in self.query:
            answer["pullRequestUrl"] = f"{self.hub.url}/{name}/discussions/{ref.rsplit('/')[-1]}"
        self.send(answer)

    def _apply(self, tree: Tree, key: str, value: dict[str, Any]) -> None:
        path = value["path"]
        if key == "file":
            content = base64.b64decode(value["content"])
            if upload_mode(path, len(content), content[:512]) == "lfs":
                raise Refusal(400, message=f"{path} has to go through LFS")
            tree[path] = File(content, is_lfs=False)
        elif key == "lfsFile":
            if value["oid"] not in self.hub.objects:
                raise Refusal(400, message=f"{path} was not uploaded")
            tree[path] = File(self.hub.objects[value["oid"]], is_lfs=True)
        elif key == "deletedFile" and tree.pop(path, None) is None:
            raise Refusal(404, "EntryNotFound", "A file with this name doesn't exist")

    # Download -------------------------------------------------------------------------------------------

    def resolve(self, kind: str, name: str, revision: str, path: str) -> None:
        repo = self.readable(KIND_PREFIXES[kind], name)
        commit, file = repo.find(revision), repo.file(revision, path)
        headers = {"X-Repo-Commit": commit, "ETag": f'"{file.etag}"'}
        if not file.is_lfs:
            return self.send(file.content, headers=headers)
        size = len(file.content)
        linked = {"X-Linked-Etag": f'"{file.etag}"', "X-Linked-Size": str(size)}
        location = {"Location": f"{self.hub.storage}/{file.sha256}"}
        return self.send(b"", 302, headers | linked | location)

    def fetch(self, oid: str) -> None:
        if oid not in self.hub.objects:
            raise Refusal(404)
        self.send(self.hub.objects[oid], headers={"ETag": f'"{oid}"'})


ROUTES: list[tuple[str, str, Callable[..., None]]] = [
    ("GET", "/api/whoami-v2", Handler.who_am_i),
    ("POST", "/api/repos/create", Handler.create_repo),
    ("POST", "/api/validate-yaml", Handler.validate_yaml),
    ("GET", rf"{API}(?:/revision/(?P<revision>[^/]+))?", Handler.info),
    ("GET", rf"{API}/tree/(?P<revision>[^/]+)", Handler.tree),
    ("GET", rf"{API}/refs", Handler.refs),
    ("POST", rf"{API}/branch/(?P<branch>[^/]+)", Handler.branch),
    ("POST", rf"{API}/tag/(?P<revision>[^/]+)", Handler.tag),
    ("POST", rf"{API}/preupload/(?P<revision>[^/]+)", Handler.preupload),
    ("POST", rf"{API}/commit/(?P<revision>[^/]+)", Handler.commit),
    ("POST", rf"/(?P<kind>spaces/|datasets/|){ID}\.git/info/lfs/objects/batch", Handler.lfs_batch),
    ("POST", "/lfs/verify", Handler.verify),
    ("PUT", r"/storage/(?P<oid>[0-9a-f]{64})", Handler.store),
    *((m, r"/storage/(?P<oid>[0-9a-f]{64})", Handler.fetch) for m in ("GET", "HEAD")),
    *(
        (m, rf"/(?P<kind>spaces/|datasets/|){ID}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", Handler.resolve)
        for m in ("GET", "HEAD")
    ),
]


class Server:
    """The Hub on a port of this machine, which can be taken off the network and put back."""

    def __init__(self, port: int, tokens: dict[str, str]) -> None:
        self.hub = Hub(f"http://127.0.0.1:{port}", tokens)
        self.handler = type("HubHandler", (Handler,), {"hub": self.hub})
        self.server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Answer requests; does nothing if it does already."""
        if self.server is None:
            self.server = ThreadingHTTPServer(("127.0.0.1", urlsplit(self.hub.url).port or 0), self.handler)
            self.server.daemon_threads = True
            Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Refuse every connection, those too that a client keeps open for its next request."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None
            for connection in self.hub.connections:
                with suppress(OSError):
                    connection.shutdown(SHUT_RDWR)

    @contextmanager
    def emptied(self) -> Iterator[Hub]:
        """The Hub without the repositories that it holds, which are back afterwards."""
        kept = self.hub.repos, self.hub.objects
        self.hub.repos, self.hub.objects, self.hub.down = {}, {}, None
        self.start()
        try:
            yield self.hub
        finally:
            self.hub.repos, self.hub.objects = kept
            self.hub.down = None
            self.start()
