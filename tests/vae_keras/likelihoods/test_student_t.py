"""Features with heavy tails, against scipy's density and beside a normal one."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import t

from vae_keras import VAE, mlp_pair
from vae_keras.likelihoods import Gaussian, StudentT
from vae_keras.likelihoods.scaled import MIN_LOG_SIGMA, softclip
from vae_keras.likelihoods.student_t import DEGREES

FLOAT32 = 1e-5


def built(log_sigma, sigma="per_feature", degrees=DEGREES):
    likelihood = StudentT(sigma, degrees)
    likelihood.build((None, len(log_sigma)))
    likelihood.log_sigma.assign(log_sigma if sigma == "per_feature" else log_sigma[0])
    return likelihood


def scale_of(likelihood):
    return np.exp(np.asarray(softclip(likelihood.log_sigma), np.float64))


@pytest.mark.parametrize("degrees", [1.5, 4.0, 30.0])
@pytest.mark.parametrize("sigma", ["per_feature", "shared"])
def test_it_is_the_density_that_scipy_computes(sigma, degrees):
    likelihood, rng = built([-2.0, 0.0, 1.0], sigma, degrees), np.random.default_rng(0)
    x, x_mean = rng.normal(0, 20, (2, 200, 3)).astype(np.float32)
    nll = np.asarray(likelihood.feature_nll(x, x_mean))
    expected = -t.logpdf(x.astype(np.float64), degrees, x_mean, scale_of(likelihood))
    assert (nll.shape, nll.dtype) == (x.shape, np.float32)
    np.testing.assert_allclose(nll, expected, rtol=FLOAT32, atol=FLOAT32)


@pytest.mark.parametrize("log_sigma", [-2.0, 0.0, 1.0])
def test_the_density_integrates_to_one(log_sigma):
    grid = np.linspace(-400, 400, 800_001)[:, None]
    nll = np.asarray(built([log_sigma]).feature_nll(grid.astype(np.float32), 0.3 + 0 * grid))
    np.testing.assert_allclose(np.trapezoid(np.exp(-nll[:, 0]), grid[:, 0]), 1.0, rtol=1e-4)


def test_its_gradients_are_those_of_the_density():
    likelihood, rng = built([0.3, -0.5]), np.random.default_rng(0)
    x, x_mean = (tf.constant(v) for v in rng.normal(0, 3, (2, 6, 2)).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(x_mean)
        nll = likelihood.feature_nll(x, x_mean)
    by_mean, by_sigma = tape.gradient(nll, [x_mean, likelihood.log_sigma.value])
    off, scale = np.asarray(x_mean - x, np.float64), scale_of(likelihood)
    weight = (DEGREES + 1) / (DEGREES * scale**2 + off**2)
    np.testing.assert_allclose(by_mean, weight * off, rtol=1e-4, atol=1e-6)
    bend = 1 / (1 + np.exp(MIN_LOG_SIGMA - likelihood.log_sigma.numpy()))  # of the softclip
    expected = ((1 - weight * off**2) * bend).sum(0)
    np.testing.assert_allclose(by_sigma, expected, rtol=1e-4, atol=1e-5)


def test_a_wild_reading_pulls_less_than_one_that_is_somewhat_off():
    x_mean = tf.zeros((1, 2))
    with tf.GradientTape() as tape:
        tape.watch(x_mean)
        nll = built([0.0, 0.0]).feature_nll(tf.constant([[3.0, 50.0]]), x_mean)
    near, far = np.abs(np.asarray(tape.gradient(nll, x_mean)))[0]
    assert near > 5 * far > 0


def test_many_degrees_are_a_gaussian():
    normal = Gaussian()
    normal.build((None, 2))
    normal.log_sigma.assign([0.5, -1.0])
    x = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    found = built([0.5, -1.0], degrees=1e5).feature_nll(x, np.zeros_like(x))
    np.testing.assert_allclose(found, normal.feature_nll(x, np.zeros_like(x)), rtol=1e-3, atol=5e-3)


@pytest.mark.parametrize("value", [1e4, 1e15, np.inf])
def test_what_is_far_off_is_no_nan(value):
    nll = np.asarray(built([0.0]).feature_nll(np.float32([[value]]), np.zeros((1, 1), np.float32)))
    assert nll[0, 0] > 30


def test_the_scale_cannot_collapse():
    zero = np.zeros((1, 1), np.float32)
    nll = float(built([-1e4]).feature_nll(zero, zero)[0, 0])
    assert nll == pytest.approx(-t.logpdf(0, DEGREES) + MIN_LOG_SIGMA, rel=FLOAT32)


@pytest.mark.parametrize("degrees", [1.0, 0.0, -3, np.inf, np.nan])
def test_degrees_without_a_mean_are_refused(degrees):
    with pytest.raises(ValueError, match="expected more than 1 degree of freedom"):
        StudentT(degrees=degrees)


def test_a_sigma_that_it_does_not_know_is_refused():
    with pytest.raises(ValueError, match=r"per_feature, shared\. Received: 'optimal'"):
        StudentT("optimal")


def test_training_on_rows_with_heavy_tails_learns_what_a_normal_one_does_not(tmp_path):
    """The scale of the noise is found; a normal sigma is blown up by the tails."""
    rng = np.random.default_rng(0)
    load = rng.normal(size=(2000, 1))
    x = load @ np.ones((1, 4)) + 0.1 * rng.standard_t(2.0, (2000, 4))
    x = x.astype(np.float32)
    vae = VAE(*mlp_pair((4,), 1, (16,)), likelihood=StudentT(degrees=2.0))
    normal = VAE(*mlp_pair((4,), 1, (16,)), likelihood="gaussian")
    for each in (vae, normal):
        each.compile(keras.optimizers.Adam(1e-2))
        losses = each.fit(x, epochs=40, batch_size=100, verbose=0).history["loss"]
        assert losses[-1] < losses[0]
    assert scale_of(vae.likelihood).max() < 0.2 < normal.likelihood.deviation().max()
    assert float(np.mean(vae.score(x)["nll"])) < float(np.mean(normal.score(x)["nll"])) - 1
    vae.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.likelihood.degrees == 2.0
    np.testing.assert_array_equal(again.score(x)["score"], vae.score(x)["score"])
