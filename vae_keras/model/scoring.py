"""What a model says of rows: the terms of their scores, in nats; deterministic."""

from typing import Any

import numpy as np
from keras import ops

from vae_keras._base.arrays import Tensor

from . import elbo

BATCH = 256  # rows that are scored at a time, so that memory stays flat


def score(vae: Any, x: Tensor, noise: Tensor | None) -> dict[str, Tensor]:
    """See `VAE.score`."""
    if noise is None:
        noise = np.zeros((1, vae.latent_dim), np.float32)
    u = vae.preprocessing(x)
    z_mean, z_log_var = vae.posterior_of(u)
    noise = ops.expand_dims(noise, 1)  # what broadcasts with it is (samples, batch, ...)
    z = elbo.reparameterize(z_mean, z_log_var, noise)
    feature_nll = _feature_nll(vae, u, z)
    nll = ops.sum(feature_nll, axis=tuple(range(2, len(feature_nll.shape))))
    log_weights = elbo.log_prior_over_posterior(z, z_log_var, noise) - nll
    terms = {"nll": ops.mean(nll, axis=0), "kl": elbo.kl(z_mean, z_log_var)}
    if vae.mixture is not None:
        terms["mixture_nll"] = vae.mixture(u)
    return {
        "score": sum(terms.values()),
        **terms,
        "log_px": elbo.log_mean_exp(log_weights),
        "feature_nll": ops.mean(feature_nll, axis=0),
    }


def _feature_nll(vae: Any, u: Tensor, z: Tensor) -> Tensor:
    """-log p(u_i|z) for z (samples, batch, latent_dim): (samples, batch, *u's shape)."""
    parameters = vae.parameters_of(ops.reshape(z, (-1, vae.latent_dim)))
    by_sample = (ops.shape(z)[0], -1, *parameters.shape[1:])
    return vae.likelihood.feature_nll(u, ops.reshape(parameters, by_sample))
