"""The detector of non-music: learned from generated sounds and recorded music, measured on others.

No generator that it is measured on was learned from, and no artist.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from torch import Tensor

from genre_models.sound.detector import KINDS, SoundDetector
from genre_models.sound.measures import MEASURES
from genre_models.training.examples import RAP, SPEECH, TURNS, VARIED, Draw, Example, generated, recorded
from genre_models.training.files import write_json
from genre_models.training.folds import N_FOLDS
from genre_models.training.gtzan import Recording, describe
from genre_models.training.noises import NOISES
from genre_models.training.recording_conditions import CLEAN
from genre_models.training.speech import require_espeak
from genre_models.training.tunes import TUNES
from genre_models.training.unheard import UNHEARD, require_sox

OF_EACH_NOISE, OF_SPEECH, OF_EACH_TUNE, OF_EACH_UNHEARD = 40, 120, 30, 20
FALSE_ALARMS = 0.01
"""Share of music, of artists left out, that the threshold lets be called something else."""

INVERSE_PENALTY = 0.03
COMPONENTS = 100
"""Principal components of what MusiCNN hears that the regression sees."""

CLASSES = list(KINDS)


def require_tools() -> None:
    """Raises `DataError`, in a sentence for a person, where espeak-ng or sox are missing."""
    require_espeak()
    require_sox()


def draws() -> list[Draw]:
    """Every generated sound to learn from and to measure on."""
    noises = [Draw("noise", name, i) for name in NOISES for i in range(OF_EACH_NOISE)]
    speech = [Draw("noise", SPEECH, i) for i in range(OF_SPEECH)]
    tunes = [Draw("tune", name, i) for name in (*TUNES, RAP) for i in range(OF_EACH_TUNE)]
    unheard = [Draw("unheard", name, i) for name in UNHEARD for i in range(OF_EACH_UNHEARD)]
    return [*noises, *speech, *tunes, *unheard]


def called(draw: Draw) -> str:
    """Which of `KINDS` a sound is."""
    if draw.source == "unheard":
        return UNHEARD[draw.name][0]
    if draw.source == "noise":
        return "speech" if draw.name == SPEECH else NOISES[draw.name][0]
    return "music"


def _artist(example: Example) -> str:
    return example.draw.recording.group if example.draw.recording else ""


def _sample_weights(examples: Sequence[Example], lengths: np.ndarray) -> np.ndarray:
    """Music as much as all else together; kinds within that alike; generated music a third of the music."""
    parts = [
        ("tune" if one.draw.source == "tune" else "recorded")
        if called(one.draw) == "music"
        else called(one.draw)
        for one in examples
    ]
    share = {"tune": 1 / 3, "recorded": 2 / 3, **{name: 1 / (len(KINDS) - 1) for name in CLASSES[1:]}}
    held = {part: sum(n for n, p in zip(lengths, parts, strict=True) if p == part) for part in set(parts)}
    weights = np.repeat([share[part] / held[part] for part in parts], lengths)
    return weights / weights.mean()


def _regression(inputs: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (kinds, inputs) and intercepts (kinds,); a kind that is not there is left impossible."""
    fitted = LogisticRegression(C=INVERSE_PENALTY, max_iter=500).fit(inputs, labels, weights)
    coefficients = np.zeros((len(KINDS), inputs.shape[1]))
    intercepts = np.full(len(KINDS), -30.0)
    coefficients[fitted.classes_], intercepts[fitted.classes_] = fitted.coef_, fitted.intercept_
    return coefficients, intercepts


def _set(layer: torch.nn.Linear, coefficients: np.ndarray, intercepts: np.ndarray) -> None:
    layer.weight.copy_(torch.from_numpy(coefficients))
    layer.bias.copy_(torch.from_numpy(intercepts))


