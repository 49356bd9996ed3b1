"""numpy beside Keras: the same formulas, on anything a network may answer."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import vae_keras
from vae_keras.model import elbo
from vae_runtime import BundleError
from vae_runtime.bundle.manifest import Model, Preprocessing
from vae_runtime.likelihoods import Scaling, as_row, latent_kl, likelihood_of

FLOAT32 = 4e-6  # of float32 numbers by another library's exponentials, as a share of the largest
SIGMA = (0.1, 0.5, 2.0)
ONE_HOT = np.float32([[1, 0, 0, 0, 1], [0, 0, 1, 1, 0]])

numbers = hnp.arrays(np.float32, (2, 3), elements=st.floats(-50, 50, width=32))
logits = hnp.arrays(np.float32, (2, 5), elements=st.floats(-200, 200, width=32))


def model(likelihood, features, one_hot=(), sigma=None, **preprocessing):
    scaling = {"offset": (0.0,), "scale": (1.0,), "low": None, "high": None, **preprocessing}
    return Model(
        name="rows",
        input_shape=(features,),
        input_dtype="float32",
        value_range=None,
        feature_names=None,
        one_hot=one_hot,
        latent_dim=2,
        likelihood=likelihood,
        beta=1.0,
        parameters=1,
        preprocessing=Preprocessing(**scaling),
        sigma=sigma,
    )


def gaussian():
    layer = vae_keras.Gaussian()
    layer.build((None, 3))
    layer.log_sigma.assign(np.log(SIGMA))
    return layer


def deviations(layer):
    return tuple(np.ravel(layer.deviation()).tolist())


def agree(ours, theirs, u, parameters):
    for mine, reference in (
        (ours.feature_nll(u, parameters), theirs.feature_nll(u, parameters)),
        (ours.mean(parameters), theirs.mean(parameters)),
    ):
        reference = np.asarray(reference)
        assert (mine.shape, mine.dtype) == (reference.shape, np.float32)
        atol = FLOAT32 * max(1.0, np.abs(reference).max())
        np.testing.assert_allclose(mine, reference, rtol=FLOAT32, atol=atol)


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.float32, (2, 5), elements=st.floats(0, 1, width=32)), logits)
def test_bernoulli(u, x_logits):
    agree(likelihood_of(model("bernoulli", 5)), vae_keras.Bernoulli(), u, x_logits)


@settings(max_examples=50, deadline=None)
@given(numbers, numbers)
def test_gaussian(u, x_mean):
    layer = gaussian()
    agree(likelihood_of(model("gaussian", 3, sigma=deviations(layer))), layer, u, x_mean)


def test_one_sigma_is_that_of_every_feature():
    one, each = (likelihood_of(model("gaussian", 3, sigma=s)) for s in ((0.5,), (0.5, 0.5, 0.5)))
    u, x_mean = np.float32([[1, 2, 3]]), np.float32([[1, 1, 1]])
    np.testing.assert_array_equal(one.feature_nll(u, x_mean), each.feature_nll(u, x_mean))


@settings(max_examples=50, deadline=None)
@given(logits)
def test_categorical(x_logits):
    ours = likelihood_of(model("categorical", 5, one_hot=(3, 2)))
    agree(ours, vae_keras.Categorical((3, 2)), ONE_HOT, x_logits)


@settings(max_examples=50, deadline=None)
@given(numbers, numbers, logits)
def test_numbers_beside_one_hot_groups(u, x_mean, x_logits):
    normal = gaussian()
    layer = vae_keras.Mixed([normal, vae_keras.Categorical((3, 2))], (3, 5))
    layer.build((None, 8))
    described = model("gaussian, categorical", 8, one_hot=(3, 2), sigma=deviations(normal))
    rows, parameters = np.concatenate([u, ONE_HOT], 1), np.concatenate([x_mean, x_logits], 1)
    agree(likelihood_of(described), layer, rows, parameters)


@settings(max_examples=50, deadline=None)
@given(numbers, hnp.arrays(np.float32, (2, 3), elements=st.floats(-20, 20, width=32)))
def test_kl_of_each_latent(z_mean, z_log_var):
    expected = np.asarray(elbo.latent_kl(z_mean, z_log_var))
    answer = latent_kl(z_mean, z_log_var)
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer, expected, rtol=FLOAT32, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-50.0, 50.0), (None, None)])
def test_preprocessing_and_its_inverse(dtype, low, high):
    offset, scale = (1.0, 100000.0, -3.0), (0.5, 1000.0, 2.0)
    layer = vae_keras.Scaling(np.float32(offset), np.float32(scale), low, high)
    ours = Scaling(model("gaussian", 3, offset=offset, scale=scale, low=low, high=high))
    x = np.array([[0, 200, 255], [1, 2, 3]]).astype(dtype)
    u = ours.forward(x)
    assert u.dtype == np.float32
    np.testing.assert_array_equal(u, np.asarray(layer(x)))
    np.testing.assert_allclose(ours.inverse(u), np.asarray(layer.inverse(u)), rtol=FLOAT32)
    assert ours.inverse(u).dtype == np.float32


@pytest.mark.parametrize(
    ("count", "expected"), [(1, (1,)), (3, (3,)), (6, (2, 3))], ids=["one", "last axis", "each"]
)
def test_values_broadcast_with_a_row(count, expected):
    row = as_row(tuple(range(count)), (2, 3))
    assert row.shape == expected
    assert row.ravel().tolist() == list(range(count))


@pytest.mark.parametrize(
    "described",
    [
        model("mixed", 3),
        model("bernoulli", 3, one_hot=(2,)),
        model("categorical", 5),
        model("categorical", 5, one_hot=(3,)),
        model("gaussian, categorical", 5, one_hot=(3, 2), sigma=(1.0,)),
    ],
    ids=lambda m: f"{m.likelihood} {m.one_hot}",
)
def test_what_cannot_be_computed_from_the_manifest_is_refused(described):
    with pytest.raises(BundleError, match=r"expected a likelihood.*Take files of another prec"):
        likelihood_of(described)


@pytest.mark.parametrize(("name", "one_hot"), [("gaussian", ()), ("gaussian, categorical", (2,))])
def test_a_sigma_that_is_not_said_is_refused(name, one_hot):
    described = model(name, 3, one_hot=one_hot, sigma=(1.0,))
    assert likelihood_of(described)
    with pytest.raises(BundleError, match=r"expected sigma"):
        likelihood_of(dataclasses.replace(described, sigma=None))


def test_numbers_too_huge_for_float32_are_infinite_surprises_without_a_warning():
    said = model("gaussian", 3, sigma=SIGMA, offset=(-3e38, 0.0, 0.0), scale=(0.1, 0.1, 1.0))
    u = Scaling(said).forward(np.float32([[3e38, -3e38, 1e30]]))
    np.testing.assert_array_equal(u, np.float32([[np.inf, -np.inf, 1e30]]))
    nll = likelihood_of(said).feature_nll(u, np.zeros((1, 3), np.float32))
    np.testing.assert_array_equal(nll, np.full((1, 3), np.inf, np.float32))
