"""From what is asked to an untrained model."""

import dataclasses
from typing import Any

import keras

from vae_keras import likelihoods
from vae_keras.configs import ModelConfig, TrainConfig
from vae_keras.data.datasets import Dataset, Rows, epoch_rows, select
from vae_keras.data.streams import Stream
from vae_keras.model import networks
from vae_keras.model.classification import head
from vae_keras.model.mixture import Mixture
from vae_keras.model.preprocessing import Scaling, standardize, to_unit_interval
from vae_keras.model.schedules import Cyclical, Schedule, Warmup
from vae_keras.model.vae import VAE

from .batches import steps_an_epoch

# of standardised rows; benchmarks/quality/ablation.py tells what more or less of it does
CORRUPTION = 0.2

# of a batch, where anomalies may be among the training rows
TRIM = 0.1


def build(config: ModelConfig, x: Rows, dataset: Dataset, train_config: TrainConfig) -> VAE:
    """An untrained VAE for a resolved `ModelConfig`, scaled to the training rows x."""
    keras.utils.set_random_seed(train_config.seed)
    sizes = {} if config.hidden is None else {"hidden": config.hidden}
    make_pair = networks.get(config.network)
    encoder, decoder = make_pair(
        x.shape[1:],
        config.latent_dim,
        **sizes,
        activation=config.activation,
        dtype=train_config.precision,
    )
    likelihood = likelihoods.build(
        config.likelihood, features=x.shape[1], groups=dataset.one_hot, sigma=config.sigma
    )
    classifier = None
    if dataset.classes is not None:
        latent_dim, classes = decoder.input_shape[-1], len(dataset.classes)
        classifier = head(latent_dim, classes, activation=config.activation)
    steps = train_config.epochs * steps_an_epoch(epoch_rows(x), train_config.batch_size)
    return VAE(
        encoder,
        decoder,
        likelihood=likelihood,
        preprocessing=scaling_of(likelihood, x, dataset),
        beta=_schedule(config.beta, train_config, steps),
        free_bits=train_config.free_bits,
        classifier=classifier,
        classifier_weight=config.classifier_weight,
        corruption=_corruption(train_config, likelihood),
        trim=TRIM if train_config.contamination_robust else 0.0,
        mixture=Mixture(config.centres, name="mixture") if config.centres else None,
        seed=train_config.seed,
        name="vae",
    )


def in_float32(
    vae: VAE, config: ModelConfig, x: Rows, dataset: Dataset, train_config: TrainConfig
) -> VAE:
    """Copy of the model that computes in float32, as scores and exports do.

    Returns `vae` itself where it was trained in float32.
    """
    if train_config.precision == "float32":
        return vae
    twin = build(config, x, dataset, dataclasses.replace(train_config, precision="float32"))
    twin.set_weights(vae.get_weights())
    return twin


def _corruption(config: TrainConfig, likelihood: Any) -> float:
    """Corruption that was asked for, or the default.

    The default is 0 where x must lie within limits, which noise would leave.

    Raises:
        ValueError: one was asked for where x must lie within limits.
    """
    if config.corruption is None:
        return CORRUPTION if likelihood.support is None else 0.0
    if config.corruption and likelihood.support is not None:
        raise ValueError(
            "expected a corruption of 0: noise leaves the limits that values have under a "
            f"{likelihoods.title_of(likelihood)} likelihood. Received: {config.corruption:g}. "
            "Leave it out."
        )
    return config.corruption


def _schedule(beta: float, config: TrainConfig, steps: int) -> Schedule:
    rise = max(round(config.warmup * steps), 1)
    if config.schedule == "warmup":
        return Warmup(beta, rise)
    if config.schedule == "cyclical":
        return Cyclical(beta, steps=max(rise // 4, 1), cycles=4)
    return Warmup(beta)


def scaling_of(likelihood: Any, x: Rows, dataset: Dataset) -> Scaling:
    """Onto the likelihood's support where it has one, else to mean 0 and deviation 1."""
    if dataset.one_hot and sum(dataset.one_hot) == x.shape[1]:
        return Scaling(0.0, 1.0, 0.0, 1.0, name="preprocessing")  # zeros and ones stay as they are
    if likelihood.support is None:
        more = None if isinstance(dataset.x, Stream) else lambda: select(dataset.x, ~dataset.y)
        return standardize(x, dataset.feature_names, keep=sum(dataset.one_hot), more=more)
    if dataset.value_range is None:
        raise ValueError(
            f"expected values known to lie within limits, as a {likelihoods.title_of(likelihood)} "
            f"likelihood needs. Received: {x.dtype} whose limits nobody said. Say what the sensor "
            "can give (--value-range LOW,HIGH), or choose another likelihood."
        )
    return to_unit_interval(dataset.value_range)
