"""Continuous features, against what densities must satisfy."""

import numpy as np
import pytest

from vae_keras.likelihoods import Gaussian
from vae_keras.likelihoods.gaussian import MOMENTUM
from vae_keras.likelihoods.scaled import MIN_LOG_SIGMA

FLOAT32 = 1e-5


def built(sigma, log_sigma):
    likelihood = Gaussian(sigma)
    likelihood.build((None, len(log_sigma)))
    likelihood.log_sigma.assign(log_sigma if sigma == "per_feature" else log_sigma[0])
    return likelihood


@pytest.mark.parametrize("sigma", ["per_feature", "shared", "optimal"])
@pytest.mark.parametrize("log_sigma", [-2.0, 0.0, 1.0])
def test_the_density_integrates_to_one(sigma, log_sigma):
    likelihood = built(sigma, [log_sigma])
    grid = np.linspace(-40, 40, 400_001).astype(np.float32)[:, None]
    nll = np.asarray(likelihood.feature_nll(grid, np.full_like(grid, 0.3)), np.float64)
    np.testing.assert_allclose(np.trapezoid(np.exp(-nll[:, 0]), grid[:, 0]), 1.0, rtol=1e-4)


def test_nll_is_least_at_the_data():
    likelihood = built("per_feature", [0.5])
    x_mean = np.linspace(-2, 2, 401).astype(np.float32)[:, None]
    nll = np.asarray(likelihood.feature_nll(np.full_like(x_mean, 0.7), x_mean))
    assert x_mean[nll.argmin(), 0] == pytest.approx(0.7, abs=1e-2)  # the grid's spacing


def test_sigma_per_feature_is_a_weight_for_each():
    likelihood = built("per_feature", [0.0, 1.0, 2.0])
    nll = np.asarray(likelihood.feature_nll(np.zeros((1, 3)), np.zeros((1, 3))))
    np.testing.assert_allclose(np.diff(nll[0]), [1.0, 1.0], rtol=1e-2)  # softclip bends a little


def test_shared_sigma_is_one_weight():
    likelihood = built("shared", [1.0, 1.0])
    assert likelihood.log_sigma.shape == ()
    assert likelihood.trainable_variables


def test_sigma_cannot_collapse():
    zero = np.zeros((1, 1), np.float32)
    nll = np.asarray(built("per_feature", [-1e4]).feature_nll(zero, zero))
    assert nll[0, 0] == pytest.approx(MIN_LOG_SIGMA + 0.5 * np.log(2 * np.pi), rel=FLOAT32)


def test_an_optimal_sigma_is_the_one_with_the_least_nll():
    rng = np.random.default_rng(0)
    x, x_mean = rng.normal(0, 0.3, (2, 500, 4)).astype(np.float32)
    optimal = np.asarray(built("optimal", [0.0]).feature_nll(x, x_mean, training=True)).mean()
    others = [
        np.asarray(built("shared", [s]).feature_nll(x, x_mean)).mean()
        for s in np.linspace(-2, 1, 601).astype(np.float32)
    ]
    assert optimal == pytest.approx(min(others), abs=1e-3)  # the grid's spacing
    assert optimal < others[400] - 0.1  # sigma 1


def test_an_optimal_sigma_is_remembered_as_a_running_mean_and_never_trained():
    likelihood = built("optimal", [0.0])
    zeros, errors = np.zeros((8, 2), np.float32), np.full((8, 2), np.exp(-1.0), np.float32)
    likelihood.feature_nll(zeros, errors, training=True)
    assert float(likelihood.log_sigma) == pytest.approx(-(1 - MOMENTUM), rel=1e-4)
    likelihood.feature_nll(zeros, errors)
    assert float(likelihood.log_sigma) == pytest.approx(-(1 - MOMENTUM), rel=1e-4)
    assert not likelihood.trainable_variables


def test_an_unknown_sigma_is_refused():
    with pytest.raises(ValueError, match="'per_row'"):
        Gaussian("per_row")
