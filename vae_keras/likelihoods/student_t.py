"""Likelihood of continuous features with heavy tails, as of sensors: some readings are far off."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from vae_keras._base.arrays import Array, Tensor

from .members import share
from .scaled import Scaled, softclip

# Degrees of freedom where they are not known: few enough that a reading of ten scales costs 11 nats
# and not 50, and so many that mean and variance exist. Not learned, as log-gamma does not convert.
# Source: Lange, Little & Taylor 1989, "Robust statistical modeling using the t distribution".
DEGREES = 4.0


@keras.saving.register_keras_serializable(package="vae_keras")
class StudentT(Scaled):
    """Student's t distribution of each feature around the decoder's output `x_mean`.

    A normal likelihood counts the square of what a reading is off by, this one in the end its
    logarithm: rows with a wild reading do not bend the model, and score less above others.

    Args:
        sigma: how the scale is found, by gradient descent: "per_feature" learns one for each
            feature, "shared" one for all.
        degrees: of freedom, above 1. Infinitely many would be a Gaussian.

    >>> vae = VAE(*mlp_pair((6,), latent_dim=2), likelihood=StudentT("shared"))
    >>> vae.likelihood.degrees
    4.0
    """

    title = "student_t"

    def __init__(self, sigma: str = "per_feature", degrees: float = DEGREES, **kwargs: Any) -> None:
        super().__init__(sigma, **kwargs)
        if not 1 < degrees < math.inf:
            raise ValueError(f"expected more than 1 degree of freedom. Received: {degrees!r:.60}.")
        self.degrees = float(degrees)

    def feature_nll(self, x: Tensor, x_mean: Tensor, training: bool = False) -> Tensor:
        """-log t(x; x_mean, sigma, degrees) of each feature, in nats."""
        log_sigma = softclip(self.log_sigma)
        square = ops.square((x - x_mean) * ops.exp(-log_sigma))
        tail = 0.5 * (self.degrees + 1.0) * ops.log(1.0 + square / self.degrees)
        return tail + log_sigma + _log_norm(self.degrees)

    def draw(self, mean: Array, rng: np.random.Generator) -> Array:
        """Rows of these means, each with a share of their noise."""
        noise = share(mean, rng) * self.deviation()
        return np.asarray(mean + noise * rng.standard_t(self.degrees, mean.shape))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "degrees": self.degrees}


def _log_norm(degrees: float) -> float:
    """Logarithm of the normaliser of the density at a scale of 1."""
    gammas = math.lgamma(0.5 * degrees) - math.lgamma(0.5 * (degrees + 1.0))
    return gammas + 0.5 * math.log(degrees * math.pi)
