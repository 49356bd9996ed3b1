"""Mixture of Gaussians around typical rows, whose density is a second term of the score.

    p(u) = sum_j weight_j N(u; centre_j, sigma^2 I)

with the centres that k-means finds among the training rows, u being a pre-processed row. A VAE
knows how features depend on each other, and is lenient where normal rows are few and far between;
the distance to the nearest typical row knows that, and nothing else. The score is the sum of both
negative log densities, in nats, so that either can raise it.

Source: Hastie, Tibshirani & Friedman 2009, "The elements of statistical learning", section 13.2
(k-means prototypes); Sugiyama & Borgwardt 2013, "Rapid distance-based outlier detection via
sampling", on how few rows a distance needs. What it gains: benchmarks/quality/ablation.md.
"""

import math
import warnings
from typing import Any

import keras
import numpy as np
from keras import ops

from vae_keras._base.arrays import Array, Tensor

MOST_ROWS = 10_000  # that centres are sought among, and that sigma is found on, at most
MOST_VALUES = 2**24  # of these rows at most, so that what that takes stays small beside training

LEAST_SHARE = 1e-30  # the share of a centre that no row is near

# Twice the usual distance to the nearest centre, root mean square of a feature: centres that are
# nobody's neighbours (contaminated training rows) then count less than many that are near.
SIGMA_FACTOR = 2.0
LEAST_SIGMA = 0.1  # of a pre-processed feature, so that copies of a row are no infinite density

# float32 sums lose a share of their terms that grows as the root of their number (Higham & Mary
# 2019, "A new approach to probabilistic rounding error analysis"); of so many features, little.
EXACT_FEATURES = 256

FAR_SIGMAS = 1e4  # sigmas beyond all centres, from where on a value is as far as any


