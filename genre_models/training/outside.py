"""How the app answers music that is none of the ten genres; meant for music that no threshold was set by.

Each recording is asked about once, as a visitor would: by the 30 s in its middle, or the whole of a shorter
one. The models are those of the app, on the app's own path from a file to a verdict.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soundfile
from scipy.stats import binomtest
from tqdm import tqdm

from genre_models import audio
from genre_models.classifiers import GENRES
from genre_models.classify import Report, classify
from genre_models.hub import Ensemble, load_ensemble
from genre_models.metrics import OUTSIDE_FILE
from genre_models.training.files import DataError, write_json
from genre_models.training.gtzan import SUFFIXES
from genre_models.training.scores import N_RESAMPLES
from genre_models.verdict import outside

EXCERPT_S = 30
EXCERPT_RATE = 44_100  # Hz
SOURCES_FILE = "recordings.tsv"
SOURCE_COLUMNS = ("artist", "origin", "licence", "told")

SURE, TOLD, NOT_SURE, NO_MUSIC = "sure", "told to be outside", "not sure", "no music"
KINDS = {
    SURE: "sure of a genre",
    TOLD: "said to be none of the ten",
    NOT_SURE: "not sure",
    NO_MUSIC: "called no music",
}
"""What an answer may be, and the words for it; the first is the one that misleads."""


@dataclass(frozen=True)
class Source:
    """Where a recording is from and how its style is known; empty where `recordings.tsv` does not say."""

    artist: str = ""
    origin: str = ""
    licence: str = ""
    told: str = ""


@dataclass(frozen=True)
class Recording:
    """A file, and the style that its folder is named after."""

    path: Path
    style: str
    source: Source

    @property
    def name(self) -> str:
        """As `recordings.tsv` calls it: style/file."""
        return f"{self.style}/{self.path.name}"


@dataclass(frozen=True)
class Answer:
    """What the app said of a recording; a confidence only where it named genres."""

    recording: Recording
    kind: str
    genre: str | None
    confidence: float | None
    sentence: str


def read_sources(path: Path) -> dict[str, Source]:
    """`recordings.tsv`, with the columns file, artist, origin, licence and told, by style/file."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    if not rows or not {"file", *SOURCE_COLUMNS} <= rows[0].keys():
        raise DataError(f"{path.name} needs the tab-separated columns file, {', '.join(SOURCE_COLUMNS)}.")
    return {row["file"]: Source(*(row[name] or "" for name in SOURCE_COLUMNS)) for row in rows}


def index(data: Path) -> list[Recording]:
    """All recordings below `data`, one folder for each style, in order of style and name.

    Raises `DataError` for a folder that holds no recording, or one that is named after one of the ten genres.
    """
    if not data.is_dir():
        raise DataError(f"There is no folder {data}.")
    table = data / SOURCES_FILE
    sources = read_sources(table) if table.is_file() else {}
    recordings = [
        Recording(path, folder.name, sources.get(f"{folder.name}/{path.name}", Source()))
        for folder in sorted(data.iterdir())
        if folder.is_dir()
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in SUFFIXES
    ]
    if not recordings:
        raise DataError(
            f"{data} holds no recordings: it needs one folder per style, with audio files inside."
        )
    if inside := sorted({one.style for one in recordings} & set(GENRES)):
        raise DataError(
            f"'{inside[0]}' is one of the ten genres: every folder must hold another kind of music."
        )
    return recordings


def kind_of(report: Report) -> str:
    """Which of `KINDS` an answer is."""
    if report.verdict.genre is None:
        return NO_MUSIC
    if report.verdict.sure:
        return SURE
    tags = next((model.tags for model in report.models if model.tags), None)
    return TOLD if outside(tags).is_likelier else NOT_SURE


def write_excerpt(path: Path, into: Path) -> None:
    """The 30 s in the middle of what the app hears of a recording, mono, as a WAV. Raises AudioError."""
    waveform = audio.load(path, EXCERPT_RATE)  # (samples,)
    length = EXCERPT_S * EXCERPT_RATE
    start = max(0, len(waveform) - length) // 2
    soundfile.write(into, waveform[start : start + length].numpy(), EXCERPT_RATE, subtype="FLOAT")


def ask_one(recording: Recording, ensemble: Ensemble, excerpt: Path) -> Answer:
    """Ask about the middle of a recording, which is written to `excerpt`.

    Raises AudioError, also where that middle is silent: the music is elsewhere, and there is nothing to ask.
    """
    write_excerpt(recording.path, excerpt)
    report = classify(excerpt, ensemble)
    if report.sound.kind == "silence":
        raise audio.AudioError(f"The {EXCERPT_S} s in its middle are silent.")
    said = report.verdict
    confidence = None if said.genre is None else said.confidence
    return Answer(recording, kind_of(report), said.genre, confidence, said.sentence)


