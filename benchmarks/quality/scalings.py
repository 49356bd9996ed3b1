"""Other scalings of features than the model's own, for the ablation."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import QuantileTransformer

from vae_keras.data.datasets import blocks
from vae_keras.model import preprocessing

SCALINGS = ("standard", "robust", "quantile")
OF_A_NORMAL = 1.349  # the range of the middle half of a normal distribution, in deviations

Array = NDArray[np.float64]


@contextmanager
def scaled(train: Array, test: Array, by: str) -> Iterator[tuple[Array, Array]]:
    """Rows as a model is to have them while the context lasts, which may change its own scaling.

    Args:
        train: rows to learn the scaling from.
        test: rows to scale alike.
        by: "standard", mean and deviation; "robust", median and the range of the middle half;
            "quantile", to a normal distribution by ranks.
    """
    if by == "robust":
        with mock.patch.object(preprocessing, "_moments", _robust):
            yield train, test
    elif by == "quantile":
        ranks = QuantileTransformer(
            n_quantiles=min(1000, len(train)), output_distribution="normal", random_state=0
        ).fit(train)
        yield ranks.transform(train), ranks.transform(test)
    else:
        yield train, test


def _robust(x: Any) -> tuple[Array, Array]:
    """Median and deviation by the middle half; by all rows where half of them are equal."""
    rows = np.concatenate(list(blocks(x)))
    low, median, high = np.quantile(rows, [0.25, 0.5, 0.75], axis=0)
    deviation = (high - low) / OF_A_NORMAL
    return median, np.where(deviation > 0, deviation, rows.std(0))
