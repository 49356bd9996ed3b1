"""Continuous features with noise of a size that is learned, not assumed."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from vae_keras._base.arrays import Array, Tensor
from vae_keras._base.replicas import batch_mean

from .members import share
from .registry import LIKELIHOODS

# softclip keeps a sigma above exp(-6) = 0.0025 of a feature's standard deviation, so that a feature
# which is reconstructed perfectly cannot drive the nll to minus infinity.
# Source: Rybkin, Daniilidis & Levine 2021, "Simple and effective VAE training with calibrated
# decoders" (sigma-VAE), as is the optimal sigma below.
MIN_LOG_SIGMA = -6.0

# Share of the old value in the running mean that an optimal sigma is scored with: the last ten
# batches or so, since sigma falls fast while a model learns and an old one would score for long.
MOMENTUM = 0.9


@keras.saving.register_keras_serializable(package="vae_keras")
class Gaussian(keras.layers.Layer):
    """Each feature is normal around the decoder's output `x_mean`.

    Args:
        sigma: how the standard deviation is found. "per_feature" learns one for each feature,
            "shared" one for all, both by gradient descent; "optimal" takes the one that is best for
            each batch, the root of the mean squared error, and scores with a running mean of it.

    >>> vae = VAE(*mlp_pair((6,), latent_dim=2), likelihood=Gaussian("shared"))
    >>> vae.likelihood.sigma
    'shared'
    """

    title = "gaussian"
    support = None

    def __init__(self, sigma: str = "per_feature", **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        sigmas = LIKELIHOODS["gaussian"].sigmas
        if sigma not in sigmas:
            raise ValueError(f"expected a sigma of {', '.join(sigmas)}. Received: {sigma!r}.")
        self.sigma = sigma

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Adds the weight `log_sigma`: x's shape without the batch, or a scalar."""
        self.log_sigma = self.add_weight(
            name="log_sigma",
            shape=tuple(input_shape[1:]) if self.sigma == "per_feature" else (),
            initializer="zeros",
            trainable=self.sigma != "optimal",
        )

    def feature_nll(self, x: Tensor, x_mean: Tensor, training: bool = False) -> Tensor:
        """-log N(x; x_mean, sigma) of each feature, in nats."""
        log_sigma = self.log_sigma
        if training and self.sigma == "optimal":
            log_sigma = 0.5 * ops.log(ops.mean(batch_mean(ops.square(x - x_mean))) + 1e-12)
            running = MOMENTUM * self.log_sigma + (1.0 - MOMENTUM) * log_sigma
            self.log_sigma.assign(ops.stop_gradient(running))
        log_sigma = softclip(log_sigma)
        standardized = (x - x_mean) * ops.exp(-log_sigma)
        return 0.5 * ops.square(standardized) + log_sigma + 0.5 * math.log(2 * math.pi)

    def mean(self, x_mean: Tensor) -> Tensor:
        """E[x|z], of x's shape."""
        return x_mean

    def draw(self, mean: Array, rng: np.random.Generator) -> Array:
        """Normal rows of these means, each with a share of their noise."""
        noise = share(mean, rng) * self.deviation()
        return np.asarray(mean + noise * rng.standard_normal(mean.shape))

    @classmethod
    def standard(cls) -> "Gaussian":
        """One whose sigma is 1, after the softclip that keeps sigmas above a least one."""
        likelihood = cls("shared", name="likelihood")
        likelihood.build(())
        likelihood.log_sigma.assign(before_softclip(1.0))
        return likelihood

    def deviation(self) -> Array:
        """Sigma itself: float32, a scalar or of x's shape without the batch."""
        return np.array(ops.exp(softclip(self.log_sigma)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "sigma": self.sigma}


def softclip(log_sigma: Tensor) -> Tensor:
    """A log_sigma above the least one; nearly itself where it is well above."""
    return MIN_LOG_SIGMA + ops.softplus(log_sigma - MIN_LOG_SIGMA)


def before_softclip(sigma: float) -> float:
    """The log_sigma that becomes this sigma."""
    above = math.log(sigma) - MIN_LOG_SIGMA
    return MIN_LOG_SIGMA + math.log(math.expm1(above))
