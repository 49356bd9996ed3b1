"""Training objective of a VAE: the losses of a batch of rows, in nats.

    loss = nll + beta * kl + classifier_weight * (cross_entropy + consistency)

as means over the batch; the last term is that of a classifier, where rows have labels.
"""

from typing import Any

from keras import ops

from vae_keras._base.arrays import Tensor
from vae_keras._base.replicas import batch_normal

from . import classification, elbo, trimming

LAST_STEP = 2**31 - 1  # after the end of every schedule


def objective(
    vae: Any, x: Tensor, y: Tensor | None, *, training: bool, noise: Any
) -> dict[str, Tensor]:
    """Losses as means over the batch, one noise sample a row; see `VAE.objective`.

    Args:
        vae: the model.
        x: (batch, *input_shape), in the data's own units.
        y: int (batch,), labels; None where no row has any.
        training: whether noise is added to the encoder's input, and beta is that of this step.
        noise: seed of all noise, a `keras.random.SeedGenerator`.
    """
    x = vae.preprocessing(x)
    noisy = vae.corruption and training
    encoded = x + vae.corruption * batch_normal(ops.shape(x), noise) if noisy else x
    z_mean, z_log_var = vae.posterior_of(encoded, training=training)
    z = elbo.reparameterize(z_mean, z_log_var, batch_normal(ops.shape(z_mean), noise))
    losses = _elbo_losses(vae, x, z, (z_mean, z_log_var), training)
    if y is None:
        return losses
    if noisy:
        z_mean, _ = vae.posterior_of(x, training=training)
    disturbed, _ = vae.posterior_of(classification.disturb(x, noise), training=training)
    logits, noisy_logits = (vae.logits_of(z, training=training) for z in (z_mean, disturbed))
    terms = classification.terms(logits, noisy_logits, y)
    classifier_loss = vae.classifier_weight * (terms["cross_entropy"] + terms["consistency"])
    return {**losses, **terms, "loss": losses["loss"] + classifier_loss}


def _elbo_losses(
    vae: Any, x: Tensor, z: Tensor, posterior: tuple[Tensor, Tensor], training: bool
) -> dict[str, Tensor]:
    """Losses of pre-processed x without those of a classifier: loss, nll, kl and elbo."""
    parameters = vae.parameters_of(z, training=training)
    feature_nll = vae.likelihood.feature_nll(x, parameters, training=training)
    row_nll = ops.sum(feature_nll, axis=tuple(range(1, len(feature_nll.shape))))
    row_kl = elbo.latent_kl(*posterior)  # (batch, latent_dim)
    row_loss = row_nll + ops.sum(row_kl, axis=-1)
    stays = trimming.fitting(row_loss, vae.trim) if vae.trim else None
    nll, latent_kl = (trimming.mean(each, stays) for each in (row_nll, row_kl))
    kl = ops.sum(latent_kl)
    penalized = ops.sum(ops.maximum(latent_kl, vae.free_bits)) if vae.free_bits else kl
    loss = nll + _beta_now(vae, training) * penalized
    return {"loss": loss, "nll": nll, "kl": kl, "elbo": -(nll + kl)}


def _beta_now(vae: Any, training: bool) -> Tensor:
    """Weight of the kl at this step; the final weight outside training."""
    return vae.beta(vae.optimizer.iterations) if training else vae.beta(LAST_STEP)
