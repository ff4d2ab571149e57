"""What the local Hub of the tests keeps, in memory: repositories of commits, branches, tags and requests."""

import hashlib
from dataclasses import dataclass, field
from fnmatch import fnmatch
from socket import socket
from threading import Lock

LARGE = 10 * 2**20  # bytes; the Hub takes larger files only through LFS
LFS_PATTERNS = ("*.safetensors", "*.bin", "*.pt")  # as in the .gitattributes of a new repository


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """An HTTP status, and the code that the client tells one refusal from another by."""

    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        super().__init__(message or code)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class File:
    content: bytes
    is_lfs: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def blob_id(self) -> str:
        """Git's hash, of the pointer where the file is in LFS."""
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\n"
        stored = f"{pointer}size {len(self.content)}\n".encode() if self.is_lfs else self.content
        return hashlib.sha1(b"blob %d\0" % len(stored) + stored).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.is_lfs else self.blob_id


Tree = dict[str, File]


@dataclass
class Repo:
    name: str
    kind: str = "model"
    private: bool = False
    gated: bool = False
    sdk: str | None = None
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Tree] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        attributes = "".join(f"{pattern} filter=lfs diff=lfs merge=lfs -text\n" for pattern in LFS_PATTERNS)
        self.commit({".gitattributes": File(attributes.encode(), is_lfs=False)}, "initial commit", "main")

    @property
    def owner(self) -> str:
        return self.name.split("/")[0]

    @property
    def pull_requests(self) -> list[str]:
        return [ref for ref in self.refs if ref.startswith("refs/pr/")]

    def commit(self, tree: Tree, message: str, ref: str) -> str:
        """Put `tree` on a branch; the hash tells it from every other commit."""
        listing = "".join(f"{path} {file.blob_id}\n" for path, file in sorted(tree.items()))
        oid = hashlib.sha1(f"{self.name}{len(self.commits)}{message}{listing}".encode()).hexdigest()
        self.commits[oid], self.messages[oid], self.refs[ref] = tree, message, oid
        return oid

    def find(self, revision: str) -> str:
        """The commit that a branch, tag, pull request or hash means."""
        oid = self.refs.get(revision, revision)
        if oid not in self.commits:
            raise Refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return oid

    def file(self, revision: str, path: str) -> File:
        tree = self.commits[self.find(revision)]
        if path not in tree:
            raise Refusal(404, "EntryNotFound", "Entry not found")
        return tree[path]

    def point(self, ref: str, revision: str) -> None:
        """Make a branch or tag."""
        if ref in self.refs:
            raise Refusal(409, message="Reference already exists")
        self.refs[ref] = self.find(revision)


@dataclass
class Hub:
    """All repositories, who may do what, and what was asked; `down` is a status to refuse everything with."""

    url: str
    tokens: dict[str, str] = field(default_factory=dict)
    repos: dict[tuple[str, str], Repo] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    down: int | None = None
    lock: Lock = field(default_factory=Lock)
    connections: list[socket] = field(default_factory=list)

    @property
    def storage(self) -> str:
        """Where large files lie: as the Hub's, another host, which must not be shown the token."""
        return self.url.replace("127.0.0.1", "localhost") + "/storage"

    def repo(self, kind: str, name: str, user: str | None) -> Repo:
        """A repository that `user` may read."""
        repo = self.repos.get((kind, name))
        if repo is None or (repo.private and user != repo.owner):
            raise Refusal(401 if user is None else 404, "RepoNotFound", "Repository not found")
        if repo.gated and user != repo.owner:
            raise Refusal(403 if user else 401, "GatedRepo", "Access to this repository is restricted")
        return repo


def upload_mode(path: str, size: int, sample: bytes) -> str:
    """How the Hub wants a file: what is large, binary or named as weights goes to LFS."""
    named = any(fnmatch(path, pattern) for pattern in LFS_PATTERNS)
    return "lfs" if named or size > LARGE or b"\0" in sample else "regular"


def is_ignored(path: str, gitignore: str) -> bool:
    """Whether a .gitignore of plain names and patterns leaves a file out."""
    patterns = [line.strip() for line in gitignore.splitlines() if line.strip() and line[0] != "#"]
    parts = path.split("/")
    return any(fnmatch(part, pattern.strip("/")) for pattern in patterns for part in parts)
