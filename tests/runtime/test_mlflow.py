"""A bundle behind MLflow's loader: arrays and data frames, in and out."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from vae_runtime import Runner, mlflow


@pytest.fixture
def rows(table_bundle):
    return Runner.load(table_bundle).sample(5, seed=0)


def test_an_array_gives_arrays(table_bundle, rows):
    received = mlflow._load_pyfunc(str(table_bundle)).predict(rows)
    expected = Runner.load(table_bundle).score(rows)
    assert list(received) == ["score", "p_value", "is_anomaly"]
    for name, values in received.items():
        np.testing.assert_array_equal(values, getattr(expected, name))


@pytest.fixture
def frame(table_bundle, rows):
    names = Runner.load(table_bundle).manifest.model.feature_names
    return pd.DataFrame(rows, columns=names, index=list("abcde"))


def test_a_frame_gives_a_frame_and_columns_are_found_by_name(table_bundle, rows, frame):
    shuffled = frame[frame.columns[::-1]].assign(other="text")
    received = mlflow._load_pyfunc(str(table_bundle)).predict(shuffled)
    assert isinstance(received, pd.DataFrame)
    assert list(received.index) == list("abcde")
    expected = Runner.load(table_bundle).score(rows)
    for name in received:
        np.testing.assert_array_equal(received[name], getattr(expected, name))


@pytest.mark.parametrize("dtype", ["int64", "int32", "Int64", "Float64", object])
def test_columns_of_whole_numbers_are_numbers(table_bundle, frame, dtype):
    received = mlflow._load_pyfunc(str(table_bundle)).predict(frame.round().astype(dtype))
    expected = Runner.load(table_bundle).score(frame.round().to_numpy())
    np.testing.assert_array_equal(received["p_value"], expected.p_value)


def test_a_table_without_an_index_gives_arrays(table_bundle, rows, frame):
    received = mlflow._load_pyfunc(str(table_bundle)).predict(pl.from_pandas(frame))
    expected = Runner.load(table_bundle).score(rows)
    np.testing.assert_array_equal(received["score"], expected.score)


def test_a_missing_column_is_named(table_bundle, frame):
    model = mlflow._load_pyfunc(str(table_bundle))
    with pytest.raises(ValueError, match=r"expected a column 'flow'. Received: a pandas DataFrame"):
        model.predict(frame.drop(columns="flow"))


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(pd.NA, "Int64"), (pd.NA, "Float64"), (pd.NA, object), (None, object), (np.nan, "float64")],
)
def test_a_missing_value_is_named_by_column_and_row(table_bundle, frame, value, dtype):
    column = pd.Series([1, 2, 3, value, 5], index=frame.index, dtype=dtype)
    with pytest.raises(ValueError, match=r"(flow.*row 3|row 3.*flow)"):
        mlflow._load_pyfunc(str(table_bundle)).predict(frame.assign(flow=column))
