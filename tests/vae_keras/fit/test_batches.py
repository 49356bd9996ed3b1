"""Batches: every row once an epoch, in an order that can be computed again."""

import itertools

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_keras import VAE, mlp_pair
from vae_keras.data import streams
from vae_keras.data.offsets import Windows
from vae_keras.data.streams import DatasetStream, FileStream
from vae_keras.fit import batches
from vae_keras.fit.batches import Shuffled, draw, rebatch, steps_an_epoch
from vae_runtime.rows.windows.windows import one_of

X = np.arange(103, dtype=np.float32)[:, None]


@pytest.fixture
def stream(tmp_path, monkeypatch):
    """X as a table of many row groups, of which several make a block."""
    monkeypatch.setattr(streams, "BLOCK_ROWS", 15)
    pq.write_table(pa.table({"a": X[:, 0]}), tmp_path / "x.parquet", row_group_size=4)
    return FileStream.of(tmp_path / "x.parquet", ("a",))


@pytest.fixture(params=["array", "stream"])
def rows(request):
    return X if request.param == "array" else request.getfixturevalue("stream")


@pytest.fixture(params=["tensorflow", "other"])
def shuffled(request, rows, monkeypatch):
    """Makes batches as TensorFlow is given them, and as any other backend is."""
    if request.param == "other":
        monkeypatch.setattr(batches, "_IndexShuffle", batches._Permutation)
        monkeypatch.setattr(batches, "_StreamDataset", batches._StreamBatches)

    def make(seed=0):
        return Shuffled(rows, 10, seed=seed)

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


@pytest.fixture(params=["tensorflow", "other"])
def windows(request, monkeypatch):
    """100 windows of 4 rows, of which an epoch has 25, in batches as each backend is given them."""
    if request.param == "other":
        monkeypatch.setattr(batches, "_IndexShuffle", batches._Permutation)
    x = Windows(X, np.arange(100), 4, one_of(100, 4))
    return Shuffled(x, 10, seed=0, y=np.arange(100, dtype=np.int32))


def test_an_epoch_draws_windows_anew_from_every_offset(windows):
    seen = []
    for epoch in range(30):
        windows.on_epoch_begin(epoch)
        data = windows.data
        batches = [*data.as_numpy_iterator()] if hasattr(data, "as_numpy_iterator") else [*data]
        assert [len(y) for _, y in batches] == [10, 10, 5]
        assert windows.steps == 3
        for x, y in batches:
            np.testing.assert_array_equal(np.asarray(x)[:, 0, 0], y)  # labels stay with their rows
            np.testing.assert_array_equal(x, X[np.asarray(y)[:, None] + np.arange(4)])
        seen.append({int(each) for _, y in batches for each in y})
        assert len(seen[-1]) == 25
    assert seen[0] != seen[1]
    assert set.union(*seen) == set(range(100))


def test_windows_are_drawn_from_every_offset_too():
    x = Windows(X, np.arange(100), 4, one_of(100, 4))
    assert len(np.unique(draw(x, 60, seed=0)[:, 0, 0])) == 60


def test_the_last_batch_is_smaller_and_counted(shuffled):
    assert [len(batch) for batch in epoch_of(shuffled(), 0)] == [10] * 10 + [3]
    assert shuffled().steps == steps_an_epoch(103, 10) == 11
    assert len(shuffled().data) == 11


def test_a_first_batch_that_is_looked_at_before_an_epoch_is_not_lost(shuffled):
    """As Keras does, to learn its shape."""
    expected, given = order(shuffled(), 0), shuffled()
    data = given.data
    look = (lambda: next(data.as_numpy_iterator())) if hasattr(data, "cache") else lambda: data[0]
    np.testing.assert_array_equal(look()[0], look()[0])
    np.testing.assert_array_equal(order(given, 0), expected)


def test_a_dataset_keeps_its_own_order_but_for_the_batches():
    dataset = tf.data.Dataset.from_tensor_slices(X).batch(7)
    batches = epoch_of(Shuffled(DatasetStream(dataset), 10, seed=0), 3)
    assert [len(batch) for batch in batches] == [10] * 10 + [3]
    np.testing.assert_array_equal(np.concatenate(batches), X)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=8), st.integers(1, 7))
