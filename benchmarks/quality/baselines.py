"""What a score is compared with: detectors of scikit-learn, and PyOD's where it is installed.

Each takes (train, test) standardised by the training rows, and gives a score for each test row,
higher for anomalies. (TensorFlow and PyTorch crash in one process: nothing here knows of ours.)
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sets
from figures import ranking
from numpy.typing import NDArray
from sklearn.covariance import EmpiricalCovariance
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors

Array = NDArray[np.float64]
Detector = Callable[[Array, Array], Array]


def judge(folder: Path, name: str, protocol: str, seed: int) -> list[dict[str, Any]]:
    """Figures of each, see `judging.judge`."""
    split = sets.split(folder, name, protocol, seed)
    mean, std = split.train.mean(0), split.train.std(0)
    train, test = ((rows - mean) / std for rows in (split.train, split.test))
    return [
        {"method": method, **ranking(split.y, detect(train, test))}
        for method, detect in known().items()
    ]


def knn5(train: Array, test: Array) -> Array:
    """Distance to the fifth nearest training row."""
    near = NearestNeighbors(n_neighbors=min(5, len(train))).fit(train)
    return np.asarray(near.kneighbors(test)[0][:, -1])


def lof20(train: Array, test: Array) -> Array:
    """Local outlier factor among 20 neighbours."""
    lof = LocalOutlierFactor(n_neighbors=min(20, len(train) - 1), novelty=True).fit(train)
    return np.asarray(-lof.score_samples(test))


def isolation_forest(train: Array, test: Array) -> Array:
    """Isolation forest as scikit-learn has it."""
    return np.asarray(-IsolationForest(random_state=0).fit(train).score_samples(test))


def mahalanobis(train: Array, test: Array) -> Array:
    """Squared Mahalanobis distance to the mean."""
    return np.asarray(EmpiricalCovariance().fit(train).mahalanobis(test))


def pca(train: Array, test: Array) -> Array:
    """What components for 90 % of the variance leave over, squared."""
    model = PCA(0.9, svd_solver="full").fit(train)
    return np.asarray(((test - model.inverse_transform(model.transform(test))) ** 2).sum(1))


def _pyod(name: str) -> Detector:
    def detect(train: Array, test: Array) -> Array:
        import torch
        from pyod.models.auto_encoder import AutoEncoder
        from pyod.models.vae import VAE

        torch.set_num_threads(1)
        model = {"VAE": VAE, "AutoEncoder": AutoEncoder}[name](verbose=0, random_state=0)
        return np.asarray(model.fit(train).decision_function(test))

    return detect


CLASSICAL: dict[str, Detector] = {
    "KNN5": knn5,
    "LOF20": lof20,
    "IForest": isolation_forest,
    "Mahalanobis": mahalanobis,
    "PCA": pca,
}


def known() -> dict[str, Detector]:
    """All that can run here, by name."""
    if importlib.util.find_spec("pyod") and importlib.util.find_spec("torch"):
        return {**CLASSICAL, "PyOD VAE": _pyod("VAE"), "PyOD AE": _pyod("AutoEncoder")}
    return CLASSICAL
