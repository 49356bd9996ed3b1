"""Scores as good as they were: the default configuration on three sets that scikit-learn brings.

How good they are beside other detectors is for `benchmarks/quality`; this is a floor under them.
"""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.metrics import roc_auc_score

from vae_keras import DataConfig, ModelConfig, TrainConfig, train
from vae_keras.evaluate import score_rows


def breast_cancer():
    x, y = load_breast_cancer(return_X_y=True)
    return x, y == 0  # malignant


def wine():
    x, y = load_wine(return_X_y=True)
    return x, y == 0  # one cultivar of three


def digits():
    x, y = load_digits(return_X_y=True)
    varies = x[y < 5].std(0) > 0.3
    return x[:, varies], y >= 5


# AUROC; seen .955, .949 and .921 (by the negative ELBO alone .957, .941 and .895), and with another
# seed .959, .933 and .907
FLOORS = {breast_cancer: 0.94, wine: 0.93, digits: 0.905}


@pytest.mark.parametrize("rows", FLOORS, ids=lambda rows: rows.__name__)
def test_anomalies_are_told_from_normal_rows(rows, tmp_path):
    x, y = rows()
    normal = np.random.default_rng(0).permutation(np.flatnonzero(~y))
    half = len(normal) // 2
    np.savez(tmp_path / "x.npz", x=x[normal[:half]].astype(np.float32))
    data = DataConfig(str(tmp_path / "x.npz"), folds=1)
    config = TrainConfig(alpha=0.1, epochs=100)  # half of the default: half of the time
    run, _ = train(data, ModelConfig(), config, out=tmp_path / "run", log=str)
    unseen = np.concatenate([normal[half:], np.flatnonzero(y)])
    score = score_rows(run.vae, x[unseen].astype(np.float32))["score"]
    assert roc_auc_score(y[unseen], score) >= FLOORS[rows]
