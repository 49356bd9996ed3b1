"""The variational autoencoder: any encoder, any decoder, its own training step.

    loss = mean over the batch of (nll + beta * kl)

with nll summed over features and kl over latents, in nats: with beta 1 the negative ELBO.

Source: Kingma & Welling 2014, "Auto-encoding variational Bayes".
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from . import elbo, likelihoods
from .arrays import Array, Tensor
from .preprocessing import Scaling


@keras.saving.register_keras_serializable(package="vae_keras")
class VAE(keras.Model):
    """A VAE over rows in the data's own units.

    >>> vae = VAE(*mlp_pair((30,), latent_dim=8), likelihood="gaussian")
    >>> vae.compile(keras.optimizers.Adam(1e-3))
    >>> vae.fit(x, epochs=50)
    >>> vae.score(x)["score"]  # (batch,), nats, higher is more anomalous

    Args:
        encoder: model from pre-processed x to (z_mean, z_log_var), each (batch, latent_dim).
        decoder: model from z (batch, latent_dim) to the likelihood's parameters, of x's shape.
        likelihood: "bernoulli", "gaussian", or a layer with the members of one in `likelihoods`.
        preprocessing: layer from the data's units to the model's, with `inverse`; none by default.
        beta: weight of the kl in the training loss. Scores are those of beta 1 always.
        seed: of the noise drawn in training.
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        likelihood: str | keras.layers.Layer,
        preprocessing: keras.layers.Layer | None = None,
        beta: float = 1.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_pair(encoder, decoder)
        self.encoder, self.decoder = encoder, decoder
        self.likelihood = likelihoods.get(likelihood)
        self.preprocessing = preprocessing or Scaling(name="preprocessing")
        self.beta, self.seed = float(beta), seed
        self.latent_dim = int(decoder.input_shape[-1])
        if not self.likelihood.built:  # a loaded one is built already
            self.likelihood.build(encoder.input_shape)
        self.built = True
        self._noise = keras.random.SeedGenerator(seed)
        self._trackers = {name: keras.metrics.Mean(name=name) for name in ("loss", "nll", "kl")}

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The posterior q(z|x) = N(z_mean, exp(z_log_var)): two arrays (batch, latent_dim)."""
        return self.encoder(self.preprocessing(x))

    def decode(self, z: Tensor) -> Tensor:
        """E[x|z] in the data's own units, of x's shape."""
        return self.preprocessing.inverse(self.likelihood.mean(self.decoder(z)))

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        """The reconstruction at the posterior mean, in the data's own units."""
        return self.decode(self.encode(x)[0])

    def score(self, x: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """How surprising each row is; deterministic.

        Args:
            x: (batch, *input_shape), in the data's own units.
            noise: (samples, latent_dim), shared by all rows, so that a row's score depends on that
                row alone. None is one sample of zeros: the posterior mean.

        Returns:
            A dict of float32 arrays, in nats. Of shape (batch,): `score` = nll + kl, `nll` (mean
            over samples), `kl`, `log_px` (importance-weighted bound on log p(x)). Of x's shape:
            `feature_nll`.
        """
        if noise is None:
            noise = np.zeros((1, self.latent_dim), np.float32)
        x = self.preprocessing(x)
        z_mean, z_log_var = self.encoder(x)
        each_log_var = ops.expand_dims(z_log_var, 1)  # from here (batch, samples, latent_dim)
        z = elbo.reparameterize(ops.expand_dims(z_mean, 1), each_log_var, noise)
        feature_nll = self._feature_nll(x, z)
        nll = ops.sum(feature_nll, axis=tuple(range(2, len(feature_nll.shape))))
        log_weights = elbo.log_prior_over_posterior(z, each_log_var, noise) - nll
        mean_nll, kl = ops.mean(nll, axis=1), elbo.kl(z_mean, z_log_var)
        return {
            "score": mean_nll + kl,
            "nll": mean_nll,
            "kl": kl,
            "log_px": elbo.log_mean_exp(log_weights),
            "feature_nll": ops.mean(feature_nll, axis=1),
        }

    def train_step(self, data: Any) -> dict[str, Tensor]:
        """One step of stochastic gradient variational Bayes on a batch of rows."""
        x = _rows(data)
        with tf.GradientTape() as tape:
            losses = self._objective(x, training=True)
            total = losses["loss"] + sum(self.losses)  # the networks' own regularisers
            scaled = self.optimizer.scale_loss(total)
        weights = self.trainable_variables
        self.optimizer.apply(tape.gradient(scaled, [w.value for w in weights]), weights)
        return self._track(losses, x)

    def test_step(self, data: Any) -> dict[str, Tensor]:
        """The same losses on a batch that is not trained on."""
        x = _rows(data)
        return self._track(self._objective(x, training=False), x)

    @property
    def metrics(self) -> list[keras.Metric]:
        """Means over an epoch of loss, nll and kl, in nats per row."""
        return list(self._trackers.values())

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, serialised."""
        parts = ("encoder", "decoder", "likelihood", "preprocessing")
        serialized = {p: keras.saving.serialize_keras_object(getattr(self, p)) for p in parts}
        return {"name": self.name, **serialized, "beta": self.beta, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "VAE":
        """The model that `get_config` describes, with fresh weights."""
        parts = {
            name: keras.saving.deserialize_keras_object(value, custom_objects)
            if isinstance(value, dict)
            else value
            for name, value in config.items()
        }
        return cls(parts.pop("encoder"), parts.pop("decoder"), **parts)

    def _objective(self, x: Tensor, training: bool) -> dict[str, Tensor]:
        """Means over the batch, one noise sample a row: scalars loss, nll and kl."""
        x = self.preprocessing(x)
        z_mean, z_log_var = self.encoder(x, training=training)
        noise = keras.random.normal(ops.shape(z_mean), seed=self._noise)
        z = elbo.reparameterize(z_mean, z_log_var, noise)
        feature_nll = self.likelihood.feature_nll(x, self.decoder(z, training=training))
        nll = ops.mean(ops.sum(feature_nll, axis=tuple(range(1, len(feature_nll.shape)))))
        kl = ops.mean(elbo.kl(z_mean, z_log_var))
        return {"loss": nll + self.beta * kl, "nll": nll, "kl": kl}

    def _feature_nll(self, x: Tensor, z: Tensor) -> Tensor:
        """-log p(x_i|z) for z (batch, samples, latent_dim): (batch, samples, *x's shape)."""
        parameters = self.decoder(ops.reshape(z, (-1, self.latent_dim)))
        by_sample = (-1, ops.shape(z)[1], *parameters.shape[1:])
        return self.likelihood.feature_nll(
            ops.expand_dims(x, 1), ops.reshape(parameters, by_sample)
        )

    def _track(self, losses: dict[str, Tensor], x: Tensor) -> dict[str, Tensor]:
        for name, mean in self._trackers.items():
            mean.update_state(losses[name], sample_weight=ops.shape(x)[0])
        return {name: mean.result() for name, mean in self._trackers.items()}


def check_pair(encoder: keras.Model, decoder: keras.Model) -> None:
    """Raises ValueError where encoder and decoder do not fit together, and says how."""
    outputs = encoder.output_shape
    if not isinstance(outputs, (list, tuple)) or len(outputs) != 2 or outputs[0] != outputs[1]:
        raise ValueError(
            "expected an encoder with the two outputs z_mean and z_log_var, each "
            f"(batch, latent_dim). Received: outputs of shape {outputs}."
        )
    if decoder.input_shape != outputs[0]:
        raise ValueError(
            f"expected a decoder whose input has the encoder's z_mean shape {outputs[0]}. "
            f"Received: {decoder.input_shape}."
        )
    if decoder.output_shape != encoder.input_shape:
        raise ValueError(
            f"expected a decoder whose output has x's shape {encoder.input_shape}. "
            f"Received: {decoder.output_shape}."
        )


def _rows(data: Any) -> Array:
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    if y is not None or sample_weight is not None:
        raise ValueError("expected x alone, as in fit(x). Received: targets or sample weights too.")
    return x
