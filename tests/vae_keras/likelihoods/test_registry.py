"""Likelihoods by name."""

import keras
import pytest

from vae_keras.model import likelihoods


@pytest.mark.parametrize("name", likelihoods.BY_NAME)
def test_get_gives_a_likelihood_by_name(name):
    assert isinstance(likelihoods.get(name), likelihoods.BY_NAME[name])


def test_get_passes_layers_through():
    layer = keras.layers.Identity()
    assert likelihoods.get(layer) is layer


def test_get_refuses_an_unknown_name():
    with pytest.raises(ValueError, match=r"bernoulli, gaussian.*'poisson'"):
        likelihoods.get("poisson")


@pytest.mark.parametrize(
    ("name", "groups", "expected"),
    [
        ("gaussian", (), likelihoods.Gaussian),
        ("bernoulli", (), likelihoods.Bernoulli),
        ("gaussian", (2, 3), likelihoods.Mixed),
        ("gaussian", (4, 3), likelihoods.Categorical),
    ],
)
def test_columns_decide_what_is_built(name, groups, expected):
    built = likelihoods.build(name, features=7, groups=groups, sigma="shared")
    assert type(built) is expected
    if expected is likelihoods.Mixed:
        assert [type(part).__name__ for part in built.parts] == ["Gaussian", "Categorical"]
        assert built.widths == (2, 5)


def test_columns_beside_groups_must_be_gaussian():
    with pytest.raises(ValueError, match=r"expected a gaussian likelihood.*'bernoulli'"):
        likelihoods.build("bernoulli", features=7, groups=(2, 3), sigma="shared")
