"""What is chosen where nothing is asked for."""

import pytest

from vae_keras import DataConfig, ModelConfig, TrainConfig


@pytest.mark.parametrize(
    ("shape", "bounded", "network", "likelihood", "latent_dim"),
    [
        ((8, 8, 1), True, "conv", "bernoulli", 8),
        ((28, 28, 1), True, "conv", "bernoulli", 16),
        ((28, 28, 1), False, "conv", "gaussian", 16),
        ((30,), True, "mlp", "gaussian", 15),
        ((3,), False, "mlp", "gaussian", 2),
        ((500,), False, "mlp", "gaussian", 16),
    ],
)
def test_choices_follow_the_rows(shape, bounded, network, likelihood, latent_dim):
    config = ModelConfig().resolve(shape, bounded=bounded)
    assert (config.network, config.likelihood, config.latent_dim) == (
        network,
        likelihood,
        latent_dim,
    )


def test_what_is_asked_for_is_kept():
    asked = ModelConfig("mlp", (5,), "tanh", 3, "gaussian", "shared", 0.5)
    assert asked.resolve((8, 8, 1), bounded=True) == asked


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TrainConfig(epochs=0), "epochs of 1 or more. Received: 0"),
        (lambda: TrainConfig(patience=0), "patience of 1 or more"),
        (lambda: TrainConfig(batch_size=0), "batch_size of 1 or more"),
        (lambda: TrainConfig(learning_rate=0.0), "learning_rate above 0"),
        (lambda: TrainConfig(alpha=1.0), "alpha between 0 and 1"),
        (lambda: TrainConfig(seed=-1), "seed of 0 or more. Received: -1"),
        (lambda: TrainConfig(decay="linear"), "known decay. Received: linear"),
        (lambda: TrainConfig(schedule="square"), "known schedule"),
        (lambda: TrainConfig(precision="int8"), "known precision"),
        (lambda: TrainConfig(clip_norm=0.0), "clip_norm above 0"),
        (lambda: TrainConfig(free_bits=-1.0), "free_bits of 0 or more"),
        (lambda: TrainConfig(warmup=0.0), "warmup share above 0"),
        (lambda: ModelConfig(activation="gelu"), "known activation"),
        (lambda: ModelConfig(beta=-1.0), "beta of 0 or more"),
        (lambda: ModelConfig(latent_dim=0), "latent_dim of 1 or more. Received: 0"),
        (lambda: ModelConfig(hidden=(8, 0)), r"hidden sizes of 1 or more. Received: \(8, 0\)"),
        (lambda: ModelConfig(hidden=()), "hidden sizes"),
        (lambda: DataConfig("x.csv", columns=("a", "b", "a")), "columns that differ"),
        (lambda: DataConfig("x.csv", columns=("a", "b"), label="b"), "label that is no feature"),
        (lambda: DataConfig("x.csv", one_hot=("c", "c")), "share no column"),
        (lambda: DataConfig("x.csv", one_hot=("c", "c_d")), "share no column"),
        (lambda: DataConfig("x.csv", value_range=(16.0, 0.0)), "low < high"),
        (lambda: DataConfig("x.csv", value_range=(0.0, float("inf"))), "low < high"),
        (lambda: TrainConfig(clip_norm=float("inf")), "clip_norm above 0"),
    ],
)
def test_nonsense_is_refused_where_it_is_said(make, message):
    with pytest.raises(ValueError, match=message):
        make()
