"""Where trained models come from: a folder with one sub-folder per model, here or on the Hugging Face Hub."""

from genre_models.hub.loading import (
    ASSETS,
    BUNDLED_WEIGHTS,
    COMBINATION_FILE,
    DETECTOR_FOLDER,
    MELODY_FOLDER,
    MODEL_FOLDERS,
    Ensemble,
    WeightsError,
    bundled_ear,
    load_detector,
    load_ensemble,
    load_melody,
    load_models,
)
from genre_models.hub.pull import BUNDLED, METRICS_FOLDER, Source, locate

__all__ = [
    "ASSETS",
    "BUNDLED",
    "BUNDLED_WEIGHTS",
    "COMBINATION_FILE",
    "DETECTOR_FOLDER",
    "MELODY_FOLDER",
    "METRICS_FOLDER",
    "MODEL_FOLDERS",
    "Ensemble",
    "Source",
    "WeightsError",
    "bundled_ear",
    "load_detector",
    "load_ensemble",
    "load_melody",
    "load_models",
    "locate",
]
