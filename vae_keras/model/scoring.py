"""Scores of rows and their terms, in nats; deterministic."""

from typing import Any

import numpy as np
from keras import ops

from vae_keras._base.arrays import Tensor

from . import elbo

BATCH = 256  # rows that are scored at a time, so that memory stays flat


def score(vae: Any, x: Tensor, noise: Tensor | None) -> dict[str, Tensor]:
    """Scores rows; see `VAE.score`."""
    if noise is None:
        noise = np.zeros((1, vae.latent_dim), np.float32)
    u = vae.preprocessing(x)
    z_mean, z_log_var = vae.posterior_of(u)
    noise = ops.expand_dims(noise, 1)  # what broadcasts with it is (samples, batch, ...)
    z = elbo.reparameterize(z_mean, z_log_var, noise)
    feature_nll = vae.likelihood.feature_nll(u, _parameters(vae, z))
    ratio = elbo.log_prior_over_posterior(z, z_log_var, noise)
    return _terms(vae, u, elbo.kl(z_mean, z_log_var), ratio, feature_nll)


def head(
    vae: Any, u: Tensor, z_mean: Tensor, z_log_var: Tensor, parameters: Tensor
) -> dict[str, Tensor]:
    """Scores rows from the networks' outputs at the posterior mean; see `VAE.score`.

    Args:
        vae: the model.
        u: pre-processed rows.
        z_mean, z_log_var: what an encoder answered to them.
        parameters: what a decoder answered to z_mean.
    """
    z, noise = ops.expand_dims(z_mean, 0), np.float32(0.0)
    feature_nll = vae.likelihood.feature_nll(u, ops.expand_dims(parameters, 0))
    ratio = elbo.log_prior_over_posterior(z, z_log_var, noise)
    return _terms(vae, u, elbo.kl(z_mean, z_log_var), ratio, feature_nll)


def _terms(
    vae: Any, u: Tensor, kl: Tensor, ratio: Tensor, feature_nll: Tensor
) -> dict[str, Tensor]:
    """Score and its terms, from (samples, batch) ratios and (samples, batch, ...) nats."""
    nll = ops.sum(feature_nll, axis=tuple(range(2, len(feature_nll.shape))))
    terms = {"nll": ops.mean(nll, axis=0), "kl": kl}
    if vae.mixture is not None:
        terms["mixture_nll"] = vae.mixture(u)
    return {
        "score": sum(terms.values()),
        **terms,
        "log_px": elbo.log_mean_exp(ratio - nll),
        "feature_nll": ops.mean(feature_nll, axis=0),
    }


def _parameters(vae: Any, z: Tensor) -> Tensor:
    """Decoder outputs for z (samples, batch, latent_dim): (samples, batch, *u's shape)."""
    parameters = vae.parameters_of(ops.reshape(z, (-1, vae.latent_dim)))
    return ops.reshape(parameters, (ops.shape(z)[0], -1, *parameters.shape[1:]))