def test_rebatching_keeps_rows_and_order_and_fills_every_batch_but_the_last(sizes, batch_size):
    ends = [0, *itertools.accumulate(sizes)]
    blocks = (X[start:end] for start, end in itertools.pairwise(ends))
    batches = list(rebatch(blocks, batch_size))
    np.testing.assert_array_equal(np.concatenate([X[:0], *batches]), X[: ends[-1]])
    assert all(len(batch) == batch_size for batch in batches[:-1])
    assert len(batches) == steps_an_epoch(ends[-1], batch_size)


class Witness(VAE):
    """Writes down every row that it is trained on."""

    def track(self, losses, x):
        self.seen.assign(tf.tensor_scatter_nd_add(self.seen, tf.cast(x, tf.int64), x[:, 0] * 0 + 1))
        return super().track(losses, x)


@pytest.mark.parametrize("steps_per_execution", [1, 4, 20])
def test_fit_sees_every_row_once_an_epoch_however_many_steps_it_takes_at_a_time(
    rows, steps_per_execution
):
    """Also where the steps of an epoch are no multiple of those of an execution."""
    vae = Witness(*mlp_pair((1,), 1, (2,)), likelihood="gaussian")
    vae.seen = tf.Variable(tf.zeros(103))
    vae.compile(keras.optimizers.SGD(0.0), steps_per_execution=steps_per_execution)
    shuffled = Shuffled(rows, 10, seed=0)
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


class Diary(VAE):
    """Writes down which rows it is trained on, in their order."""

    def track(self, losses, x):
        self.diary.scatter_nd_update(self.page + tf.range(tf.shape(x)[0])[:, None], x[:, 0])
        self.page.assign_add(tf.shape(x)[0])
        return super().track(losses, x)


@pytest.mark.parametrize("steps_per_execution", [1, 4])
def test_fit_is_given_each_epoch_in_the_order_of_that_epoch(rows, steps_per_execution):
    vae = Diary(*mlp_pair((1,), 1, (2,)), likelihood="gaussian")
    vae.diary, vae.page = tf.Variable(tf.zeros(3 * 103)), tf.Variable(0)
    vae.compile(keras.optimizers.SGD(0.0), steps_per_execution=steps_per_execution)
    shuffled = Shuffled(rows, 10, seed=0)
    options = {"callbacks": [shuffled], "shuffle": False, "verbose": 0}
    vae.fit(shuffled.data, initial_epoch=4, epochs=7, **options)  # as a resumed run does
    expected = [order(Shuffled(rows, 10, seed=0), epoch) for epoch in (4, 5, 6)]
    np.testing.assert_array_equal(vae.diary.numpy(), np.concatenate(expected))


@pytest.mark.parametrize("kind", ["tensorflow", "other"])
def test_labels_stay_with_their_rows(kind, monkeypatch):
    if kind == "other":
        monkeypatch.setattr(batches, "_IndexShuffle", batches._Permutation)
    shuffled = Shuffled(
        np.arange(103, dtype=np.float32)[:, None], 10, seed=0, y=np.arange(103, dtype=np.int32)
    )
    shuffled.on_epoch_begin(1)
    data = shuffled.data
    plain = hasattr(data, "as_numpy_iterator")
    drawn = list(data.as_numpy_iterator()) if plain else [data[i] for i in range(len(data))]
    x, y = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    np.testing.assert_array_equal(x[:, 0], y)
    assert y.dtype == np.int32
    assert sorted(y) == list(range(103))


def test_rows_are_drawn_from_all_of_an_array_or_a_stream(rows):
    """Not from the first of its blocks, which in a table in order of time are one week."""
    drawn = batches.draw(rows, 30, seed=0)
    found = [int(np.flatnonzero((row == X).all(1))[0]) for row in drawn]
    assert len(set(found)) == 30
    assert min(found) < len(X) // 5
    assert max(found) > len(X) * 4 // 5
    np.testing.assert_array_equal(batches.draw(rows, 30, seed=0), drawn)
    assert len(batches.draw(rows, len(X) + 9, seed=0)) == len(X)
