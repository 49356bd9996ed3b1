"""Closed forms around the evidence lower bound, per example and in nats.

Source: Kingma & Welling 2014, appendix B; Burda, Grosse & Salakhutdinov 2016, equation 8.
"""

from keras import ops

from vae_keras._base.arrays import Tensor


def kl(z_mean: Tensor, z_log_var: Tensor) -> Tensor:
    """KL(q(z|x) || N(0, I)) per example, in nats.

    Args:
        z_mean, z_log_var: float32 (batch, latent_dim).

    Returns:
        float32 (batch,), never negative up to rounding.
    """
    return ops.sum(latent_kl(z_mean, z_log_var), axis=-1)


def latent_kl(z_mean: Tensor, z_log_var: Tensor) -> Tensor:
    """KL(q(z|x) || N(0, I)) of each latent: float32 (batch, latent_dim)."""
    return 0.5 * (ops.exp(z_log_var) + ops.square(z_mean) - 1.0 - z_log_var)


def reparameterize(z_mean: Tensor, z_log_var: Tensor, noise: Tensor) -> Tensor:
    """Sample z = z_mean + exp(z_log_var / 2) * noise, of shapes that broadcast together."""
    return z_mean + ops.exp(0.5 * z_log_var) * noise


def log_prior_over_posterior(z: Tensor, z_log_var: Tensor, noise: Tensor) -> Tensor:
    """Log p(z) - log q(z|x) at z = reparameterize(z_mean, z_log_var, noise), in nats.

    The terms log(2 pi) / 2 of both densities cancel.

    Returns:
        float32, summed over the last axis.
    """
    return 0.5 * ops.sum(ops.square(noise) + z_log_var - ops.square(z), axis=-1)


def log_mean_exp(log_weights: Tensor) -> Tensor:
    """log(mean(exp(log_weights))) over the first axis, without overflow."""
    largest = ops.max(log_weights, axis=0)
    return largest + ops.log(ops.mean(ops.exp(log_weights - largest), axis=0))
