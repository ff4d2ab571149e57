"""What one visitor has asked since opening the page."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from genre_models.classify import Report

MAX_ENTRIES = 50


@dataclass(frozen=True)
class Entry:
    """One clip and its answer; `path` is the clip's file in the server's cache."""

    path: str
    name: str
    report: Report
    when: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class Session:
    """The clips asked about, oldest first, and which of them is on show."""

    entries: tuple[Entry, ...] = ()
    shown: int | None = None

    @property
    def entry(self) -> Entry | None:
        """The clip on show and its answer."""
        return None if self.shown is None else self.entries[self.shown]

    def shows(self, path: str) -> bool:
        """Whether the answer on show is about this clip."""
        return self.entry is not None and self.entry.path == path

    def find(self, path: str) -> int | None:
        """The place of this clip's entry, if it was asked about before."""
        return next((i for i, entry in enumerate(self.entries) if entry.path == path), None)

    def with_answer(self, entry: Entry) -> "Session":
        """The session with a new answer on show; a clip asked about before keeps its place."""
        place = self.find(entry.path)
        if place is None:
            entries = (*self.entries, entry)[-MAX_ENTRIES:]
            return Session(entries, len(entries) - 1)
        return Session((*self.entries[:place], entry, *self.entries[place + 1 :]), place)

    def showing(self, shown: int | None) -> "Session":
        """The session with another answer on show, or none."""
        return replace(self, shown=shown)
