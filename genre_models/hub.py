"""Where trained models come from: a folder with one sub-folder per model."""

from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from torch import Tensor

from genre_models.classifiers import ARCHITECTURES, GENRES, GenreClassifier, MusiCNNClassifier
from genre_models.melody import MelodyTransformer
from genre_models.musicnn import Heard, MusiCNN
from genre_models.sound import Sound, SoundDetector
from genre_models.verdict import Combination

ASSETS = Path(__file__).resolve().parent.parent / "assets"
BUNDLED_WEIGHTS = ASSETS / "weights"
COMBINATION_FILE = "verdict.json"
DETECTOR_FOLDER = "sound"
MELODY_FOLDER = "melody"


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


def load_models(folder: Path = BUNDLED_WEIGHTS) -> dict[str, GenreClassifier]:
    """The classifiers in `folder/<name>/{model.safetensors,config.json}`, ready to answer, by name.

    Raises `WeightsError` where there are none, or where one is broken or made for other genres.
    """
    models = {}
    for name, architecture in ARCHITECTURES.items():
        if not (folder / name / "model.safetensors").is_file():
            continue
        try:
            with redirect_stdout(StringIO()):  # huggingface_hub prints a line for every local folder
                model = architecture.from_pretrained(folder / name)
        except Exception as error:
            raise WeightsError(
                f"The weights in {folder / name} do not fit the {architecture.title}."
            ) from error
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
    if not (folder / DETECTOR_FOLDER / "model.safetensors").is_file():
        return None
    try:
        with redirect_stdout(StringIO()):
            return SoundDetector.from_pretrained(folder / DETECTOR_FOLDER)
    except Exception as error:
        raise WeightsError(
            f"The weights in {folder / DETECTOR_FOLDER} do not fit the detector of non-music."
        ) from error


def load_melody(folder: Path = BUNDLED_WEIGHTS) -> MelodyTransformer | None:
    """The melody Transformer in `folder/melody`, if any. Raises `WeightsError` for a broken one."""
    if not (folder / MELODY_FOLDER / "model.safetensors").is_file():
        return None
    try:
        with redirect_stdout(StringIO()):
            return MelodyTransformer.from_pretrained(folder / MELODY_FOLDER).eval()
    except Exception as error:
        raise WeightsError(
            f"The weights in {folder / MELODY_FOLDER} do not fit the melody Transformer."
        ) from error


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
