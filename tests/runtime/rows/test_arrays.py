import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_runtime.bundle.manifest import Model, Preprocessing
from vae_runtime.rows.arrays import LatentCheck, RowCheck
from vae_runtime.rows.value_checks import EXACT


def model(shape, *, dtype="float32", value_range=None, names=None):
    scaling = Preprocessing(offset=(0.0,), scale=(1.0,), low=None, high=None)
    return Model(
        name="test",
        input_shape=shape,
        input_dtype=dtype,
        value_range=value_range,
        feature_names=names,
        one_hot=(),
        stride=None,
        latent_dim=2,
        likelihood="gaussian",
        beta=1.0,
        parameters=0,
        preprocessing=scaling,
    )


def check_rows(x, model, first_row=0):
    return RowCheck(model)(x, first_row)


def check_latents(z, latent_dim, first_row=0):
    return LatentCheck(dataclasses.replace(TABLE, latent_dim=latent_dim))(z, first_row)


IMAGES = model((8, 8, 1), value_range=(0.0, 16.0))
BYTES = model((2, 2, 1), dtype="uint8", value_range=(0.0, 255.0))
TABLE = model((3,), names=("temperature", "flow", "speed"))


def images(n=5):
    return np.ones((n, 8, 8, 1), np.float32)


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


@settings(max_examples=50, deadline=None)
@given(
    arrays(np.float32, (4, 3), elements=st.floats(width=32, allow_nan=False, allow_infinity=False))
)
def test_finite_rows_pass_unchanged(x):
    rows = check_rows(x, TABLE)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, x)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.longdouble, ">f4"])
def test_floats_of_any_width_become_float32(dtype):
    rows = check_rows(np.full((2, 3), 0.1, dtype), TABLE)
    assert rows.dtype == np.dtype("float32")
    np.testing.assert_array_equal(rows, np.full((2, 3), 0.1, dtype).astype(np.float32))


def test_lists_of_floats_are_rows():
    np.testing.assert_array_equal(check_rows([[0.5, 1.0, 2.0]], TABLE), [[0.5, 1.0, 2.0]])


def test_uint8_rows_stay_uint8_where_the_model_takes_them():
    assert check_rows(np.full((2, 2, 2, 1), 255, np.uint8), BYTES).dtype == np.uint8


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, np.uint64])
def test_whole_numbers_become_floats(dtype):
    x = np.array([[0, 1, 255], [3, 2, 1]], dtype)
    rows = check_rows(x, TABLE)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, x)


@pytest.mark.parametrize("value", [EXACT, -EXACT])
def test_the_largest_whole_number_that_float32_holds_is_taken(value):
    np.testing.assert_array_equal(check_rows(np.full((1, 3), value), TABLE), value)


@pytest.mark.parametrize("value", [EXACT + 1, -EXACT - 1, np.iinfo(np.int64).min, 2**62 + 1])
def test_a_whole_number_that_float32_would_round_is_refused_by_row_and_column(value):
    x = np.ones((5, 3), np.int64)
    x[3, 1] = value
    message = (
        "x: expected whole numbers up to 16,777,216, which float32 holds. "
        f"Received: {value} in row 3, feature 'flow' (1 such values in 1 rows)."
    )
    with refuses(message):
        check_rows(x, TABLE)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, np.int64])
def test_whole_numbers_become_bytes(dtype):
    rows = check_rows(np.full((2, 2, 2, 1), 77, dtype), BYTES)
    assert rows.dtype == np.uint8
    np.testing.assert_array_equal(rows, 77)


@pytest.mark.parametrize("value", [0.5, -1.0, 256.0, np.nan, np.inf])
def test_what_is_no_byte_is_refused_by_a_model_of_bytes(value):
    x = np.ones((2, 2, 2, 1))
    x[1, 0, 1, 0] = value
    with refuses(f"expected whole numbers from 0 to 255. Received: {value} in row 1"):
        check_rows(x, BYTES)


def test_rows_of_a_longer_array_are_counted_from_its_start():
    x = np.ones((5, 3), np.float32)
    x[3, 1] = np.nan
    with refuses("in row 1003, feature 'flow'"):
        check_rows(x, TABLE, 1000)


def test_numbers_whose_squares_overflow_are_finite_all_the_same():
    x = np.full((2, 3), 3e38, np.float32)
    np.testing.assert_array_equal(check_rows(x, TABLE), x)


