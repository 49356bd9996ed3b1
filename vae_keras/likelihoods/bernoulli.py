"""Coins and grey levels."""

import keras
from keras import ops

from vae_keras.arrays import Tensor


@keras.saving.register_keras_serializable(package="vae_keras")
class Bernoulli(keras.layers.Layer):
    """Each feature is a coin, or a grey level between 0 and 1 taken as its probability.

    The decoder's output is `x_logits`.
    """

    support = (0.0, 1.0)

    def feature_nll(self, x: Tensor, x_logits: Tensor, training: bool = False) -> Tensor:
        """Cross-entropy of each feature, in nats: softplus(l) - x l, finite for every logit."""
        return ops.softplus(x_logits) - x * x_logits

    def mean(self, x_logits: Tensor) -> Tensor:
        """E[x|z], of x's shape."""
        return ops.sigmoid(x_logits)
