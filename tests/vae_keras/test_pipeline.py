"""Batches: every row once an epoch, in an order that can be computed again."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from vae_keras import VAE, mlp_pair, pipeline
from vae_keras.pipeline import Shuffled, steps_an_epoch

X = np.arange(103, dtype=np.float32)[:, None]


@pytest.fixture(params=["tensorflow", "other"])
def shuffled(request, monkeypatch):
    """Makes batches as TensorFlow is given them, and as any other backend is."""
    if request.param == "other":
        monkeypatch.setattr(pipeline, "_IndexShuffle", pipeline._Permutation)

    def make(seed=0):
        return Shuffled(X, 10, seed=seed)

    return make


def epoch_of(shuffled, epoch):
    """The batches of one epoch, as a list of arrays."""
    shuffled.on_epoch_begin(epoch)
    data = shuffled.data
    if hasattr(data, "as_numpy_iterator"):
        return [batch for (batch,) in data.as_numpy_iterator()]
    return [data[i][0] for i in range(len(data))]


def order(shuffled, epoch):
    return np.concatenate(epoch_of(shuffled, epoch))[:, 0]


def test_every_epoch_has_every_row_once(shuffled):
    given = shuffled()
    for epoch in range(3):
        np.testing.assert_array_equal(np.sort(order(given, epoch)), X[:, 0])


def test_epochs_and_seeds_differ_in_their_order(shuffled):
    first = order(shuffled(), 0)
    for other in (order(shuffled(), 1), order(shuffled(seed=1), 0), X[:, 0]):
        assert (first != other).mean() > 0.8


def test_an_epoch_is_the_same_wherever_training_begins(shuffled):
    whole, resumed = shuffled(), shuffled()
    for epoch in range(3):
        expected = order(whole, epoch)
    np.testing.assert_array_equal(order(resumed, 2), expected)


def test_the_last_batch_is_smaller_and_counted(shuffled):
    assert [len(batch) for batch in epoch_of(shuffled(), 0)] == [10] * 10 + [3]
    assert shuffled().steps == steps_an_epoch(103, 10) == 11


class Witness(VAE):
    """Writes down every row that it is trained on."""

    def track(self, losses, x):
        self.seen.assign(tf.tensor_scatter_nd_add(self.seen, tf.cast(x, tf.int64), x[:, 0] * 0 + 1))
        return super().track(losses, x)


@pytest.mark.parametrize("steps_per_execution", [1, 4, 20])
def test_fit_sees_every_row_once_an_epoch_however_many_steps_it_takes_at_a_time(
    steps_per_execution,
):
    """Also where the steps of an epoch are no multiple of those of an execution."""
    vae = Witness(*mlp_pair((1,), 1, (2,)), likelihood="gaussian")
    vae.seen = tf.Variable(tf.zeros(103))
    vae.compile(keras.optimizers.SGD(0.0), steps_per_execution=steps_per_execution)
    shuffled = Shuffled(X, 10, seed=0)
    for epochs in (1, 2, 3):
        vae.fit(
            shuffled.data,
            initial_epoch=epochs - 1,
            epochs=epochs,
            callbacks=[shuffled],
            shuffle=False,
            verbose=0,
        )
        np.testing.assert_array_equal(vae.seen.numpy(), np.full(103, epochs))
    assert int(vae.optimizer.iterations) == 3 * 11


def test_fit_has_another_order_in_each_epoch():
    """A network that is trained on one batch an epoch sees which rows were in it."""
    orders = []
    shuffled = Shuffled(X, 10, seed=0)

    class Look(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            orders.append(next(iter(shuffled.data.as_numpy_iterator()))[0][:, 0])

    vae = VAE(*mlp_pair((1,), 1, (2,)), likelihood="gaussian")
    vae.compile(keras.optimizers.SGD(0.0))
    vae.fit(shuffled.data, epochs=3, callbacks=[shuffled, Look()], shuffle=False, verbose=0)
    assert len({tuple(order) for order in orders}) == 3
