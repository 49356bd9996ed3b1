"""A bundle behind MLflow's loader: arrays and data frames, in and out."""

import numpy as np
import pytest

from vae_runtime import Runner, mlflow


class Frame:
    """As much of a pandas data frame as is used."""

    def __init__(self, columns, index):
        self.columns, self.index = columns, index

    def __getitem__(self, names):
        return np.stack([self.columns[name] for name in names], axis=1)


@pytest.fixture
def rows(table_bundle):
    return Runner.load(table_bundle).sample(5, seed=0)


def test_an_array_gives_arrays(table_bundle, rows):
    received = mlflow._load_pyfunc(str(table_bundle)).predict(rows)
    expected = Runner.load(table_bundle).score(rows)
    assert list(received) == ["score", "p_value", "is_anomaly"]
    for name, values in received.items():
        np.testing.assert_array_equal(values, getattr(expected, name))


def test_a_frame_gives_a_frame_and_columns_are_found_by_name(table_bundle, rows):
    names = Runner.load(table_bundle).manifest.model.feature_names
    columns = {"other": rows[:, 0], **{n: rows[:, i] for i, n in reversed([*enumerate(names)])}}
    received = mlflow._load_pyfunc(str(table_bundle)).predict(Frame(columns, "its index"))
    assert isinstance(received, Frame)
    assert received.index == "its index"
    expected = Runner.load(table_bundle).score(rows)
    np.testing.assert_array_equal(received.columns["score"], expected.score)


def test_columns_of_whole_numbers_are_numbers(table_bundle, rows):
    names = Runner.load(table_bundle).manifest.model.feature_names
    whole = np.rint(rows).astype(int)
    frame = Frame({n: whole[:, i] for i, n in enumerate(names)}, None)
    received = mlflow._load_pyfunc(str(table_bundle)).predict(frame)
    expected = Runner.load(table_bundle).score(whole.astype(np.float32))
    np.testing.assert_array_equal(received.columns["p_value"], expected.p_value)
