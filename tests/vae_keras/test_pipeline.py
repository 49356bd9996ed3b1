"""Batches: every row once an epoch, in an order that can be computed again."""

import numpy as np
import pytest

from vae_keras.pipeline import _Batches, batches, steps_an_epoch

X = np.arange(103, dtype=np.float32)[:, None]


def epochs_of(first_epoch, epochs, seed=0):
    """Rows in order, (epochs, 103), as TensorFlow is given them."""
    given = batches(X, 10, seed=seed, first_epoch=first_epoch, epochs=epochs)
    return np.concatenate([batch for (batch,) in given.as_numpy_iterator()]).reshape(-1, len(X))


def test_every_epoch_has_every_row_once():
    order = epochs_of(0, 3)
    assert order.shape == (3, 103)
    np.testing.assert_array_equal(np.sort(order, axis=1), np.tile(X[:, 0], (3, 1)))


def test_epochs_and_seeds_differ_in_their_order():
    order = epochs_of(0, 2)
    assert (order[0] != order[1]).mean() > 0.8
    assert (order[0] != epochs_of(0, 1, seed=1)[0]).mean() > 0.8
    assert (order[0] != X[:, 0]).mean() > 0.8


def test_an_epoch_is_the_same_wherever_training_begins():
    np.testing.assert_array_equal(epochs_of(0, 4)[2:], epochs_of(2, 4))


def test_the_last_batch_is_smaller_and_counted():
    sizes = [len(b) for (b,) in batches(X, 10, seed=0, first_epoch=0, epochs=1).as_numpy_iterator()]
    assert sizes == [10] * 10 + [3]
    assert steps_an_epoch(103, 10) == 11


@pytest.mark.parametrize("first_epoch", [0, 3])
def test_other_backends_have_the_same_laws(first_epoch):
    given = _Batches(X, 10, 0, first_epoch)
    assert len(given) == 11
    orders = []
    for _ in range(2):
        orders.append(np.concatenate([given[i][0] for i in range(len(given))])[:, 0])
        given.on_epoch_end()
    np.testing.assert_array_equal(np.sort(orders[1]), X[:, 0])
    assert (orders[0] != orders[1]).mean() > 0.8
    again = _Batches(X, 10, 0, first_epoch + 1)
    np.testing.assert_array_equal(again[0][0], orders[1][:10, None])
