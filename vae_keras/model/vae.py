"""Variational autoencoder: any encoder, any decoder, its own training step.

    loss = mean over the batch of (nll + beta * kl)

with nll summed over features and kl over latents, in nats: with beta 1 the negative ELBO. With a
classifier, rows may have labels, and the loss is larger by classifier_weight * (cross_entropy +
consistency), see `classification`. With a mixture, the score has a third term, not trained.

Source: Kingma & Welling 2014, "Auto-encoding variational Bayes".
"""

from typing import Any

import keras
from keras import ops

from vae_keras._base.arrays import Tensor
from vae_keras._base.keras_defaults import check_floatx
from vae_keras.likelihoods import factory

from . import classification, fit_arguments, objective, schedules, scoring, train_step
from .check_networks import check_logits, check_pair
from .mixture import Mixture
from .preprocessing import Scaling

METRICS = ("loss", "nll", "kl", "elbo")

# A posterior narrower than exp(-15) or wider than exp(15) of the prior's variance is no longer
# information but a number about to overflow.
MAX_LOG_VAR = 15.0


@keras.saving.register_keras_serializable(package="vae_keras")
class VAE(keras.Model):
    """Variational autoencoder over rows in the data's own units.

    >>> vae = VAE(*mlp_pair((6,), latent_dim=2), likelihood="gaussian")
    >>> vae.compile(keras.optimizers.Adam(1e-3))
    >>> history = vae.fit(normal, epochs=2, verbose=0)
    >>> vae.score(x)["score"].shape  # in nats, higher is more anomalous
    TensorShape([8])

    Args:
        encoder: model from pre-processed x to (z_mean, z_log_var), each (batch, latent_dim).
        decoder: model from z (batch, latent_dim) to the likelihood's parameters, of x's shape.
        likelihood: a name in `likelihoods.LIKELIHOODS`, or a layer with the members of one.
        preprocessing: layer from the data's units to the model's, with `inverse`; none by default.
        beta: weight of the kl in the training loss, a number or one of `schedules`. Scores are
            those of beta 1 always.
        free_bits: nats of kl that each latent may spend unpenalised, on average over a batch
            (Kingma et al. 2016, "Improved variational inference with inverse autoregressive flow").
        classifier: a number of classes, or a layer or model from z_mean to their logits; `fit` then
            takes labels as y, whole numbers from 0 and -1 where a row's class is not known.
        classifier_weight: weight of what is asked of the classifier in the training loss.
        corruption: standard deviation of noise that is added to pre-processed rows before they are
            encoded in training; the decoder is to find the row without it (Im et al. 2017,
            "Denoising criterion for variational auto-encoding framework").
        trim: share of each batch that nll and kl are not means of: the rows that fit worst.
        mixture: a `Mixture`, to be fitted after training; none by default.
        seed: of the noise drawn in training.
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        likelihood: str | keras.layers.Layer,
        preprocessing: keras.layers.Layer | None = None,
        beta: float | schedules.Schedule = 1.0,
        free_bits: float = 0.0,
        classifier: int | keras.layers.Layer | None = None,
        classifier_weight: float = 10.0,
        corruption: float = 0.0,
        trim: float = 0.0,
        mixture: Mixture | None = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        check_floatx()
        super().__init__(**{**kwargs, "dtype": "float32"})  # of its parts, each has its own
        check_pair(encoder, decoder)
        self.encoder, self.decoder = encoder, decoder
        self.likelihood = factory.get(likelihood)
        check_logits(decoder, self.likelihood)
        self.preprocessing = preprocessing or Scaling(name="preprocessing")
        self.beta = schedules.get(beta)
        self.free_bits, self.seed = float(free_bits), seed
        self.corruption, self.trim = float(corruption), float(trim)
        self.latent_dim = int(decoder.input_shape[-1])
        if not self.likelihood.built:  # a loaded one is built already
            self.likelihood.build(encoder.input_shape)
        self.classifier, self.classes = classification.get(classifier, self.latent_dim)
        self.classifier_weight = float(classifier_weight)
        self.mixture = mixture
        if mixture is not None and not mixture.built:
            mixture.build(encoder.input_shape)
        self.built = True
        self._noise = keras.random.SeedGenerator(seed)
        names = METRICS if self.classifier is None else (*METRICS, *classification.METRICS)
        self._trackers = {name: keras.metrics.Mean(name=name) for name in names}

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior q(z|x) = N(z_mean, exp(z_log_var)): two arrays (batch, latent_dim)."""
        return self.posterior_of(self.preprocessing(x))

    def decode(self, z: Tensor) -> Tensor:
        """Mean E[x|z] in the data's own units, of x's shape."""
        return self.preprocessing.inverse(self.likelihood.mean(self.parameters_of(z)))

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        """Reconstruction at the posterior mean, in the data's own units."""
        return self.decode(self.encode(x)[0])

    def score(self, x: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Anomaly score of each row and its terms; deterministic.

        Args:
            x: (batch, *input_shape), in the data's own units.
            noise: (samples, latent_dim), shared by all rows, so that a row's score depends on that
                row alone. None is one sample of zeros: the posterior mean.

        Returns:
            A dict of float32 arrays, in nats. Of shape (batch,): `score` = nll + kl, and with a
            mixture + mixture_nll; these terms, nll as mean over samples; `log_px`, the importance-
            weighted bound on log p(x). Of x's shape: `feature_nll`.
        """
        return scoring.score(self, x, noise)

    def classify(self, x: Tensor) -> Tensor:
        """Probability of each class: (batch, classes), rows that sum to 1."""
        if self.classifier is None:
            raise ValueError("expected a VAE with a classifier. Received: VAE(classifier=None).")
        return ops.softmax(self.logits_of(self.encode(x)[0]), axis=-1)

    def fit(self, x: Any = None, y: Any = None, *arguments: Any, **options: Any) -> Any:
        """Keras's `fit`; y are labels, where there is a classifier.

        Raises:
            ValueError: an argument that a VAE does not use, by name, or labels that are none.
        """
        fit_arguments.check("fit", self.classes, x, y, *arguments, **options)
        return super().fit(x, y, *arguments, **options)

    def evaluate(self, x: Any = None, y: Any = None, *arguments: Any, **options: Any) -> Any:
        """Keras's `evaluate`; takes and refuses what `fit` does."""
        fit_arguments.check("evaluate", self.classes, x, y, *arguments, **options)
        return super().evaluate(x, y, *arguments, **options)

    def train_on_batch(self, x: Any, y: Any = None, *arguments: Any, **options: Any) -> Any:
        """Keras's `train_on_batch`; takes and refuses what `fit` does."""
        fit_arguments.check("train_on_batch", self.classes, x, y, *arguments, **options)
        return super().train_on_batch(x, y, *arguments, **options)

    def test_on_batch(self, x: Any, y: Any = None, *arguments: Any, **options: Any) -> Any:
        """Keras's `test_on_batch`; takes and refuses what `fit` does."""
        fit_arguments.check("test_on_batch", self.classes, x, y, *arguments, **options)
        return super().test_on_batch(x, y, *arguments, **options)

    def predict(self, x: Any, *arguments: Any, **options: Any) -> Any:
        """Keras's `predict`: the reconstructions, in the data's own units."""
        fit_arguments.check("predict", self.classes, x, *arguments, **options)
        return super().predict(x, *arguments, **options)

    def compile(self, *arguments: Any, **options: Any) -> None:
        """Keras's `compile`, without losses and metrics: a VAE has its own.

        Raises:
            ValueError: one is given; names the argument.
        """
        fit_arguments.check("compile", self.classes, *arguments, **options)
        super().compile(*arguments, **options)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a loaded model as the saved one was."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def train_step(self, *arguments: Any) -> Any:
        """Runs one step of stochastic gradient variational Bayes on a batch of rows."""
        return train_step.train_step(self, *arguments)

    def test_step(self, *arguments: Any) -> Any:
        """Computes the losses on a batch without training on it."""
        return train_step.test_step(self, *arguments)

    def objective(self, x: Tensor, training: bool, y: Tensor | None = None) -> dict[str, Tensor]:
        """Losses as means over the batch, one noise sample a row: loss, nll, kl and elbo, in nats.

        With labels y, int (batch,), also `classification.terms`, and its share of the loss.
        """
        return objective.objective(self, x, y, training=training, noise=self._noise)

    def track(self, losses: dict[str, Tensor], x: Tensor) -> dict[str, Tensor]:
        """Adds a batch's losses to the means of the epoch, and returns those means."""
        trackers = {name: mean for name, mean in self._trackers.items() if name in losses}
        for name, mean in trackers.items():
            rows = (
                losses["labelled"] if name in classification.LABELLED_METRICS else ops.shape(x)[0]
            )
            mean.update_state(losses[name], sample_weight=rows)
        return {name: mean.result() for name, mean in trackers.items()}

    @property
    def metrics(self) -> list[keras.Metric]:
        """Means over an epoch, in nats per row: loss, nll, kl, elbo, those of the classifier."""
        return list(self._trackers.values())

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, serialised."""
        parts = ("encoder", "decoder", "likelihood", "preprocessing", "classifier", "mixture")
        serialized = {p: keras.saving.serialize_keras_object(getattr(self, p)) for p in parts}
        serialized["beta"] = keras.saving.serialize_keras_object(self.beta)
        given = ("free_bits", "classifier_weight", "corruption", "trim", "seed")
        numbers = {name: getattr(self, name) for name in given}
        return {"name": self.name, **serialized, **numbers}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "VAE":
        """Makes the model that `get_config` describes, with fresh weights."""
        parts = {
            name: keras.saving.deserialize_keras_object(value, custom_objects)
            if isinstance(value, dict)
            else value
            for name, value in config.items()
        }
        return cls(parts.pop("encoder"), parts.pop("decoder"), **parts)

    def _maybe_symbolic_build(self, *_: Any, **__: Any) -> None:
        """Builds the optimizer alone, as a VAE is built when it is made.

        (Keras adds up the devices' shares of a batch here, which fails where they differ in size.)
        """
        with self.distribute_strategy.scope():
            self.optimizer.build(self.trainable_variables)

    def _symbolic_build(self, *_: Any, **__: Any) -> None:
        """Builds the optimizer alone, whatever the data is: Keras's name for it under JAX."""
        if not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)

    def posterior_of(self, x: Tensor, training: bool = False) -> tuple[Tensor, Tensor]:
        """Encoder outputs for pre-processed x, the log-variance kept within limits."""
        answer = self.encoder(x, training=training)
        z_mean, z_log_var = (ops.cast(value, "float32") for value in answer)
        return z_mean, ops.clip(z_log_var, -MAX_LOG_VAR, MAX_LOG_VAR)

    def parameters_of(self, z: Tensor, training: bool = False) -> Tensor:
        """Decoder outputs, in float32 whatever it computes in."""
        return ops.cast(self.decoder(z, training=training), "float32")

    def logits_of(self, z_mean: Tensor, training: bool = False) -> Tensor:
        """Classifier outputs, in float32 whatever it computes in."""
        return ops.cast(self.classifier(z_mean, training=training), "float32")
