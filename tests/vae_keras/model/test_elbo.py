"""The closed forms, against other closed forms and integrals, never against themselves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_keras.model import elbo

FLOAT32 = 1e-5  # rounding of float32 sums of a few terms

latents = arrays(np.float32, (5, 3), elements=st.floats(-3, 3, width=32))


def normal_log_density(x, mean, var):
    return -0.5 * (np.log(2 * np.pi * var) + (x - mean) ** 2 / var)


@given(latents, latents)
@settings(max_examples=50, deadline=None)
def test_kl_is_never_negative(z_mean, z_log_var):
    assert np.asarray(elbo.kl(z_mean, z_log_var)).min() >= -FLOAT32


def test_kl_is_zero_at_the_prior():
    zeros = np.zeros((4, 3), np.float32)
    np.testing.assert_array_equal(np.asarray(elbo.kl(zeros, zeros)), np.zeros(4))


def test_kl_sums_over_latents_and_keeps_the_batch():
    z_mean = np.ones((4, 3), np.float32)
    zeros = np.zeros((4, 3), np.float32)
    np.testing.assert_allclose(np.asarray(elbo.kl(z_mean, zeros)), np.full(4, 1.5))


@pytest.mark.parametrize(("mean", "log_var"), [(0.7, -1.0), (-2.0, 0.5), (0.0, 1.5)])
def test_kl_is_the_integral_of_its_definition(mean, log_var):
    grid = np.linspace(-30, 30, 200_001)
    log_q = normal_log_density(grid, mean, np.exp(log_var))
    integral = np.trapezoid(np.exp(log_q) * (log_q - normal_log_density(grid, 0.0, 1.0)), grid)
    closed = elbo.kl(np.float32([[mean]]), np.float32([[log_var]]))
    np.testing.assert_allclose(np.asarray(closed)[0], integral, rtol=FLOAT32)


@given(latents, latents, latents)
@settings(max_examples=50, deadline=None)
def test_prior_over_posterior_is_the_difference_of_the_log_densities(z_mean, z_log_var, noise):
    z = np.asarray(elbo.reparameterize(z_mean, z_log_var, noise))
    log_p = normal_log_density(z.astype(np.float64), 0.0, 1.0).sum(-1)
    # log q of a reparameterised draw, in float64, where dividing by the variance is harmless
    log_q = (normal_log_density(noise.astype(np.float64), 0.0, 1.0) - 0.5 * z_log_var).sum(-1)
    result = np.asarray(elbo.log_prior_over_posterior(z, z_log_var, noise))
    np.testing.assert_allclose(result, log_p - log_q, rtol=FLOAT32, atol=1e-3)


def test_noise_of_zeros_is_the_posterior_mean():
    z_mean = np.float32([[1.0, -2.0]])
    z = elbo.reparameterize(z_mean, np.float32([[3.0, 3.0]]), np.zeros((1, 2), np.float32))
    np.testing.assert_array_equal(np.asarray(z), z_mean)


@given(arrays(np.float32, (4, 6), elements=st.floats(-20, 20, width=32)))
@settings(max_examples=50, deadline=None)
def test_log_mean_exp_is_its_name(log_weights):
    expected = np.log(np.exp(log_weights.astype(np.float64)).mean(0))
    result = np.asarray(elbo.log_mean_exp(log_weights))
    np.testing.assert_allclose(result, expected, rtol=FLOAT32, atol=FLOAT32)


def test_log_mean_exp_does_not_overflow():
    result = elbo.log_mean_exp(np.float32([[1000.0, -1000.0], [1000.0, -1000.0]]))
    np.testing.assert_array_equal(np.asarray(result), [1000.0, -1000.0])
