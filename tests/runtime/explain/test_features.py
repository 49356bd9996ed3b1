import dataclasses

import numpy as np
import pytest

from vae_runtime.explain.features import top


@pytest.fixture(scope="module")
def model(table):
    return table.runner.manifest.model


def named(model, shape, names):
    return dataclasses.replace(model, input_shape=shape, feature_names=names)


def test_columns_are_named_largest_first(model):
    shares = np.array([[0.1, 3.0, 2.0], [5.0, -1.0, 0.0]], np.float32)
    found = top(shares, named(model, (3,), ("a", "b", "c")), 2)
    assert found.names.tolist() == [["b", "c"], ["a", "c"]]
    np.testing.assert_array_equal(found.nats, np.array([[3.0, 2.0], [5.0, 0.0]], np.float32))


def test_a_channel_counts_over_all_of_a_window(model):
    shares = np.zeros((1, 4, 2), np.float32)
    shares[0, :, 1] = 1.0
    shares[0, 2, 0] = 3.0  # the largest single value, but not the largest channel
    found = top(shares, named(model, (4, 2), ("flow", "speed")), 1)
    assert found.names.tolist() == [["speed"]]
    assert found.nats.tolist() == [[4.0]]


def test_values_without_names_are_called_by_their_index(model):
    shares = np.zeros((1, 3, 4, 1), np.float32)
    shares[0, 2, 1, 0] = 1.0
    assert top(shares, named(model, (3, 4, 1), None), 1).names.tolist() == [["(2, 1, 0)"]]
    assert top(np.array([[0.0, 2.0]]), named(model, (2,), None), 1).names.tolist() == [["1"]]


def test_ties_are_in_the_order_of_the_features(model):
    found = top(np.ones((1, 3), np.float32), named(model, (3,), ("a", "b", "c")), 3)
    assert found.names.tolist() == [["a", "b", "c"]]


def test_more_than_there_are_is_all_of_them(model):
    assert top(np.ones((1, 3)), named(model, (3,), ("a", "b", "c")), 9).names.shape == (1, 3)


@pytest.mark.parametrize("k", [0, -1])
def test_none_is_refused(model, k):
    with pytest.raises(ValueError, match="expected k from 1"):
        top(np.ones((1, 6)), model, k)
