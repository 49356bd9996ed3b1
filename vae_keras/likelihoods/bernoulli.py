"""Likelihood of coins and of grey levels."""

import keras
import numpy as np
from keras import ops

from vae_keras._base.arrays import Array, Tensor

from .members import share

SMALLEST_LOG_ARGUMENT = (
    1e-4  # whose logarithm is taken; float16 holds it. What is less costs 4e-5 nats at most.
)

LARGE_LOGIT = 20.0  # a logit from where on float32 cannot tell log(1 + exp(l)) from l


@keras.saving.register_keras_serializable(package="vae_keras")
class Bernoulli(keras.layers.Layer):
    """Likelihood of coins, or of grey levels between 0 and 1 that are taken as probabilities.

    The decoder's output is `x_logits`. What even a perfect reconstruction would cost, the entropy
    of the grey level, is left out: it says nothing about the reconstruction, and with it images of
    many mid-greys would score high whatever they show. Of coins it is 0; gradients do not know it.

    >>> vae = VAE(*mlp_pair((8, 8, 1), latent_dim=2), likelihood=Bernoulli())
    >>> vae.decode(np.zeros((1, 2))).shape  # grey levels
    TensorShape([1, 8, 8, 1])
    """

    title = "bernoulli"
    support, applies = (0.0, 1.0), "sigmoid"

    def feature_nll(self, x: Tensor, x_logits: Tensor, training: bool = False) -> Tensor:
        """KL(x || sigmoid(l)) of each feature, in nats: softplus(l) - x l - entropy(x)."""
        return _softplus(x_logits) - x * x_logits + _times_log(x) + _times_log(1.0 - x)

    def left_out(self, x: Tensor) -> Tensor:
        """Entropy of each feature, in nats, which `feature_nll` leaves out: terms of it cancel."""
        return -_times_log(x) - _times_log(1.0 - x)

    def mean(self, x_logits: Tensor) -> Tensor:
        """E[x|z], of x's shape."""
        return ops.sigmoid(x_logits)

    def draw(self, mean: Array, rng: np.random.Generator) -> Array:
        """Coins of these means, each row with a share of their noise: images are smoother."""
        shares = share(mean, rng)
        return np.asarray(mean + shares * ((rng.uniform(size=mean.shape) < mean) - mean))


def _softplus(x_logits: Tensor) -> Tensor:
    """log(1 + exp(l)); TFLite computes just that, which overflows where exp(l) does."""
    return ops.softplus(ops.minimum(x_logits, LARGE_LOGIT)) + ops.relu(x_logits - LARGE_LOGIT)


def _times_log(x: Tensor) -> Tensor:
    """Product x log x, 0 where x is 0."""
    return x * ops.log(ops.maximum(x, SMALLEST_LOG_ARGUMENT))
