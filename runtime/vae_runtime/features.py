"""Which features make a row's score what it is, by name."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .bundle.manifest import Model
from .expecting import whole


class TopFeatures(NamedTuple):
    """The features with the largest shares, largest first: names and nats, each (batch, k)."""

    names: NDArray[np.str_]
    nats: NDArray[np.float32]


def top(feature_nll: NDArray[np.float32], model: Model, k: int) -> TopFeatures:
    """The k largest shares of each row's nll.

    Where features have names and a row is a window, a feature is a channel over all of the window.
    Without names, it is one value of the row, called by its index: `5`, `(3, 4, 0)`.

    Args:
        feature_nll: (batch, *input_shape), nats; see `Runner.explain`.
        model: what names the features.
        k: how many; all, where there are fewer.

    Raises:
        ValueError: k is no whole number from 1.
    """
    k = whole("k", k, least=1)
    shares, names = _named_shares(feature_nll, model)
    k = min(k, len(names))
    largest = np.argsort(-shares, axis=1, kind="stable")[:, :k]
    return TopFeatures(names[largest], np.take_along_axis(shares, largest, axis=1))


def _named_shares(
    feature_nll: NDArray[np.float32], model: Model
) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Shares (batch, features) and their names (features,)."""
    if model.feature_names is not None:
        inside = tuple(range(1, feature_nll.ndim - 1))
        return feature_nll.sum(axis=inside), np.array(model.feature_names)
    shape = model.input_shape
    indices = np.ndindex(shape) if len(shape) > 1 else range(shape[0])
    return feature_nll.reshape(-1, math.prod(shape)), np.array([str(i) for i in indices])
