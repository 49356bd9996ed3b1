"""Likelihood of continuous features, with normal noise whose size is learned."""

import math

import keras
import numpy as np
from keras import ops

from vae_keras._base.arrays import Array, Tensor
from vae_keras._base.replicas import batch_mean

from .members import share
from .scaled import Scaled, softclip

# Share of the old value in the running mean that an optimal sigma is scored with: the last ten
# batches or so, since sigma falls fast while a model learns and an old one would score for long.
MOMENTUM = 0.9


@keras.saving.register_keras_serializable(package="vae_keras")
class Gaussian(Scaled):
    """Normal likelihood of each feature around the decoder's output `x_mean`.

    Args:
        sigma: how the standard deviation is found. "per_feature" learns one for each feature,
            "shared" one for all, both by gradient descent; "optimal" takes the one that is best for
            each batch, the root of the mean squared error, and scores with a running mean of it
            (sigma-VAE, see `scaled`).

    >>> vae = VAE(*mlp_pair((6,), latent_dim=2), likelihood=Gaussian("shared"))
    >>> vae.likelihood.sigma
    'shared'
    """

    title = "gaussian"

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

    def draw(self, mean: Array, rng: np.random.Generator) -> Array:
        """Normal rows of these means, each with a share of their noise."""
        noise = share(mean, rng) * self.deviation()
        return np.asarray(mean + noise * rng.standard_normal(mean.shape))
