"""What stands around a bundle's networks, in numpy: pre-processing, likelihood, KL divergence.

Graphs in floating point hold all of it; a file of 8 bits cannot. `docs/bundle-format.md` has the
formulas. Arrays are float32; `u` is a pre-processed row, and parameters are what a decoder answers.
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vae_runtime.bundle.manifest import Model

from .errors import BundleError

Array = NDArray[np.float32]

LEAST = 1e-4  # whose logarithm is taken, as in the graphs


class Scaling:
    """A model's pre-processing and its inverse."""

    def __init__(self, model: Model) -> None:
        said = model.preprocessing
        self._offset = as_row(said.offset, model.input_shape)
        self._scale = as_row(said.scale, model.input_shape)
        self._low, self._high = said.low, said.high

    def forward(self, x: NDArray[Any]) -> Array:
        """The model's units: clip((x - offset) / scale, low, high)."""
        with np.errstate(over="ignore"):  # infinity, as in float32 graphs, is no normal row's
            u = (x.astype(np.float32) - self._offset) / self._scale
        bounded = self._low is not None or self._high is not None
        return np.asarray(np.clip(u, self._low, self._high)) if bounded else u

    def inverse(self, u: Array) -> Array:
        """The data's own units."""
        return u * self._scale + self._offset


class Likelihood(Protocol):
    """Of columns, or of whole rows; arrays are (batch, ...)."""

    def feature_nll(self, u: Array, parameters: Array) -> Array:
        """-log p(u_i|z) of each feature, in nats."""

    def mean(self, parameters: Array) -> Array:
        """E[u|z]."""


class Bernoulli:
    """Features between 0 and 1; the parameters are logits."""

    def feature_nll(self, u: Array, x_logits: Array) -> Array:
        """KL(u || sigmoid(l)): softplus(l) - u l - entropy(u)."""
        cross_entropy = np.logaddexp(np.float32(0), x_logits) - u * x_logits
        return np.asarray(cross_entropy + _times_log(u) + _times_log(1 - u))

    def mean(self, x_logits: Array) -> Array:
        """The sigmoid, by tanh, which does not overflow."""
        return np.asarray(np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * x_logits)))


class Gaussian:
    """Features that are normal around the parameters, with deviations that broadcast with them."""

    def __init__(self, sigma: Array) -> None:
        self._sigma = sigma
        self._constant = np.log(sigma) + np.float32(0.5 * math.log(2 * math.pi))

    def feature_nll(self, u: Array, x_mean: Array) -> Array:
        """-log N(u; x_mean, sigma)."""
        with np.errstate(over="ignore"):  # as above
            off = np.square((u - x_mean) / self._sigma)
        return np.asarray(np.float32(0.5) * off + self._constant)

    def mean(self, x_mean: Array) -> Array:
        """The parameters themselves."""
        return x_mean


class Categorical:
    """One group of columns of which one is 1; the parameters are logits."""

    def feature_nll(self, u: Array, x_logits: Array) -> Array:
        """-u log softmax(l): zero but for the column that is 1."""
        return -u * _log_softmax(x_logits)

    def mean(self, x_logits: Array) -> Array:
        """The softmax: probabilities that sum to 1."""
        return np.exp(_log_softmax(x_logits))


class Columns:
    """Likelihoods of neighbouring columns, independent given z.

    Args:
        parts: likelihoods.
        widths: how many columns each takes.
    """

    def __init__(self, parts: Sequence[Likelihood], widths: Sequence[int]) -> None:
        self._parts, self._ends = parts, np.cumsum(widths)[:-1]

    def feature_nll(self, u: Array, parameters: Array) -> Array:
        """Each part's, side by side."""
        columns = (np.split(value, self._ends, axis=-1) for value in (u, parameters))
        each = zip(self._parts, *columns, strict=True)
        return np.concatenate([part.feature_nll(*own) for part, *own in each], axis=-1)

    def mean(self, parameters: Array) -> Array:
        """Each part's, side by side."""
        each = zip(self._parts, np.split(parameters, self._ends, axis=-1), strict=True)
        return np.concatenate([part.mean(own) for part, own in each], axis=-1)


def likelihood_of(model: Model) -> Likelihood:
    """The likelihood that a manifest describes.

    Raises:
        BundleError: it describes none that can be computed from what it says.
    """
    grouped = sum(model.one_hot)
    numbers = model.input_shape[-1] - grouped
    groups: list[Likelihood] = [Categorical() for _ in model.one_hot]
    if model.likelihood == "bernoulli" and not grouped:
        return Bernoulli()
    if model.likelihood == "gaussian" and not grouped:
        return Gaussian(as_row(_sigma(model), model.input_shape))
    if model.likelihood == "categorical" and grouped and not numbers:
        return Columns(groups, model.one_hot)
    if model.likelihood == "gaussian, categorical" and grouped and numbers:
        first = Gaussian(as_row(_sigma(model), (numbers,)))
        return Columns([first, *groups], [numbers, *model.one_hot])
    raise BundleError(
        "expected a likelihood that can be computed around networks: bernoulli, gaussian, "
        f"categorical, or gaussian, categorical. Received: {model.likelihood}, of {numbers} "
        f"columns beside {len(model.one_hot)} one-hot groups. Take files of another precision."
    )


def latent_kl(z_mean: Array, z_log_var: Array) -> Array:
    """KL(q(z|x) || N(0, I)) of each latent, in nats: float32 (batch, latent_dim)."""
    return np.asarray(np.float32(0.5) * (np.exp(z_log_var) + np.square(z_mean) - 1 - z_log_var))


def as_row(values: Sequence[float], shape: tuple[int, ...]) -> Array:
    """One value, one for each of the last axis, or one for each of a row, as broadcasts with it."""
    array = np.array(values, np.float32)
    return array.reshape(shape) if array.size == math.prod(shape) else array


def _sigma(model: Model) -> tuple[float, ...]:
    if model.sigma is None:
        raise BundleError(
            "manifest.json: expected sigma, which the score around int8 networks is computed with. "
            "Received: none. Export the bundle again, or take files of another precision."
        )
    return model.sigma


def _times_log(u: Array) -> Array:
    """U log u, 0 where u is 0."""
    return np.asarray(u * np.log(np.maximum(u, np.float32(LEAST))))


def _log_softmax(x_logits: Array) -> Array:
    shifted = x_logits - x_logits.max(-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)))
