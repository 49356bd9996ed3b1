"""Features that add most to a row's score, by name."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.arguments import whole
from vae_runtime.bundle.manifest import Model


class TopFeatures(NamedTuple):
    """Features that add most, largest first: names and nats, each (batch, k)."""

    names: NDArray[np.str_]
    nats: NDArray[np.float32]


def top(shares: NDArray[np.float32], model: Model, k: int) -> TopFeatures:
    """The features with the k largest shares of each row.

    Where features have names and a row is a window, a feature is a channel over all of the window.
    Without names, it is one value of the row, called by its index: `5`, `(3, 4, 0)`.

    Args:
        shares: (batch, *input_shape), nats, see `Runner.explain`; of windows whose channels are
            explained whole, (batch, channels).
        model: what names the features.
        k: how many; all, where there are fewer.

    Raises:
        ValueError: k is no whole number from 1.
    """
    k = whole("k", k, least=1)
    each, names = _named_shares(shares, model)
    k = min(k, len(names))
    largest = np.argsort(-each, axis=1, kind="stable")[:, :k]
    return TopFeatures(names[largest], np.take_along_axis(each, largest, axis=1))


def _named_shares(
    shares: NDArray[np.float32], model: Model
) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Shares of each feature (batch, features), and their names (features,).

    Columns of categories are features as a whole: `mode`, not `mode_idle`.
    """
    if model.feature_names is not None:
        inside = tuple(range(1, shares.ndim - 1))
        each, names = shares.sum(axis=inside), model.feature_names
        end = len(names) - sum(map(len, (model.categories or {}).values()))
        names, parts = names[:end], [each[:, :end]]
        for column, values in (model.categories or {}).items():
            names, start, end = (*names, column), end, end + len(values)
            parts.append(each[:, start:end].sum(axis=1, keepdims=True))
        return np.concatenate(parts, axis=1), np.array(names)
    shape = model.input_shape
    indices = np.ndindex(shape) if len(shape) > 1 else range(shape[0])
    return shares.reshape(-1, math.prod(shape)), np.array([str(i) for i in indices])