@pytest.mark.parametrize("dtype", [bool, object, str, complex, "datetime64[s]"])
def test_what_are_no_numbers_is_refused_without_a_cast_to_try(dtype):
    x = np.ones((2, 8, 8, 1)).astype(dtype)
    with refuses(f"x: expected dtype float32. Received: {x.dtype}.") as e:
        check_rows(x, IMAGES)
    assert "astype" not in str(e.value)


def test_a_mask_is_not_lost_but_refused():
    x = np.ma.masked_array(images(), mask=images() > 0)
    with refuses("x: expected an array. Received: a masked array"):
        check_rows(x, IMAGES)


@pytest.mark.parametrize("shape", [(5, 8, 8), (5, 64), (5, 8, 8, 3), (5, 1, 8, 8, 1), (64,), ()])
def test_another_shape_is_refused_with_both_shapes(shape):
    with refuses(f"x: expected shape (batch, 8, 8, 1). Received: {shape}."):
        check_rows(np.ones(shape, np.float32), IMAGES)


def test_a_single_row_is_told_how_to_become_a_batch():
    message = "Received: (8, 8, 1), a single row. Pass x[None] for a batch of one."
    with refuses(message):
        check_rows(images()[0], IMAGES)


def test_no_rows_are_refused():
    with refuses("x: expected at least one row. Received: an empty array."):
        check_rows(images(0), IMAGES)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_named_by_row_and_column_name(value):
    x = np.ones((5, 3), np.float32)
    x[3, 1] = value
    message = (
        f"x: expected finite numbers. Received: {value} in row 3, feature 'flow' "
        "(1 such values in 1 rows)."
    )
    with refuses(message):
        check_rows(x, TABLE)


def test_what_is_not_finite_is_named_by_position_where_features_have_no_names():
    x = images()
    x[4, 2, 7, 0] = np.nan
    with refuses("Received: nan in row 4, feature (2, 7, 0)"):
        check_rows(x, IMAGES)


def test_a_nameless_column_is_named_by_its_number():
    x = np.ones((5, 3), np.float32)
    x[2, 1] = np.nan
    with refuses("Received: nan in row 2, feature 1 "):
        check_rows(x, model((3,)))


def test_names_are_those_of_the_last_axis_with_the_position_in_the_others():
    x = np.ones((2, 3, 2), np.float32)
    x[1, 2, 0] = np.nan
    with refuses("row 1, feature 'a' at position (2,)"):
        check_rows(x, model((3, 2), names=("a", "b")))


def test_the_first_of_many_is_named_and_all_are_counted():
    x = np.ones((5, 3), np.float32)
    x[1], x[4, 0] = np.nan, np.inf
    with refuses("row 1, feature 'temperature' (4 such values in 2 rows)"):
        check_rows(x, TABLE)


def test_float64_beyond_float32_is_refused_as_infinite():
    with refuses("x: expected finite numbers. Received: inf in row 0, feature 'speed'"):
        check_rows(np.array([[1.0, 1.0, 1e300]]), TABLE)


@pytest.mark.parametrize("value", [-0.5, 16.5, 1e30])
def test_values_out_of_range_are_named_with_the_range(value):
    x = images()
    x[2, 0, 5, 0] = value
    with refuses("x: expected values from 0 to 16. Received: ") as e:
        check_rows(x, IMAGES)
    assert f"{np.float32(value)} in row 2, feature (0, 5, 0)" in str(e.value)


@pytest.mark.parametrize("value", [0.0, 16.0])
def test_the_ends_of_the_range_are_inside(value):
    x = np.full((1, 8, 8, 1), value, np.float32)
    np.testing.assert_array_equal(check_rows(x, IMAGES), x)


def test_latents_become_float32():
    z = check_latents(np.full((4, 2), 0.1), 2)
    assert z.dtype == np.float32
    np.testing.assert_array_equal(z, np.full((4, 2), 0.1, np.float32))


@pytest.mark.parametrize(
    ("z", "message"),
    [
        (np.ones((4, 3)), "z: expected shape (batch, 2). Received: (4, 3)."),
        (np.ones(2), "z: expected shape (batch, 2). Received: (2,), a single row. Pass z[None]"),
        (np.ones((0, 2)), "z: expected at least one row."),
        (np.ones((4, 2), str), "z: expected dtype float32. Received: <U1."),
        (np.full((4, 2), np.nan), "z: expected finite numbers."),
        (np.full((4, 2), 1e300), "z: expected finite numbers."),
    ],
)
def test_bad_latents_are_refused(z, message):
    with refuses(message):
        check_latents(z, 2)
