"""What one visitor has taught since opening the page, and what there is to say of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from genre_models.teach import LeftOut, TaughtClip, TaughtLabels, TeachError, clean_label

RECOMMENDED_CLIPS = 3
NEXT = "Now upload or record clips for it."


@dataclass(frozen=True)
class Said:
    """A word on what was just done, and one on what could not be."""

    done: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Lesson:
    """The labels as they are now.

    `waiting` are clips that came in before their label, `before` the labels as they were before the last
    removal, and `recordings` how many were made with the recorder.
    """

    taught: TaughtLabels = field(default_factory=TaughtLabels)
    waiting: tuple[TaughtClip, ...] = ()
    before: TaughtLabels | None = None
    recordings: int = 0

    def learning(self, label: str, clips: Sequence[TaughtClip]) -> tuple["Lesson", Said]:
        """Put the clips, and those that wait, under a label; without a label they all wait for it."""
        clips = (*self.waiting, *clips)
        try:
            label = clean_label(label)
        except TeachError as error:
            wait = (
                f" {count(len(clips), 'clip')} will wait for it: type it, then press Enter." if clips else ""
            )
            return replace(self, waiting=clips), Said(problem=f"{error}{wait}")
        if not clips:
            return self, Said(NEXT)
        taught, problem = self.taught, ""
        try:
            for clip in clips:
                taught = taught.with_clip(label, clip)
        except TeachError as error:
            problem = str(error)
        added = taught.n_clips - self.taught.n_clips
        done = f"{count(added, 'clip')} added to “{label}”." if added else ""
        if not added and not problem:
            done = f"Nothing was added: “{label}” has the same sound already."
        return replace(self, taught=taught, waiting=(), before=None), Said(done, problem)

    def keeping(self, taught: TaughtLabels) -> "Lesson":
        """Only these labels are left; `undone` brings the others back."""
        return replace(self, taught=taught, before=self.taught)

    def undone(self) -> "Lesson":
        """The labels as they were before the last removal."""
        return replace(self, taught=self.before or self.taught, before=None)


def advice(taught: TaughtLabels, left_out: LeftOut) -> str:
    """How well the labels are told apart, and what would help."""
    if not taught.is_ready:
        return "Teach a second label, and clips can be told apart."
    few = any(len(clips) < RECOMMENDED_CLIPS for clips in taught.clips.values())
    more = " Three clips or more of each label make the answers steadier." if few else ""
    if not left_out.tested:
        return f"Labels with one clip each cannot be checked.{more}"
    clips = count(left_out.tested, "clip")
    return f"{left_out.right} of {clips} are named rightly when left out of the teaching.{more}"


def count(number: int, noun: str) -> str:
    """ "1 clip", "3 clips"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
