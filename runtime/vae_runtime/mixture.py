"""The mixture of Gaussians that is part of some bundles' scores, in numpy.

Graphs in floating point hold it; around networks of 8 bits it is computed here, from `mixture.npz`.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .bundle import Bundle
from .errors import BundleError

Array = NDArray[np.float32]
Exact = NDArray[np.float64]
Places = NDArray[np.intp]

FAR = 1e4  # sigmas beyond all centres, from where on a value is as far as any: squares stay exact


class Mixture:
    """p(u) = sum_j exp(log_weights_j) N(u; centres_j, sigma^2 I), of pre-processed rows u.

    Args:
        centres: float32 (count, features), of flattened rows.
        log_weights: float32 (count,).
        sigma: the standard deviation of every feature around every centre.
    """

    def __init__(self, centres: Array, log_weights: Array, sigma: float) -> None:
        self._sigma = np.float32(sigma)
        self._centres, self._log_weights = centres / self._sigma, log_weights
        self._bias = log_weights - np.float32(0.5) * np.square(self._centres).sum(1)
        self._constant = np.float32(centres.shape[1] * math.log(sigma * math.sqrt(2 * math.pi)))

    def nll(self, u: Array) -> Array:
        """-log p(u) of each row, in nats: float32 (batch,)."""
        v = u.reshape(len(u), -1) / self._sigma
        logits = v @ self._centres.T + self._bias
        largest = logits.max(1)
        log_sum = largest + np.log(np.exp(logits - largest[:, None]).sum(1))
        return np.asarray(np.float32(0.5) * np.square(v).sum(1) + self._constant - log_sum)

    def given_others(self, u: Array, features: Sequence[Places]) -> Array:
        """What each feature is expected to be, by all others of its row: E[u_f | u without f].

        A centre j is as likely as they are near it,

            r_j = softmax_j(log_weights_j - sum over i not in f of (u_i - c_ji)^2 / (2 sigma^2))

        and the expectation is sum_j r_j c_jf; a mean of centres, however wild the row is.

        Args:
            u: float32 (batch, ...).
            features: the places of each in the flattened row; no two share one.

        Returns:
            float32 (batch, values); zeros in places that are of no feature.
        """
        c = self._centres.astype(np.float64)
        v = (u.reshape(len(u), -1) / self._sigma).astype(np.float64)
        v = np.clip(v, c.min(0) - FAR, c.max(0) + FAR)
        logits, expected = self._log_weights - _half_squares(v, c), np.zeros_like(v)
        for places in features:
            others = logits + _half_squares(v[:, places], c[:, places])
            r = np.exp(others - others.max(1, keepdims=True))
            expected[:, places] = r @ c[:, places] / r.sum(1, keepdims=True)
        return (expected * self._sigma).astype(np.float32)


def read_mixture(bundle: Bundle) -> Mixture | None:
    """The mixture of a bundle's score; None where the score has none.

    Raises:
        BundleError: its file is not as the manifest describes the model.
    """
    model = bundle.manifest.model
    if model.mixture is None:
        return None
    arrays = bundle.read_arrays("mixture")
    features = math.prod(model.input_shape)
    shapes = {"centres": (model.mixture, features), "log_weights": (model.mixture,), "sigma": ()}
    found = {name: (array.dtype.name, array.shape) for name, array in arrays.items()}
    if found != {name: ("float32", shape) for name, shape in shapes.items()}:
        raise BundleError(
            f"the mixture's file: expected float32 {shapes}. Received: {str(found)[:300]}. "
            "Export the bundle again."
        )
    if not all(np.isfinite(array).all() for array in arrays.values()) or not arrays["sigma"] > 0:
        raise BundleError(
            "the mixture's file: expected finite numbers, and a sigma above 0. Received: others. "
            "Export the bundle again."
        )
    return Mixture(arrays["centres"], arrays["log_weights"], float(arrays["sigma"]))


def _half_squares(v: Exact, centres: Exact) -> Exact:
    """|v - c|^2 / 2 of each row and each centre: (batch, count)."""
    squares = np.square(v).sum(1)[:, None] + np.square(centres).sum(1)
    return np.asarray(0.5 * squares - v @ centres.T)
