"""Likelihoods against sums and integrals that they must satisfy as densities."""

import keras
import numpy as np
import pytest

from vae_keras import likelihoods
from vae_keras.likelihoods import MIN_LOG_SIGMA, Bernoulli, Gaussian

FLOAT32 = 1e-5


def built_gaussian(sigma, log_sigma):
    likelihood = Gaussian(sigma)
    likelihood.build((None, len(log_sigma)))
    likelihood.log_sigma.assign(log_sigma if sigma == "per_feature" else log_sigma[0])
    return likelihood


@pytest.mark.parametrize("logit", [-30.0, -2.0, 0.0, 0.5, 40.0])
def test_bernoulli_probabilities_sum_to_one(logit):
    nll = np.asarray(Bernoulli().feature_nll(np.float32([0.0, 1.0]), np.float32([logit, logit])))
    np.testing.assert_allclose(np.exp(-nll.astype(np.float64)).sum(), 1.0, rtol=FLOAT32)


def test_bernoulli_mean_is_the_probability_of_one():
    logits = np.float32([-2.0, 0.0, 3.0])
    nll_of_one = np.asarray(Bernoulli().feature_nll(np.ones(3, np.float32), logits))
    np.testing.assert_allclose(np.asarray(Bernoulli().mean(logits)), np.exp(-nll_of_one), rtol=1e-5)


@pytest.mark.parametrize("grey", [0.1, 0.5, 0.8])
def test_bernoulli_nll_of_a_grey_level_is_least_where_the_mean_is_that_level(grey):
    logits = np.linspace(-6, 6, 2401).astype(np.float32)
    nll = np.asarray(Bernoulli().feature_nll(np.full_like(logits, grey), logits))
    best = np.asarray(Bernoulli().mean(logits))[nll.argmin()]
    assert best == pytest.approx(grey, abs=2e-3)  # the grid's spacing


@pytest.mark.parametrize("log_sigma", [-2.0, 0.0, 1.0])
def test_gaussian_density_integrates_to_one(log_sigma):
    likelihood = built_gaussian("per_feature", [log_sigma])
    grid = np.linspace(-40, 40, 400_001).astype(np.float32)[:, None]
    nll = np.asarray(likelihood.feature_nll(grid, np.full_like(grid, 0.3)), np.float64)
    np.testing.assert_allclose(np.trapezoid(np.exp(-nll[:, 0]), grid[:, 0]), 1.0, rtol=1e-4)


def test_gaussian_nll_is_least_at_the_data():
    likelihood = built_gaussian("per_feature", [0.5])
    x_mean = np.linspace(-2, 2, 401).astype(np.float32)[:, None]
    nll = np.asarray(likelihood.feature_nll(np.full_like(x_mean, 0.7), x_mean))
    assert x_mean[nll.argmin(), 0] == pytest.approx(0.7, abs=1e-2)  # the grid's spacing


def test_gaussian_sigma_per_feature_is_a_weight_for_each():
    likelihood = built_gaussian("per_feature", [0.0, 1.0, 2.0])
    nll = np.asarray(likelihood.feature_nll(np.zeros((1, 3)), np.zeros((1, 3))))
    np.testing.assert_allclose(np.diff(nll[0]), [1.0, 1.0], rtol=1e-2)  # softclip bends a little


def test_gaussian_shared_sigma_is_one_weight():
    likelihood = built_gaussian("shared", [1.0, 1.0])
    assert likelihood.log_sigma.shape == ()


def test_gaussian_sigma_cannot_collapse():
    zero = np.zeros((1, 1), np.float32)
    nll = np.asarray(built_gaussian("per_feature", [-1e4]).feature_nll(zero, zero))
    assert nll[0, 0] == pytest.approx(MIN_LOG_SIGMA + 0.5 * np.log(2 * np.pi), rel=FLOAT32)


def test_an_unknown_sigma_is_refused():
    with pytest.raises(ValueError, match="'per_row'"):
        Gaussian("per_row")


@pytest.mark.parametrize("name", likelihoods.LIKELIHOODS)
def test_get_gives_a_likelihood_by_name(name):
    assert isinstance(likelihoods.get(name), likelihoods.LIKELIHOODS[name])


def test_get_passes_layers_through():
    layer = keras.layers.Identity()
    assert likelihoods.get(layer) is layer


def test_get_refuses_an_unknown_name():
    with pytest.raises(ValueError, match=r"bernoulli, gaussian.*'poisson'"):
        likelihoods.get("poisson")
