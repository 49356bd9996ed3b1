"""Base of the likelihoods that have a scale: of each feature, or one for all."""

import math
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from vae_keras._base.arrays import Array, Tensor

from .registry import LIKELIHOODS

# softclip keeps a sigma above exp(-6) = 0.0025 of a feature's standard deviation, so that a feature
# which is reconstructed perfectly cannot drive the nll to minus infinity.
# Source: Rybkin, Daniilidis & Levine 2021, "Simple and effective VAE training with calibrated
# decoders" (sigma-VAE).
MIN_LOG_SIGMA = -6.0


class Scaled(keras.layers.Layer):
    """Layer with a learned weight `log_sigma`, the logarithm of a scale before `softclip`.

    Args:
        sigma: how the scale is found, one of the entry's `sigmas`: "per_feature" learns one for
            each feature, "shared" one for all, both by gradient descent.
    """

    title: str
    support = None

    def __init__(self, sigma: str = "per_feature", **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        sigmas = LIKELIHOODS[self.title].sigmas
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

    def mean(self, x_mean: Tensor) -> Tensor:
        """E[x|z], of x's shape."""
        return x_mean

    @classmethod
    def standard(cls) -> Self:
        """Likelihood whose scale is 1, after the softclip that keeps scales above a least one."""
        likelihood = cls("shared", name="likelihood")
        likelihood.build(())
        likelihood.log_sigma.assign(MIN_LOG_SIGMA + math.log(math.expm1(-MIN_LOG_SIGMA)))
        return likelihood

    def deviation(self) -> Array:
        """Scale itself: float32, a scalar or of x's shape without the batch."""
        return np.array(ops.exp(softclip(self.log_sigma)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "sigma": self.sigma}


def softclip(log_sigma: Tensor) -> Tensor:
    """A log_sigma above the least one; nearly itself where it is well above."""
    return MIN_LOG_SIGMA + ops.softplus(log_sigma - MIN_LOG_SIGMA)
