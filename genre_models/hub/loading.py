"""A folder with one sub-folder per model -> models that are ready to answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from genre_models.classifiers import ARCHITECTURES, GENRES, GenreClassifier, MusiCNNClassifier
from genre_models.melody import MelodyTransformer
from genre_models.musicnn import Heard, MusiCNN
from genre_models.paths import BUNDLED_WEIGHTS
from genre_models.sound import Sound, SoundDetector
from genre_models.verdict import Combination
from genre_models.weights import PICKLES, WEIGHTS_FILE, StrictWeights
from genre_models.words import TextTransformer, TranslationTransformer

COMBINATION_FILE = "verdict.json"
DETECTOR_FOLDER = "sound"
MELODY_FOLDER = "melody"
TRANSLATION_FOLDER = "translate"
TEXT_FOLDER = "text"
MODEL_FOLDERS = (*ARCHITECTURES, DETECTOR_FOLDER, MELODY_FOLDER, TRANSLATION_FOLDER, TEXT_FOLDER)
"""Where models may lie below a folder of them."""

Model = TypeVar("Model", bound=StrictWeights)


class WeightsError(ValueError):
    """Weights that cannot be used; the message says why in a sentence for a person."""


@dataclass(frozen=True)
class Ensemble:
    """The models by name, how their answers become one verdict, and what tells music from the rest."""

    models: Mapping[str, GenreClassifier]
    combination: Combination = field(default_factory=Combination)
    detector: SoundDetector | None = None

    @property
    def ear(self) -> MusiCNN | None:
        """The pretrained network, where there is one."""
        model = self.models.get(MusiCNNClassifier.name)
        return model.ear if isinstance(model, MusiCNNClassifier) else None

    def recognise(self, waveform: Tensor, heard: Heard | None) -> Sound:
        """What a recording (samples,) at 22,050 Hz is of: always music where there is no detector."""
        return Sound("music", None, ()) if self.detector is None else self.detector.judge(waveform, heard)


def refuse_pickles(folder: Path, files: list[str]) -> None:
    """Raise `WeightsError` where `files` of a model's `folder` hold a pickle and no safetensors."""
    pickles = sorted(file for file in files if Path(file).suffix in PICKLES)
    if pickles and WEIGHTS_FILE not in files:
        raise WeightsError(
            f"{folder / pickles[0]} is a pickle, which can run code when read: only safetensors are used."
        )


def _load(architecture: type[Model], folder: Path, title: str) -> Model | None:
    """The model in `folder`; None where there is none. Raises `WeightsError` for a broken one or a pickle."""
    if not (folder / WEIGHTS_FILE).is_file():
        refuse_pickles(folder, [path.name for path in folder.glob("*")])
        return None
    try:
        return architecture.from_pretrained(folder)
    except Exception as error:
        raise WeightsError(f"The weights in {folder} do not fit the {title}.") from error


def load_models(folder: Path = BUNDLED_WEIGHTS) -> dict[str, GenreClassifier]:
    """The classifiers in `folder/<name>/{model.safetensors,config.json}`, ready to answer, by name.

    Raises `WeightsError` where there are none, or where one is broken, a pickle or made for other genres.
    """
    models = {}
    for name, architecture in ARCHITECTURES.items():
        model = _load(architecture, folder / name, architecture.title)
        if model is None:
            continue
        if model.genres != GENRES:
            raise WeightsError(f"The weights in {folder / name} were made for other genres.")
        models[name] = model
    if not models:
        raise WeightsError(f"There are no trained models in {folder}: train some with train.py genre.")
    return models


def bundled_ear() -> MusiCNN:
    """The pretrained network as it ships with the project. Raises `WeightsError` where it is missing."""
    ear = Ensemble(load_models()).ear
    if ear is None:
        raise WeightsError(f"There is no {BUNDLED_WEIGHTS / MusiCNNClassifier.name}.")
    return ear


def load_detector(folder: Path) -> SoundDetector | None:
    """The detector of non-music in `folder/sound`, if any. Raises `WeightsError` for a broken one."""
    return _load(SoundDetector, folder / DETECTOR_FOLDER, "detector of non-music")


def load_melody(folder: Path = BUNDLED_WEIGHTS) -> MelodyTransformer | None:
    """The melody Transformer in `folder/melody`, if any. Raises `WeightsError` for a broken one."""
    return _load(MelodyTransformer, folder / MELODY_FOLDER, "melody Transformer")


def load_translation(folder: Path = BUNDLED_WEIGHTS) -> TranslationTransformer | None:
    """The one that translates in `folder/translate`, if any. Raises `WeightsError` for a broken one."""
    return _load(TranslationTransformer, folder / TRANSLATION_FOLDER, "Transformer that translates")


def load_text(folder: Path = BUNDLED_WEIGHTS) -> TextTransformer | None:
    """The one that writes prose in `folder/text`, if any. Raises `WeightsError` for a broken one."""
    return _load(TextTransformer, folder / TEXT_FOLDER, "Transformer that writes prose")


def load_ensemble(folder: Path = BUNDLED_WEIGHTS) -> Ensemble:
    """All models of a folder, combined as its verdict.json says, or alike where it has none.

    Raises `WeightsError` as `load_models` does, or for a verdict.json or a detector that cannot be read.
    """
    models, file = load_models(folder), folder / COMBINATION_FILE
    try:
        combination = Combination.load(file) if file.is_file() else Combination()
    except (ValueError, AttributeError, TypeError) as error:
        raise WeightsError(f"{file} does not hold the weights of a verdict.") from error
    return Ensemble(models, combination, load_detector(folder))
