"""Error scales: magnitudes that a float32 error of an output in nats is a share of."""

from typing import Any

import numpy as np
import tensorflow as tf

from .functions import Array, Arrays


def error_scales_of(vae: Any, x: Array, sizes: Arrays) -> dict[str, float]:
    """Magnitudes that a float32 error is a share of, for outputs in nats: the sizes of their terms.

    A decoder's parameters are right to within a share of the largest of them; what that is in nats
    depends on how steeply nll falls there: a logit of 50 that fits costs nothing, and is not known
    to better than 1e-5. A score is a sum of terms of either sign, and no better than their sizes;
    a mixture's, which may be far larger, excuse no error of the terms without it. What a likelihood
    leaves out of each feature, as the entropy of grey levels, is the size of terms that cancel: an
    image of 500 nats that is well reconstructed scores 3, and is known as a sum of 500 is.
    """
    inputs = vae.preprocessing(tf.constant(x))
    parameters = vae.decoder(vae.encode(x)[0])
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        nll = tf.reduce_sum(vae.likelihood.feature_nll(inputs, parameters))
    slope = float(tf.reduce_max(tf.abs(tape.gradient(nll, parameters))))
    feature_nll = max(slope * float(tf.reduce_max(tf.abs(parameters))), 1.0)
    cancelled = _cancelled(vae, inputs)
    whole, alone = (
        max(float(size.max()) + cancelled, feature_nll)
        for size in (sizes["score"], sizes.get("neg_elbo", sizes["score"]))
    )
    mixture = {"score": whole, "mixture_nll": whole}
    return {"feature_nll": feature_nll, "nll": alone, "log_px": alone, **mixture}


def _cancelled(vae: Any, inputs: Any) -> float:
    """Most nats of a row whose terms cancel within its features; 0 where none do."""
    left_out = getattr(vae.likelihood, "left_out", None)
    if left_out is None:
        return 0.0
    nats = np.abs(np.asarray(left_out(inputs))).reshape(len(inputs), -1)
    return float(nats.sum(axis=1).max())
