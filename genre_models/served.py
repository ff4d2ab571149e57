"""The models that the app answers with: those asked for or, where they cannot be used, the bundled ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from genre_models.hub import (
    BUNDLED,
    MELODY_FOLDER,
    Ensemble,
    Source,
    WeightsError,
    load_ensemble,
    load_melody,
    load_text,
    load_translation,
    locate,
)
from genre_models.melody import MelodyTransformer
from genre_models.melody.tunes import Repertoire
from genre_models.metrics import Measured
from genre_models.metrics_check import (
    MetricsError,
    read_measured,
    read_perplexity,
    read_recipe,
    read_repertoire,
)
from genre_models.words import TextTransformer, TranslationTransformer


@dataclass(frozen=True)
class Served:
    """All models of one source, what was measured of them, and what a visitor has to know about them.

    `recipes` say how the networks were trained, by name, {} where nothing says it; `perplexity` is the melody
    model's per note; `problem` says why these are not the models that were asked
    for, `doubt` why their figures are not shown.
    """

    source: Source
    ensemble: Ensemble
    melody: MelodyTransformer | None = None
    translation: TranslationTransformer | None = None
    text: TextTransformer | None = None
    repertoire: Repertoire = field(default_factory=Repertoire)
    quality: Measured = field(default_factory=Measured)
    recipes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    perplexity: float | None = None
    problem: str | None = None
    doubt: str | None = None


def serve(models: str) -> Served:
    """The models in a folder or at "user/name[@revision]"; the bundled ones where these cannot be used.

    Raises `WeightsError` only where the bundled ones cannot be used either.
    """
    try:
        source = locate(models)
    except WeightsError as error:
        return replace(_load(BUNDLED), problem=str(error))
    try:
        return _load(source)
    except WeightsError as error:
        if source.is_bundled:
            raise
        return replace(_load(BUNDLED), problem=_by_name(source, error))


def _load(source: Source) -> Served:
    folder = source.folder / MELODY_FOLDER
    served = Served(
        source,
        load_ensemble(source.folder),
        load_melody(source.folder),
        load_translation(source.folder),
        load_text(source.folder),
    )
    served = replace(
        served, recipes={name: read_recipe(source.folder / name) for name in served.ensemble.models}
    )
    if served.melody is not None:
        served = replace(served, perplexity=read_perplexity(folder))
    try:
        served = replace(served, repertoire=read_repertoire(folder))
        return replace(served, quality=_of(served.ensemble, read_measured(source.metrics)))
    except MetricsError as error:
        return replace(served, doubt=_by_name(source, error))


def _of(ensemble: Ensemble, measured: Measured) -> Measured:
    """What holds for these models: not a verdict that was measured with weights that they do not have."""
    if ensemble.combination.weights:
        return measured
    singly = {name: accuracy for name, accuracy in measured.accuracies.items() if name != "verdict"}
    return replace(measured, accuracies=singly, calibration=None)


def _by_name(source: Source, error: Exception) -> str:
    """What went wrong, with the source's name in the place of its folder in the cache."""
    return str(error).replace(str(source.folder), source.name)