def ask(recordings: Sequence[Recording], ensemble: Ensemble) -> tuple[list[Answer], dict[Recording, str]]:
    """One answer per recording, and what is wrong with those that cannot be asked about."""
    answers, broken = [], {}
    with TemporaryDirectory() as folder:
        excerpt = Path(folder) / "excerpt.wav"
        for one in tqdm(recordings, desc="asking", unit="recording"):
            try:
                answers.append(ask_one(one, ensemble, excerpt))
            except audio.AudioError as error:
                broken[one] = str(error)
    return answers, broken


def _share(count: int, of: int) -> dict[str, Any]:
    """With the 95% interval of Wilson ("Probable inference", JASA 1927)."""
    interval = binomtest(count, of).proportion_ci(method="wilson")
    return {"count": count, "share": count / of, "interval": [interval.low, interval.high]}


def _confidence(values: Sequence[float]) -> dict[str, Any] | None:
    """Mean with its 95% percentile interval by resampling recordings, and median."""
    if not values:
        return None
    drawn = np.random.default_rng(0).choice(values, (N_RESAMPLES, len(values)))
    interval = [float(bound) for bound in np.percentile(drawn.mean(axis=1), [2.5, 97.5])]
    return {"mean": float(np.mean(values)), "interval": interval, "median": float(np.median(values))}


def _of_style(answers: Sequence[Answer]) -> dict[str, Any]:
    kinds = [answer.kind for answer in answers]
    artists = {answer.recording.source.artist for answer in answers}
    return {
        "recordings": len(answers),
        "artists": None if "" in artists else len(artists),
        "confidence": _confidence([each.confidence for each in answers if each.confidence is not None]),
        "answers": {kind: _share(kinds.count(kind), len(kinds)) for kind in KINDS},
    }


def _listed(answer: Answer) -> dict[str, Any]:
    return {
        "file": answer.recording.name,
        **asdict(answer.recording.source),
        "answer": answer.kind,
        "genre": answer.genre,
        "confidence": None if answer.confidence is None else round(answer.confidence, 4),
        "sentence": answer.sentence,
    }


def summarise(answers: Sequence[Answer]) -> dict[str, Any]:
    """What outside.json holds: figures by style, and the recordings with what was said of each."""
    styles = sorted({answer.recording.style for answer in answers})
    return {
        "excerpt_s": EXCERPT_S,
        "intervals": "95%; of shares Wilson's, of the mean confidence by resampling recordings",
        "styles": {
            style: _of_style([each for each in answers if each.recording.style == style]) for style in styles
        },
        "recordings": [_listed(answer) for answer in answers],
    }


def write(data: Path, models: Path, output: Path) -> list[str]:
    """Ask the `models` about the recordings below `data`, into outside.json; what there is to say of it.

    Raises `DataError` for a folder that cannot be used, `WeightsError` for models that cannot.
    """
    recordings = index(data)
    answers, broken = ask(recordings, load_ensemble(models))
    if not answers:
        raise DataError(f"None of the recordings in {data} can be used.")
    left_out = [{"file": one.name, "problem": problem} for one, problem in broken.items()]
    measured = summarise(answers) | {"left_out": left_out}
    write_json(output / OUTSIDE_FILE, measured)
    return [table(measured), *(f"Skipped {one.name}: {problem}" for one, problem in broken.items())]


def table(measured: Mapping[str, Any], *labelled: str) -> str:
    """A row for each style as Markdown, and `labelled` below them."""
    lines = [
        f"| music | recordings | artists | mean confidence | median | {' | '.join(KINDS.values())} |",
        "|---" * (5 + len(KINDS)) + "|",
    ]
    for style, row in measured["styles"].items():
        shares = [_with_interval(row["answers"][kind]) for kind in KINDS]
        artists = "" if row["artists"] is None else row["artists"]
        cells = [style, row["recordings"], artists, *_stated(row["confidence"]), *shares]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join([*lines, *labelled])


def _stated(confidence: Mapping[str, Any] | None) -> tuple[str, str]:
    if confidence is None:
        return "", ""
    low, high = (100 * bound for bound in confidence["interval"])
    return f"{100 * confidence['mean']:.0f}% ({low:.0f} to {high:.0f})", f"{100 * confidence['median']:.0f}%"


def _with_interval(share: Mapping[str, Any]) -> str:
    low, high = (100 * bound for bound in share["interval"])
    return f"{100 * share['share']:.0f}% ({low:.0f} to {high:.0f})"


def labelled_row(evaluation: Mapping[str, Any], sound: Mapping[str, Any]) -> str:
    """As much as was counted of the labelled tracks, answered by models that never heard their artists."""
    data, sure = evaluation["data"], evaluation["verdicts"]["sure_share"]
    bins = evaluation["calibration"]["after"]["bins"]
    mean = sum(each["confidence"] * each["count"] for each in bins) / sum(each["count"] for each in bins)
    refused = sound["both"]["false alarms on unseen artists"]["clean"]["share"]
    shares = f"{100 * sure:.0f}% | | {100 * (1 - sure):.0f}% | {100 * refused:.1f}%"
    return f"| *the ten genres* | {data['tracks']} | {data['artists']} | {100 * mean:.0f}% | | {shares} |"
