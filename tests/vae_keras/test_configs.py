"""What is chosen where nothing is asked for."""

import pytest

from vae_keras import ModelConfig


@pytest.mark.parametrize(
    ("shape", "network", "likelihood", "latent_dim"),
    [
        ((8, 8, 1), "conv", "bernoulli", 8),
        ((28, 28, 1), "conv", "bernoulli", 16),
        ((30,), "mlp", "gaussian", 15),
        ((3,), "mlp", "gaussian", 2),
        ((500,), "mlp", "gaussian", 16),
    ],
)
def test_choices_follow_the_shape_of_a_row(shape, network, likelihood, latent_dim):
    config = ModelConfig().resolve(shape)
    assert (config.network, config.likelihood, config.latent_dim) == (
        network,
        likelihood,
        latent_dim,
    )


def test_what_is_asked_for_is_kept():
    asked = ModelConfig("mlp", (5,), 3, "gaussian", 0.5)
    assert asked.resolve((8, 8, 1)) == asked
