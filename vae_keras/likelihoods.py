"""Likelihoods p(x|z): what a decoder's output means, and how surprised it is by a row.

A likelihood is a small layer that states three things: `support`, where its x may lie after
pre-processing; `feature_nll`, -log p(x_i|z) for each feature, in nats; and `mean`, E[x|z]. Its
weights, if any, are parameters of the likelihood shared by all rows. To add one, write it here and
list it in `LIKELIHOODS`.
"""

import math
from typing import Any

import keras
from keras import ops

from .arrays import Tensor

# softclip keeps a learned sigma above exp(-6) = 0.0025 of a feature's standard deviation, so that a
# feature which is reconstructed perfectly cannot drive the nll to minus infinity.
# Source: Rybkin, Daniilidis & Levine 2021, "Simple and effective VAE training with calibrated
# decoders".
MIN_LOG_SIGMA = -6.0


@keras.saving.register_keras_serializable(package="vae_keras")
class Bernoulli(keras.layers.Layer):
    """Each feature is a coin, or a grey level between 0 and 1 taken as its probability.

    The decoder's output is `x_logits`.
    """

    support = (0.0, 1.0)

    def feature_nll(self, x: Tensor, x_logits: Tensor) -> Tensor:
        """Cross-entropy of each feature, in nats: softplus(l) - x l, finite for every logit."""
        return ops.softplus(x_logits) - x * x_logits

    def mean(self, x_logits: Tensor) -> Tensor:
        """E[x|z], of x's shape."""
        return ops.sigmoid(x_logits)


@keras.saving.register_keras_serializable(package="vae_keras")
class Gaussian(keras.layers.Layer):
    """Each feature is normal around the decoder's output, with a learned standard deviation.

    Args:
        sigma: "per_feature" learns one standard deviation for each feature, "shared" one for all.
    """

    support = None

    def __init__(self, sigma: str = "per_feature", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if sigma not in ("per_feature", "shared"):
            raise ValueError(f'expected sigma "per_feature" or "shared". Received: {sigma!r}.')
        self.sigma = sigma

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Adds the weight `log_sigma`: x's shape without the batch, or a scalar."""
        shape = tuple(input_shape[1:]) if self.sigma == "per_feature" else ()
        self.log_sigma = self.add_weight(name="log_sigma", shape=shape, initializer="zeros")

    def feature_nll(self, x: Tensor, x_mean: Tensor) -> Tensor:
        """-log N(x; x_mean, sigma) of each feature, in nats."""
        log_sigma = MIN_LOG_SIGMA + ops.softplus(self.log_sigma - MIN_LOG_SIGMA)
        standardized = (x - x_mean) * ops.exp(-log_sigma)
        return 0.5 * ops.square(standardized) + log_sigma + 0.5 * math.log(2 * math.pi)

    def mean(self, x_mean: Tensor) -> Tensor:
        """E[x|z], of x's shape."""
        return x_mean

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "sigma": self.sigma}


LIKELIHOODS = {"bernoulli": Bernoulli, "gaussian": Gaussian}


def get(likelihood: str | keras.layers.Layer) -> Any:
    """A likelihood by its name in `LIKELIHOODS`, or the layer itself; ValueError for all else."""
    if isinstance(likelihood, keras.layers.Layer):
        return likelihood
    if likelihood not in LIKELIHOODS:
        raise ValueError(
            f"expected a likelihood of {', '.join(LIKELIHOODS)}. Received: {likelihood!r}."
        )
    return LIKELIHOODS[likelihood](name="likelihood")
