"""Where trained classifiers come from: a folder with one sub-folder per model."""

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from genre_models.classifiers import ARCHITECTURES, GENRES, GenreClassifier

ASSETS = Path(__file__).resolve().parent.parent / "assets"
BUNDLED_WEIGHTS = ASSETS / "weights"


class WeightsError(ValueError):
    """Weights that cannot be used; the message says why in a sentence for a person."""


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