@keras.saving.register_keras_serializable(package="vae_keras")
class Mixture(keras.layers.Layer):
    """Gaussians of one deviation around centres, which `fit` finds and training leaves alone.

    Args:
        centres: how many.
    """

    def __init__(self, centres: int, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32", "trainable": False})
        if centres < 1:
            raise ValueError(f"expected a mixture of 1 centre or more. Received: {centres}.")
        self.count = centres

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Adds the weights `centres` (count, features), `log_weights` (count,) and `sigma` ()."""
        features = math.prod(input_shape[1:])
        self.centres = self._weight("centres", (self.count, features), "zeros")
        self.log_weights = self._weight("log_weights", (self.count,), "zeros")
        self.sigma = self._weight("sigma", (), "ones")

    def call(self, u: Tensor) -> Tensor:
        """-log p(u) of pre-processed rows, in nats: (batch,)."""
        v, (logits, constant) = self._scaled(u), self._logits(u)
        square = ops.sum(ops.square(v), axis=-1)
        # (Keras's logsumexp asks for infinities, by operations that not every runtime has.)
        largest = ops.max(logits, axis=-1, keepdims=True)
        log_sum = ops.log(ops.sum(ops.exp(logits - largest), axis=-1)) + largest[:, 0]
        return 0.5 * square + constant - log_sum

    def magnitude(self, u: Tensor) -> Tensor:
        """Sum of the terms' sizes in nats, of which rounding in `call` is a share: (batch,).

        Terms count whatever their sign, and several times where each is itself a sum over many
        features.
        """
        v, (logits, constant) = self._scaled(u), self._logits(u)
        square = ops.sum(ops.square(v), axis=-1)
        terms = 0.5 * square + ops.abs(constant) + ops.max(ops.abs(logits), axis=-1)
        return max(1.0, math.sqrt(self.centres.shape[1] / EXACT_FEATURES)) * terms

    def given_others(self, u: Tensor, features: Array) -> Tensor:
        """Expected value of each feature given all others of its row, E[u_f | u without f].

        A centre j is as likely as they are near it,

            r_j = softmax_j(log_weights_j - sum over i not in f of (u_i - c_ji)^2 / (2 sigma^2))

        and the expectation is sum_j r_j c_jf; a mean of centres, however wild the row is.

        Squares of a value beyond all centres are counted from the nearest that a centre can be:
        that is the same for all centres, and leaves float32 the digits that tell them apart.

        Args:
            u: pre-processed rows.
            features: float32 (features, values), 1 at the values that each feature has of a
                flattened row; each value is of one feature.
        """
        centres = self.centres / self.sigma
        low, high = ops.min(centres, axis=0), ops.max(centres, axis=0)
        v = ops.expand_dims(ops.clip(self._scaled(u), low - FAR_SIGMAS, high + FAR_SIGMAS), 1)
        near = ops.clip(v, low, high)
        squares = (near - centres) * (2.0 * v - near - centres)  # (batch, count, values)
        others = _product(squares, 1.0 - features.T)  # (batch, count, features)
        logits = ops.expand_dims(self.log_weights, 1) - 0.5 * others
        r = ops.exp(logits - ops.max(logits, axis=1, keepdims=True))
        share = _product(r / ops.sum(r, axis=1, keepdims=True), features)
        expected = ops.sum(share * centres, axis=1) * self.sigma
        return ops.reshape(expected, (-1, *u.shape[1:]))

    def fit(self, u: Array, held_back: Array, *, seed: int = 0) -> None:
        """Finds the centres among pre-processed training rows.

        Where there are fewer rows than centres, those that are left over have no weight.

        Args:
            u: (rows, ...).
            held_back: more normal rows, by whose distance to the nearest centre sigma is set: that
                of rows which centres were sought among is too small.
            seed: of k-means.
        """
        rows, others = (each.reshape(len(each), -1).astype(np.float64) for each in (u, held_back))
        found = _k_means(rows, min(self.count, len(rows)), seed)
        centres = np.zeros((self.count, rows.shape[1]))
        centres[: len(found.cluster_centers_)] = found.cluster_centers_
        shares = np.bincount(found.labels_, minlength=self.count) / len(rows)
        nearest = np.square(found.transform(others)).min(axis=1).mean() / rows.shape[1]
        self.centres.assign(centres)
        self.log_weights.assign(np.log(np.maximum(shares, LEAST_SHARE)))
        self.sigma.assign(max(SIGMA_FACTOR * math.sqrt(nearest), LEAST_SIGMA))

    def factor(self) -> Array:
        """Matrix (features, centres) that rows are multiplied with."""
        return np.ascontiguousarray((np.asarray(self.centres) / np.asarray(self.sigma)).T)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "centres": self.count}

    def _weight(self, name: str, shape: tuple[int, ...], initializer: str) -> Any:
        return self.add_weight(name=name, shape=shape, initializer=initializer, trainable=False)

    def _scaled(self, u: Tensor) -> Tensor:
        return ops.reshape(u, (-1, self.centres.shape[1])) / self.sigma

    def _logits(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (batch, count) of the centres without their common term, and that term."""
        centres = self.centres / self.sigma
        bias = self.log_weights - 0.5 * ops.sum(ops.square(centres), axis=1)
        constant = centres.shape[1] * (ops.log(self.sigma) + 0.5 * math.log(2 * math.pi))
        return ops.matmul(self._scaled(u), ops.transpose(centres)) + bias, constant


def _product(each: Tensor, factor: Array) -> Tensor:
    """Multiplies (batch, count, a) by (a, b), as one product of two matrices: (batch, count, b)."""
    flat = ops.matmul(ops.reshape(each, (-1, each.shape[-1])), factor.astype(np.float32))
    return ops.reshape(flat, (-1, each.shape[1], factor.shape[1]))


def _k_means(rows: Array, count: int, seed: int) -> Any:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    # one thread, since several add in an order that differs from run to run; and fewer different
    # rows than centres are no reason to warn
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return KMeans(count, n_init=1, max_iter=30, random_state=seed).fit(rows)
