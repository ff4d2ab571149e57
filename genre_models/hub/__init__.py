"""Where trained models come from: a folder with one sub-folder per model, here or on the Hugging Face Hub."""

from genre_models.hub.loading import (
    COMBINATION_FILE,
    DETECTOR_FOLDER,
    MELODY_FOLDER,
    MODEL_FOLDERS,
    TEXT_FOLDER,
    TRANSLATION_FOLDER,
    Ensemble,
    WeightsError,
    bundled_ear,
    load_detector,
    load_ensemble,
    load_melody,
    load_models,
    load_text,
    load_translation,
)
from genre_models.hub.pull import BUNDLED, METRICS_FOLDER, MODEL_FILES, Source, locate

__all__ = [
    "BUNDLED",
    "COMBINATION_FILE",
    "DETECTOR_FOLDER",
    "MELODY_FOLDER",
    "METRICS_FOLDER",
    "MODEL_FILES",
    "MODEL_FOLDERS",
    "TEXT_FOLDER",
    "TRANSLATION_FOLDER",
    "Ensemble",
    "Source",
    "WeightsError",
    "bundled_ear",
    "load_detector",
    "load_ensemble",
    "load_melody",
    "load_models",
    "load_text",
    "load_translation",
    "locate",
]