@torch.no_grad()
def fit(examples: Sequence[Example]) -> SoundDetector:
    """A detector that learned from these, its thresholds still one half.

    MusiCNN's features enter the regression by their principal components, and its coefficients are then
    written out for the features themselves.
    """
    lengths = np.array([len(one.features) for one in examples])
    both = torch.from_numpy(np.concatenate([one.features for one in examples]))
    labels = np.repeat([CLASSES.index(called(one.draw)) for one in examples], lengths)
    weights = _sample_weights(examples, lengths)
    detector = SoundDetector()
    detector.centre.copy_(both.mean(dim=0))
    detector.spread.copy_(both.std(dim=0).clamp_min(1e-6))
    alone = detector.inputs(both[:, : len(MEASURES)]).numpy()
    _set(detector.by_measures, *_regression(alone, labels, weights))
    inputs = detector.inputs(both).numpy()
    measured = np.ones(inputs.shape[1], dtype=bool)
    measured[len(MEASURES) : -len(MEASURES)] = False
    axes = PCA(min(COMPONENTS, len(inputs)), random_state=0).fit(inputs[:, ~measured])
    reduced = np.hstack([inputs[:, measured], inputs[:, ~measured] @ axes.components_.T])
    coefficients, intercepts = _regression(reduced, labels, weights)
    full = np.zeros((len(KINDS), inputs.shape[1]))
    full[:, measured] = coefficients[:, : measured.sum()]
    full[:, ~measured] = coefficients[:, measured.sum() :] @ axes.components_
    _set(detector.by_both, full, intercepts)
    return detector


View = Callable[[Tensor], Tensor]
"""What of the features a detector may see."""

VIEWS: dict[str, View] = {"measures": lambda x: x[:, : len(MEASURES)], "both": lambda x: x}


def _answers(detector: SoundDetector, examples: Sequence[Example], view: View) -> np.ndarray:
    """Probabilities of each kind, (examples, kinds)."""
    return torch.stack(
        [detector.probabilities(view(torch.from_numpy(one.features))) for one in examples]
    ).numpy()


def _without_artists(learned: Sequence[Example], music: Sequence[Example]) -> dict[str, np.ndarray]:
    """By view: answers to recorded music by detectors that learned nothing of its artists."""
    artists = np.array([_artist(one) for one in music])
    genres = np.array([one.draw.name for one in music])
    answers = {name: np.zeros((len(music), len(KINDS))) for name in VIEWS}
    others = [one for one in learned if one.draw.source != "music"]
    for _, test in StratifiedGroupKFold(N_FOLDS, shuffle=True, random_state=0).split(genres, genres, artists):
        heard = set(artists) - set(artists[test])
        detector = fit([*others, *(one for one in learned if _artist(one) in heard)])
        for name, view in VIEWS.items():
            answers[name][test] = _answers(detector, [music[i] for i in test], view)
    return answers


def _without_kinds(learned: Sequence[Example]) -> dict[str, tuple[list[str], np.ndarray]]:
    """By view: the generators' names and answers to each one's sounds by a detector that never heard it."""
    owners: list[str] = []
    answers: dict[str, list[np.ndarray]] = {name: [] for name in VIEWS}
    for generator in (*NOISES, SPEECH):
        left_out = [one for one in learned if (one.draw.source, one.draw.name) == ("noise", generator)]
        detector = fit([one for one in learned if (one.draw.source, one.draw.name) != ("noise", generator)])
        owners += [generator] * len(left_out)
        for name, view in VIEWS.items():
            answers[name].append(_answers(detector, left_out, view))
    return {name: (owners, np.concatenate(parts)) for name, parts in answers.items()}


def _rate(flags: np.ndarray) -> dict[str, float | int]:
    return {"sounds": len(flags), "count": int(flags.sum()), "share": float(flags.mean())}


