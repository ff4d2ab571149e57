"""How far to trust the answers: the verdict's calibration, and accuracy by recording condition."""

from genre_models.metrics import Measured, Reliability
from genre_models.ui.html import percent, render
from genre_models.ui.models import title


def trust(quality: Measured) -> str:
    """The section as HTML; empty where neither calibration nor conditions were measured."""
    if quality.calibration is None and quality.conditions is None:
        return ""
    return render(
        "trust",
        stages=_stages(quality),
        calibration=quality.calibration,
        conditions=quality.conditions,
        outside=quality.outside,
        best=_best(quality),
        title=title,
    )


def _stages(quality: Measured) -> list[tuple[str, Reliability, list[dict[str, str | float]]]]:
    """The two stages of the reliability diagram: name, figures, dots."""
    if quality.calibration is None:
        return []
    before, after = quality.calibration.before, quality.calibration.after
    return [(name, stage, _dots(name, stage)) for name, stage in (("before", before), ("after", after))]


def _dots(name: str, stage: Reliability) -> list[dict[str, str | float]]:
    """Where the dots of a stage stand, in percent of the diagram, and what they say when pointed at."""
    return [
        {
            "left": 100 * each.confidence,
            "bottom": 100 * each.accuracy,
            "tip": f"{name} calibration: {percent(each.confidence)} sure, {percent(each.accuracy)} right, "
            f"{each.count} answers",
        }
        for each in stage.bins
        if each.count
    ]


def _best(quality: Measured) -> float:
    """The highest accuracy in the table, which gets the darkest shade."""
    systems = quality.conditions.systems.values() if quality.conditions else ()
    return max((accuracy for row in systems for accuracy in row.values()), default=1.0)
