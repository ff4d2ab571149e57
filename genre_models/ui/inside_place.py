"""What the visitor looks at: a clip, one of its segments, and the genre that is asked about."""

from dataclasses import dataclass
from pathlib import Path

from genre_models.audio import SEGMENT_S, AudioError
from genre_models.classify import Report
from genre_models.inside.clip import InsideClip, open_clip
from genre_models.ui.session import Entry, Session

PLAYER = "inside-player"


@dataclass(frozen=True)
class Place:
    """One 6 s segment of a clip, counted from 0."""

    clip: InsideClip
    segment: int

    @property
    def span_s(self) -> tuple[float, float]:
        """Where the segment begins and ends; a clip that was repeated to fill it ends sooner."""
        start = self.clip.starts_s[self.segment]
        return start, start + SEGMENT_S


def place(session: Session, segment: int | None) -> Place | None:
    """The chosen segment of the clip on show; None where there is no clip that can be opened."""
    if session.entry is None or not has_sound(session.entry):
        return None
    try:
        clip = open_clip(session.entry.path)
    except AudioError:
        return None
    return Place(clip, min(segment or 0, len(clip.starts_s) - 1))


def has_sound(entry: Entry) -> bool:
    """Whether the clip's file is still there: that of a shared report never was."""
    return bool(entry.path) and Path(entry.path).is_file()


def spans(starts_s: tuple[float, ...], duration_s: float) -> list[tuple[float, float]]:
    """Where each segment begins and ends, in seconds; a short clip ends before its segment does."""
    return [(start, min(start + SEGMENT_S, duration_s)) for start in starts_s]


def segment_choices(report: Report) -> list[tuple[str, int]]:
    """The segments as a visitor picks them, each with what the models together take it for."""
    heard = [report.genres[row.index(max(row))] for row in report.combined]
    if not report.verdict.genre:
        heard = [""] * report.segments
    ends = spans(tuple(report.segment_starts_s), report.duration_s)
    return [
        (f"{start:.0f}–{end:.0f} s{genre and f': {genre}'}", i)
        for i, ((start, end), genre) in enumerate(zip(ends, heard, strict=True))
    ]


def asked_genre(report: Report) -> str:
    """The genre whose probability is looked at first: the verdict's, else the likeliest."""
    return report.verdict.genre or max(report.probabilities, key=lambda genre: report.probabilities[genre])
