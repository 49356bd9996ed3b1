"""Scaling to and from the model's units."""

import keras
import numpy as np
import pytest

from vae_keras.preprocessing import CLIP, Scaling, standardize, to_unit_interval


def test_standardized_rows_have_mean_0_and_deviation_1():
    x = np.random.default_rng(0).normal([300.0, -5.0], [0.1, 40.0], (2000, 2)).astype(np.float32)
    y = np.asarray(standardize(x)(x))
    np.testing.assert_allclose(y.mean(0), 0.0, atol=1e-3)
    np.testing.assert_allclose(y.std(0), 1.0, atol=1e-3)


def test_a_mean_that_is_large_against_the_spread_loses_no_precision():
    x = np.float32(101325.0) + np.arange(-4, 5, dtype=np.float32)[:, None] / 8
    scaling = standardize(x)
    exact = (x.astype(np.float64) - x.mean(dtype=np.float64)) / x.std(dtype=np.float64)
    np.testing.assert_allclose(np.asarray(scaling(x)), exact, atol=1e-6)


def test_images_are_scaled_as_a_whole():
    x = np.random.default_rng(0).uniform(0, 255, (50, 4, 4, 1)).astype(np.float32)
    assert standardize(x).offset.shape == ()


def test_inverse_undoes_scaling():
    scaling = Scaling([1.0, 2.0], [3.0, 0.5], -CLIP, CLIP)
    x = np.float32([[4.0, -5.0]])
    np.testing.assert_allclose(np.asarray(scaling.inverse(scaling(x))), x, rtol=1e-6)


def test_extreme_values_are_clipped_to_something_finite():
    y = np.asarray(standardize(np.float32([[0.0], [1.0]]))(np.float32([[1e30], [-1e30]])))
    np.testing.assert_array_equal(y, [[CLIP], [-CLIP]])


def test_unit_interval_reaches_from_0_to_1_for_uint8_too():
    y = np.asarray(to_unit_interval((0.0, 255.0))(np.uint8([[0, 51, 255]])))
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, [[0.0, 0.2, 1.0]], rtol=1e-6)


def test_without_arguments_nothing_changes_and_nothing_is_clipped():
    x = np.float32([[1e6, -3.0]])
    np.testing.assert_array_equal(np.asarray(Scaling()(x)), x)


def test_config_gives_the_same_layer():
    scaling = Scaling([0.1, 0.2], [3.3, 0.7], -CLIP, CLIP, name="preprocessing")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(scaling))
    x = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(again(x)), np.asarray(scaling(x)))


def test_a_constant_feature_is_refused_by_name():
    x = np.float32([[1.0, 7.0], [2.0, 7.0]])
    with pytest.raises(ValueError, match="1 constant in the training rows: pressure"):
        standardize(x, ("flow", "pressure"))


def test_values_that_never_vary_are_refused():
    with pytest.raises(ValueError, match="all equal to 3"):
        to_unit_interval((3.0, 3.0))
