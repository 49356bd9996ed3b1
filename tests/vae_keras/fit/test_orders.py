"""Orders of rows: those in which batches give them, one element an epoch."""

import numpy as np
import pytest

from vae_keras.data.offsets import Windows
from vae_keras.fit import batches, orders
from vae_keras.fit.batches import Shuffled
from vae_keras.fit.orders import Orders, elements_an_epoch, in_order
from vae_runtime.rows.windows.windows import one_of

X = np.arange(103, dtype=np.int64)[:, None]


@pytest.fixture(params=["tensorflow", "other"])
def backend(request, monkeypatch):
    """Orders as TensorFlow is given them, and as any other backend is."""
    if request.param == "other":
        monkeypatch.setattr(batches, "_IndexShuffle", batches._Permutation)
        monkeypatch.setattr(orders, "_Shuffle", orders._Permutation)


def element(data):
    """The element of an epoch."""
    plain = hasattr(data, "as_numpy_iterator")
    (found,) = next(data.as_numpy_iterator()) if plain else data[0]
    return np.asarray(found)


def rows_of(shuffled, epoch):
    shuffled.on_epoch_begin(epoch)
    data = shuffled.data
    plain = hasattr(data, "as_numpy_iterator")
    given = [*data.as_numpy_iterator()] if plain else [data[i] for i in range(len(data))]
    return np.concatenate([np.asarray(x) for (x,) in given])


@pytest.mark.parametrize("seed", [0, 7])
def test_an_order_is_that_in_which_batches_give_the_rows(backend, seed):
    order, shuffled = Orders(X, seed=seed), Shuffled(X, 10, seed=seed)
    for epoch in (0, 1, 5):
        order.on_epoch_begin(epoch)
        np.testing.assert_array_equal(element(order.data), rows_of(shuffled, epoch)[:, 0])


def test_of_windows_as_many_are_drawn_as_count_and_those_that_batches_give(backend):
    x = Windows(X, np.arange(100), 4, one_of(100, 4))
    order, shuffled = Orders(x, seed=0), Shuffled(x, 10, seed=0)
    for epoch in (0, 3):
        order.on_epoch_begin(epoch)
        drawn = element(order.data)
        assert len(drawn) == 25
        np.testing.assert_array_equal(drawn, rows_of(shuffled, epoch)[:, 0, 0])


def test_validation_rows_come_in_order():
    np.testing.assert_array_equal(element(in_order(5)), np.arange(5))


def test_an_element_is_made_in_its_epoch_though_the_data_are_begun_once():
    order = Orders(X, seed=0)
    iterator = order.data.as_numpy_iterator()
    for epoch in (0, 4, 2):
        order.on_epoch_begin(epoch)
        again = Orders(X, seed=0)
        again.on_epoch_begin(epoch)
        np.testing.assert_array_equal(next(iterator)[0], element(again.data))


def test_fit_is_told_how_much_of_endless_data_is_an_epoch():
    assert elements_an_epoch() == {"steps_per_epoch": 1, "validation_steps": 1}