def _hits(
    names: Sequence[str], answers: np.ndarray, threshold: float, kinds: Sequence[str]
) -> dict[str, Any]:
    """How many of each name's sounds were found not to be music, and how many were called rightly."""
    missed, owners = answers[:, 0] >= threshold, np.array(names)
    named = answers[:, 1:].argmax(axis=1) + 1
    right = ~missed & (named == [CLASSES.index(kind) for kind in kinds])
    by_name = {
        name: _rate(~missed[owners == name]) | {"called rightly": int(right[owners == name].sum())}
        for name in dict.fromkeys(names)
    }
    return {"all": _rate(~missed) | {"called rightly": int(right.sum())}, **by_name}


def _alarms(music: Sequence[Example], answers: np.ndarray, threshold: float) -> dict[str, Any]:
    """Music called something else, by condition."""
    alarm = answers[:, 0] < threshold
    conditions = np.array([one.condition for one in music])
    return {name: _rate(alarm[conditions == name]) for name in (CLEAN, *TURNS)}


def _threshold(music: Sequence[Example], answers: np.ndarray) -> float:
    """So that `FALSE_ALARMS` of unseen artists' recordings, clean and at random conditions, fall below."""
    chosen = np.array([one.condition in {CLEAN, VARIED} for one in music])
    return float(min(0.5, np.quantile(answers[chosen, 0], FALSE_ALARMS)))


def _measured(
    detector: SoundDetector,
    unheard: Sequence[Example],
    music: tuple[Sequence[Example], np.ndarray],
    left_out: tuple[list[str], np.ndarray],
    view: View,
) -> dict[str, Any]:
    threshold = _threshold(*music)
    kinds = ["speech" if name == SPEECH else NOISES[name][0] for name in left_out[0]]
    names, truth = [one.draw.name for one in unheard], [called(one.draw) for one in unheard]
    return {
        "threshold": threshold,
        "false alarms on unseen artists": _alarms(*music, threshold),
        "hits on generators never heard": _hits(names, _answers(detector, unheard, view), threshold, truth),
        "hits on kinds left out": _hits(*left_out, threshold, kinds),
    }


def train(recordings: Sequence[Recording], cache: Path, workers: int) -> tuple[SoundDetector, dict[str, Any]]:
    """The detector and its metrics, from recordings that `dataset.extract_all` has listened to."""
    music = recorded(recordings, cache, workers)
    made = generated(draws(), cache, workers)
    unheard = [one for one in made if one.draw.source == "unheard"]
    learned = [
        one for one in (*made, *music) if one.draw.source != "unheard" and one.condition in {CLEAN, VARIED}
    ]
    by_music, by_kind = _without_artists(learned, music), _without_kinds(learned)
    detector = fit(learned)
    metrics: dict[str, Any] = {"data": describe(list(recordings))}
    for name, view in VIEWS.items():
        metrics[name] = _measured(detector, unheard, (music, by_music[name]), by_kind[name], view)
    detector = _with_thresholds(detector, metrics["both"]["threshold"], metrics["measures"]["threshold"])
    return detector, metrics


def _with_thresholds(detector: SoundDetector, threshold: float, threshold_deaf: float) -> SoundDetector:
    changed = SoundDetector(threshold, threshold_deaf)
    changed.load_state_dict(detector.state_dict())
    return changed


def summary(metrics: dict[str, Any]) -> str:
    """The detector's shares in a few lines."""
    both = metrics["both"]
    hits = both["hits on generators never heard"] | {"kinds left out": both["hits on kinds left out"]["all"]}
    alarms = both["false alarms on unseen artists"]
    lines = [
        f"{name}: {100 * row['share']:.1f}% of {row['sounds']} found not to be music"
        for name, row in hits.items()
    ]
    lines += [
        f"music, {name}: {100 * row['share']:.1f}% of {row['sounds']} mistaken"
        for name, row in alarms.items()
    ]
    return "\n".join(lines)


def save(detector: SoundDetector, metrics: dict[str, Any], weights: Path, metrics_file: Path) -> None:
    """Write the detector's folder and its metrics."""
    detector.save_pretrained(weights)
    write_json(metrics_file, metrics)
