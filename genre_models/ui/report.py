"""A report as HTML: the verdict, the timeline and the models side by side."""

from collections.abc import Mapping
from itertools import groupby

from genre_models.audio import SEGMENT_S
from genre_models.classifiers import ARCHITECTURES
from genre_models.classify import Report
from genre_models.metrics import Bin, Measured
from genre_models.share import TOP_TAGS
from genre_models.ui.html import percent, render
from genre_models.ui.models import ModelCard, title
from genre_models.verdict import SURE_CONFIDENCE, Outside, outside

COUNT_WORDS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}
CONFIDENCE_WORDS = ((0.8, "high"), (SURE_CONFIDENCE, "fair"), (0.35, "low"), (0.0, "very low"))
TICK_STEPS_S = (1, 2, 6, 12, 30, 60, 120)
MAX_TICKS = 8
MIN_LABEL_WIDTH = 8.0  # percent of the clip


def header(title: str, n_models: int, melody: bool, words: bool) -> str:
    """The head of the page: its name and what to do; `melody` and `words` say whether they can be had."""
    count = COUNT_WORDS.get(n_models, n_models)
    return render("header", title=title, count=count, melody=melody, words=words)


def confidence_word(confidence: float) -> str:
    """How high a probability is, in words."""
    return next(word for floor, word in CONFIDENCE_WORDS if confidence >= floor)


def _tags(report: Report) -> Mapping[str, float]:
    return next((model.tags for model in report.models if model.tags), {})


def _away(report: Report) -> Outside:
    return outside(_tags(report))


def _was_measured(report: Report, quality: Measured) -> bool:
    """Whether this verdict comes from the models whose verdict was measured, all of them together.

    Not if only some count because the recording is unlike those that it was measured on.
    """
    names = set(report.counted)
    return "verdict" in quality.accuracies and names == quality.accuracies.keys() & ARCHITECTURES.keys()


def accuracy_sentence(report: Report, quality: Measured) -> str | None:
    """The measured accuracy of all the models together; None for another group of them."""
    if not _was_measured(report, quality):
        return None
    n_models, together = len(report.models), quality.accuracies["verdict"]
    return (
        f"On artists kept out of the training, the {COUNT_WORDS.get(n_models, n_models)} together name the "
        f"right genre of ten for {percent(together.value)} of the tracks, each genre counting alike "
        f"(95% interval {100 * together.low:.0f} to {100 * together.high:.0f})."
    )


def like_this(report: Report, quality: Measured) -> Bin | None:
    """How answers of this confidence turned out.

    None where that was not measured: for some of the models only, for music outside the ten genres, and for
    a confidence that none of the answers came near.
    """
    if quality.calibration is None or not _was_measured(report, quality) or _away(report).is_likelier:
        return None
    return quality.calibration.after.near(report.verdict.confidence)


def weights_sentence(weights: Mapping[str, float]) -> str | None:
    """Which of several models counts most in the verdict; None where there is nothing to tell apart."""
    if len(set(weights.values())) < 2 or min(weights.values()) < 0:  # no shares of a whole
        return None
    whole = sum(weights.values())
    first, *others = sorted(weights, key=lambda name: -weights[name])
    most = percent(weights[first] / whole)
    rest = ", ".join(f"{title(name)} {percent(weights[name] / whole)}" for name in others)
    return f"The models do not count alike: {title(first)} has {most} of the weight ({rest})."


def verdict(report: Report, clip_name: str, quality: Measured, weights: Mapping[str, float]) -> str:
    """The answer in words, how sure it is, and what to bear in mind; `weights` say how each model counts."""
    ranked = sorted(report.probabilities.items(), key=lambda item: -item[1])
    return render(
        "verdict",
        report=report,
        clip_name=clip_name,
        word=confidence_word(report.verdict.confidence),
        candidates=[(genre, p) for genre, p in ranked if genre in report.verdict.candidates],
        like_this=like_this(report, quality),
        away=_away(report),
        weights=weights,
        counts=weights_sentence(weights),
        accuracy=accuracy_sentence(report, quality),
        sure_from=SURE_CONFIDENCE,
        title=title,
    )


def cards(report: Report, models: Mapping[str, ModelCard]) -> str:
    """One column per model that answered, bars in the same order in every one; then the tags, if any."""
    tags = sorted(_tags(report).items(), key=lambda item: -item[1])
    return render("cards", report=report, models=models, tags=tags, n_top_tags=TOP_TAGS)


def timeline(report: Report) -> str:
    """Genre over the clip: the models together as a heat map, and each model's first choice."""
    spans = _spans(report)
    choices = {
        model.name: [report.genres[row.index(max(row))] for row in model.timeline] for model in report.models
    }
    return render(
        "timeline",
        report=report,
        spans=spans,
        choices=choices,
        runs={name: _runs(spans, genres) for name, genres in choices.items()},
        ticks=_ticks(report.duration_s),
        title=title,
    )


def _runs(spans: list[dict[str, float]], genres: list[str]) -> list[dict[str, str | float]]:
    """Neighbouring segments of one genre as one label, where there is room for it."""
    runs = []
    for genre, group in groupby(zip(genres, spans, strict=True), key=lambda pair: pair[0]):
        covered = [span for _, span in group]
        width = sum(span["width"] for span in covered)
        label = genre if width >= MIN_LABEL_WIDTH else ""
        runs.append({"genre": label, "left": covered[0]["left"], "width": width})
    return runs


def _spans(report: Report) -> list[dict[str, float]]:
    """Where each segment is drawn, in percent of the clip, and what it covers, in seconds.

    The last segment may begin inside the one before; it is drawn from where that one ends.
    """
    spans = []
    drawn_s = 0.0
    for start_s in report.segment_starts_s:
        end_s = min(start_s + SEGMENT_S, report.duration_s)
        left_s, drawn_s = max(start_s, drawn_s), max(end_s, drawn_s)
        spans.append(
            {
                "start_s": start_s,
                "end_s": end_s,
                "left": 100 * left_s / report.duration_s,
                "width": 100 * (drawn_s - left_s) / report.duration_s,
            }
        )
    return spans


def _ticks(duration_s: float) -> list[tuple[float, str]]:
    """Marks of the seconds axis: (percent of the clip, label)."""
    step = next((s for s in TICK_STEPS_S if duration_s / s <= MAX_TICKS), TICK_STEPS_S[-1])
    marks = [i * step for i in range(int(duration_s // step) + 1)]
    return [(100 * t / duration_s, f"{t // 60}:{t % 60:02d}" if duration_s >= 60 else str(t)) for t in marks]
