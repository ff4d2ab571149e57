"""The baseline that the networks are held against: statistics of the MFCCs and a support vector machine."""

import numpy as np
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from torch import Tensor


def statistics(mfccs: Tensor) -> np.ndarray:
    """Mean, deviation and mean absolute difference of each coefficient, (n, 130, 13) -> (n, 39)."""
    x = mfccs.numpy()
    return np.concatenate([x.mean(1), x.std(1), np.abs(np.diff(x, axis=1)).mean(1)], axis=1)


def svm() -> Pipeline:
    """Standardised features, radial basis kernel, C = 10, balanced classes."""
    return make_pipeline(StandardScaler(), SVC(C=10, class_weight="balanced"))


def scores(mfccs: Tensor, labels: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Decision values of the test segments, (n, genres that were trained on)."""
    features = statistics(mfccs)
    return svm().fit(features[train], labels[train]).decision_function(features[test])
