"""Coins and grey levels, against what probabilities must satisfy."""

import numpy as np
import pytest

from vae_keras.likelihoods import Bernoulli

FLOAT32 = 1e-5


@pytest.mark.parametrize("logit", [-30.0, -2.0, 0.0, 0.5, 40.0])
def test_probabilities_sum_to_one(logit):
    nll = np.asarray(Bernoulli().feature_nll(np.float32([0.0, 1.0]), np.float32([logit, logit])))
    np.testing.assert_allclose(np.exp(-nll.astype(np.float64)).sum(), 1.0, rtol=FLOAT32)


def test_mean_is_the_probability_of_one():
    logits = np.float32([-2.0, 0.0, 3.0])
    nll_of_one = np.asarray(Bernoulli().feature_nll(np.ones(3, np.float32), logits))
    mean = np.asarray(Bernoulli().mean(logits))
    np.testing.assert_allclose(mean, np.exp(-nll_of_one), rtol=FLOAT32)


@pytest.mark.parametrize("grey", [0.1, 0.5, 0.8])
def test_nll_of_a_grey_level_is_least_where_the_mean_is_that_level(grey):
    logits = np.linspace(-6, 6, 2401).astype(np.float32)
    nll = np.asarray(Bernoulli().feature_nll(np.full_like(logits, grey), logits))
    best = np.asarray(Bernoulli().mean(logits))[nll.argmin()]
    assert best == pytest.approx(grey, abs=2e-3)  # the grid's spacing


@pytest.mark.parametrize("grey", [0.0, 1e-5, 1 / 255, 0.1, 0.5, 0.8, 1.0])
def test_a_perfect_reconstruction_costs_nothing_whatever_the_grey_level(grey):
    clipped = np.clip(grey, 1e-9, 1 - 1e-9)
    logit = np.float32([np.log(clipped / (1 - clipped))])
    nll = np.asarray(Bernoulli().feature_nll(np.float32([grey]), logit))
    assert nll == pytest.approx(0.0, abs=5e-5)


def test_nll_is_the_kullback_leibler_divergence_between_coins():
    rng = np.random.default_rng(0)
    x, p = rng.uniform(0.01, 0.99, (2, 100))
    expected = x * np.log(x / p) + (1 - x) * np.log((1 - x) / (1 - p))
    logits = np.log(p / (1 - p)).astype(np.float32)
    nll = np.asarray(Bernoulli().feature_nll(x.astype(np.float32), logits))
    np.testing.assert_allclose(nll, expected, atol=FLOAT32)


def test_what_is_left_out_is_the_cost_of_a_perfect_reconstruction():
    x = np.array([[0.0, 0.25, 0.5, 1.0]], np.float32)
    found = np.asarray(Bernoulli().left_out(x))
    expected = [[0.0, -0.25 * np.log(0.25) - 0.75 * np.log(0.75), np.log(2.0), 0.0]]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    plain = np.logaddexp(0.0, 0.3) - x * 0.3  # of logits of 0.3, with it
    nll = np.asarray(Bernoulli().feature_nll(x, np.full_like(x, 0.3)))
    np.testing.assert_allclose(nll + found, plain, atol=1e-6)
