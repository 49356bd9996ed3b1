"""Likelihoods by name."""

import keras
import pytest

from vae_keras import likelihoods


@pytest.mark.parametrize("name", likelihoods.BY_NAME)
def test_get_gives_a_likelihood_by_name(name):
    assert isinstance(likelihoods.get(name), likelihoods.BY_NAME[name])


def test_get_passes_layers_through():
    layer = keras.layers.Identity()
    assert likelihoods.get(layer) is layer


def test_get_refuses_an_unknown_name():
    with pytest.raises(ValueError, match=r"bernoulli, gaussian.*'poisson'"):
        likelihoods.get("poisson")
