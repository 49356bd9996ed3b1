"""Scaling to and from the model's units."""

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_keras.data import datasets
from vae_keras.data.streams import FileStream
from vae_keras.model.preprocessing import CLIP, Scaling, moments, standardize, to_unit_interval

ROUNDING = 1e-14  # of a float64, some dozens of operations later


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


@settings(max_examples=100, deadline=None)
@given(
    x=arrays(
        np.float32,
        st.tuples(st.integers(1, 30), st.integers(1, 3)),
        elements=st.floats(-1e6, 1e6, width=32),
    ),
    ends=st.lists(st.integers(0, 30), max_size=5).map(sorted),
    offset=st.sampled_from([0.0, 1e6, -1e9]),
)
def test_moments_of_blocks_are_those_of_the_whole_whatever_the_blocks(x, ends, offset):
    x = x.astype(np.float64) + offset
    mean, variance = moments(np.split(x, ends))
    rounding = ROUNDING * np.abs(x).max()
    np.testing.assert_allclose(mean, x.mean(0), rtol=0, atol=rounding)
    off = np.abs(variance - x.var(0))
    assert (off <= rounding * x.std(0) + rounding**2 + ROUNDING * x.var(0)).all()


def test_moments_of_a_far_offset_lose_nothing():
    """The difference of mean squares and squared means would have no digit left."""
    x = np.random.default_rng(0).normal(1e9, 1.0, (10_000, 2))
    _, variance = moments(np.split(x, 17 * np.arange(1, 500)))
    np.testing.assert_allclose(variance, x.var(0), rtol=1e9 * ROUNDING)


def test_moments_of_rows_of_any_shape_have_that_shape():
    x = np.random.default_rng(0).normal(size=(20, 4, 3))
    mean, variance = moments([x[:3], x[3:3], x[3:]])
    np.testing.assert_allclose(mean, x.mean(0))
    np.testing.assert_allclose(variance, x.var(0))


def test_windows_are_scaled_channel_by_channel():
    rng = np.random.default_rng(0)
    x = rng.normal([300.0, -5.0], [0.1, 40.0], (500, 6, 2)).astype(np.float32)
    scaling = standardize(x)
    flat = x.reshape(-1, 2).astype(np.float64)
    np.testing.assert_allclose(scaling.offset, flat.mean(0), rtol=1e-6)
    np.testing.assert_allclose(scaling.scale, flat.std(0), rtol=1e-6)


def test_positions_in_a_window_whose_means_differ_widen_the_scale():
    x = np.zeros((50, 2, 1), np.float32)
    x[:, 1] = 2.0
    scaling = standardize(x)
    assert (scaling.offset.tolist(), scaling.scale.tolist()) == ([1.0], [1.0])


def test_a_stream_is_scaled_as_its_array(tmp_path, monkeypatch):
    x = np.random.default_rng(0).normal([300.0, -5.0], [0.1, 40.0], (90, 2)).astype(np.float32)
    table = pa.table({"a": x[:, 0], "b": x[:, 1]})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=20)
    keep = np.arange(90) % 60 < 40  # of some row groups, nothing
    stream = FileStream.of(tmp_path / "x.parquet", ("a", "b"), keep)
    for expected in (x[keep], stream):
        monkeypatch.setattr(datasets, "BLOCK_VALUES", 10)
        scaling = standardize(expected)
        np.testing.assert_allclose(scaling.offset, x[keep].mean(0, np.float64), rtol=1e-6)
        np.testing.assert_allclose(scaling.scale, x[keep].std(0, np.float64), rtol=1e-6)


def test_the_last_features_may_stay_as_they_are():
    x = np.float32([[5.0, 1, 0], [7.0, 0, 1]])
    scaling = standardize(x, keep=2)
    assert scaling.offset.tolist() == [6.0, 0.0, 0.0]
    assert scaling.scale.tolist() == [1.0, 1.0, 1.0]


def test_what_is_constant_by_chance_is_scaled_as_in_more_rows():
    more = np.float32([[5.0, 0], [7.0, 0], [9.0, 1], [7.0, 1]])
    scaling = standardize(more[:2], more=lambda: more)
    assert scaling.offset.tolist() == [6.0, 0.0]
    assert scaling.scale.tolist() == [1.0, 0.5]


def test_what_is_constant_in_more_rows_too_is_refused():
    more = np.float32([[5.0, 0], [7.0, 0], [9.0, 0]])
    with pytest.raises(ValueError, match=r"1 constant in the training rows: 1\."):
        standardize(more[:2], more=lambda: more)


def test_images_are_scaled_as_a_whole():
    x = np.random.default_rng(0).uniform(0, 255, (50, 4, 4, 1)).astype(np.float32)
    scaling = standardize(x)
    assert scaling.offset.shape == scaling.scale.shape == ()
    np.testing.assert_allclose(scaling.scale, x.std(dtype=np.float64), rtol=1e-6)


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
    with pytest.raises(ValueError, match=r"1 constant .*rows: pressure\..*--bad-columns drop"):
        standardize(x, ("flow", "pressure"))


def test_a_constant_channel_of_windows_is_refused_by_its_number():
    x = np.random.default_rng(0).normal(size=(9, 4, 2)).astype(np.float32)
    x[:, :, 1] = 7.0
    with pytest.raises(ValueError, match="1 constant in the training rows: 1"):
        standardize(x)


def test_values_that_never_vary_are_refused():
    with pytest.raises(ValueError, match="all equal to 3"):
        to_unit_interval((3.0, 3.0))
