"""Findings of tables that are made up."""

import numpy as np
import pytest

from vae_keras.data import Dataset
from vae_keras.data.places import Places
from vae_keras.evaluate import evaluate
from vae_keras.pages.findings import find
from vae_keras.pages.judge import Judge
from vae_runtime.bundle.manifest import Calibration, RowSpec


@pytest.fixture
def judge():
    """A judge of three columns whose score is the sum of their sizes, and expects 0 of each."""

    def make(names=("flow [bar]", "speed", "current"), calibration=99, alpha=0.01, **spec):
        return Judge(
            "artifacts/made",
            RowSpec(
                **{
                    "name": "made",
                    "input_shape": (len(names),),
                    "input_dtype": "float32",
                    "value_range": None,
                    "feature_names": tuple(names),
                    "one_hot": (),
                    **spec,
                }
            ),
            Calibration(alpha, 0.0, tuple(np.linspace(0.0, 3.0, calibration).tolist())),
            lambda x: np.abs(x).reshape(len(x), -1).sum(axis=1).astype(np.float32),
            np.abs,
            lambda x: np.zeros_like(x, np.float32),
            True,
        )

    return make


@pytest.fixture
def findings(judge):
    """Verdicts on rows by such a judge."""

    def make(x, y=None, *, own=None, **places):
        own = own or judge()
        x = np.asarray(x, np.float32)
        y = np.zeros(len(x), bool) if y is None else np.asarray(y, bool)
        rows = Places.of_rows(len(x), **places)
        dataset = Dataset("made", x, y, places=rows)
        scores, alpha = np.array(own.calibration.scores), own.calibration.alpha
        return find(own, dataset, evaluate(own.score(x), y, calibration=scores, alpha=alpha))

    return make
