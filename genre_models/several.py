"""Many files at once: each is answered by itself, and one that cannot be read stops none of the others."""

import csv
import io
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from genre_models.audio import AudioError
from genre_models.classify import Report, classify
from genre_models.hub import Ensemble

COLUMNS = ("file", "verdict", "sure", "confidence", "agreement", "seconds")
PROBLEM = "problem"

Cell = str | float | bool | None


@dataclass(frozen=True)
class Answered:
    """One file: its report or, where it could not be read, a sentence that says why."""

    path: Path
    report: Report | None = None
    problem: str | None = None


def answer(
    paths: Iterable[str | Path], ensemble: Ensemble, chosen: Collection[str] | None = None
) -> Iterator[Answered]:
    """Ask the `chosen` models, all of them by default, about one file after the other."""
    for path in map(Path, paths):
        try:
            yield Answered(path, classify(path, ensemble, chosen))
        except AudioError as error:
            yield Answered(path, problem=str(error))


def columns(models: Iterable[str]) -> list[str]:
    """The headings of `row`: after what is said of the clip each model's genre, then what went wrong."""
    return [*COLUMNS, *models, PROBLEM]


def row(answered: Answered, models: Collection[str]) -> list[Cell]:
    """One file as a row; a sound without a genre says what it is in the place of the problem."""
    report = answered.report
    if report is None:
        return [answered.path.name, *[None] * (len(COLUMNS) - 1 + len(models)), answered.problem]
    verdict = report.verdict
    genres = {model.name: model.genre for model in report.models}
    said: list[Cell] = [
        verdict.genre,
        verdict.sure,
        round(verdict.confidence, 4),
        round(verdict.agreement, 4),
    ]
    if verdict.genre is None:
        said, genres = [None] * len(said), {}
    return [
        answered.path.name,
        *said,
        round(report.duration_s, 2),
        *(genres.get(name) for name in models),
        verdict.sentence if verdict.genre is None else None,
    ]


def to_csv(answers: Iterable[Answered], models: Collection[str]) -> bytes:
    """A row for each file, in order, below the headings; nothing where there is nothing to say."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(columns(models))
    writer.writerows(row(one, models) for one in answers)
    return table.getvalue().encode()
