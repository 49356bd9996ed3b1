"""What a score is compared with: detectors of scikit-learn, ECOD, and PyOD's where it is installed.

Each takes (train, test) standardised by the training rows, and gives a score for each test row,
higher for anomalies. (TensorFlow and PyTorch crash in one process: nothing here knows of ours.)
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import peers
import sets
from figures import ranking
from numpy.typing import NDArray
from sklearn.covariance import EmpiricalCovariance
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors

Array = NDArray[np.float64]
Detector = Callable[[Array, Array], Array]


def judge(folder: Path, name: str, protocol: str, seed: int, kept: Path) -> list[dict[str, Any]]:
    """Figures of each, see `judging.judge`; `kept` is the folder of figures known already."""
    split = sets.split(folder, name, protocol, seed)
    mean, std = split.train.mean(0), split.train.std(0)
    train, test = ((rows - mean) / std for rows in (split.train, split.test))

    def figures_of(method: str) -> dict[str, float]:
        return ranking(split.y, known()[method](train, test))

    return peers.figures(kept, sets.digest(split), list(known()), figures_of)


def knn5(train: Array, test: Array) -> Array:
    """Distance to the fifth nearest training row."""
    return np.asarray(_distances(train, test, 5)[:, -1])


def knn(train: Array, test: Array) -> Array:
    """Mean distance to the five nearest training rows."""
    return np.asarray(_distances(train, test, 5).mean(1))


def knn1(train: Array, test: Array) -> Array:
    """Distance to the nearest training row."""
    return np.asarray(_distances(train, test, 1)[:, -1])


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


def ecod(train: Array, test: Array) -> Array:
    """Sum over features of -log how few training rows are as far out, by the tail that counts.

    A row counts among the training rows it is compared with, so that no share is 0.
    Source: Li et al. 2022, "ECOD: unsupervised outlier detection using empirical cumulative
    distribution functions", algorithm 1.
    """
    left, right = np.empty_like(test), np.empty_like(test)
    for i, (ordered, values) in enumerate(zip(np.sort(train, axis=0).T, test.T, strict=True)):
        left[:, i] = np.searchsorted(ordered, values, "right")
        right[:, i] = len(ordered) - np.searchsorted(ordered, values, "left")
    left, right = (-np.log((each + 1) / (len(train) + 1)) for each in (left, right))
    skewed = ((train - train.mean(0)) ** 3).mean(0)  # whose sign is that of the skewness
    by_skewness = np.where(skewed < 0, left, right)
    return np.maximum.reduce([each.sum(1) for each in (left, right, by_skewness)])


def _distances(train: Array, test: Array, count: int) -> Array:
    near = NearestNeighbors(n_neighbors=min(count, len(train))).fit(train)
    return np.asarray(near.kneighbors(test)[0])


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
    "KNN": knn,
    "KNN1": knn1,
    "KNN5": knn5,
    "LOF20": lof20,
    "IForest": isolation_forest,
    "ECOD": ecod,
    "Mahalanobis": mahalanobis,
    "PCA": pca,
}


def known() -> dict[str, Detector]:
    """All that can run here, by name."""
    if importlib.util.find_spec("pyod") and importlib.util.find_spec("torch"):
        return {**CLASSICAL, "PyOD VAE": _pyod("VAE"), "PyOD AE": _pyod("AutoEncoder")}
    return CLASSICAL
