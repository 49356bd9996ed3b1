"""Streams: what is read of a table block by block is what an array of it would give."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_keras.data import streams
from vae_keras.data.streams import DatasetStream, FileStream

NAMES = ("number", "twice")


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """So small that tables of a few rows have several."""
    monkeypatch.setattr(streams, "BLOCK_ROWS", 5)


def array_of(rows):
    """Rows whose first column is their number."""
    return np.stack([np.arange(rows), 2.0 * np.arange(rows)], 1).astype(np.float32)


def write(folder, rows, sizes):
    """The array as a folder of two files with row groups of two sizes."""
    folder.mkdir(exist_ok=True)
    x = array_of(rows)
    for number, (part, size) in enumerate(
        zip((x[: rows // 3], x[rows // 3 :]), sizes, strict=True)
    ):
        table = pa.table({"note": ["a"] * len(part), "twice": part[:, 1], "number": part[:, 0]})
        pq.write_table(table, folder / f"{number}.parquet", row_group_size=size)
    return folder


@st.composite
def tables(draw):
    """(rows of the table, row group sizes of its files, which rows belong to the stream)."""
    rows = draw(st.integers(1, 40))
    sizes = draw(st.tuples(st.integers(1, 15), st.integers(1, 15)))
    keep = draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
    return rows, sizes, np.array(keep)


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stream") / "table"

    def apply(table):
        rows, sizes, keep = table
        stream = FileStream.of(write(folder, rows, sizes), NAMES, keep)
        return stream, array_of(rows)[keep]

    return apply


def together(blocks, stream):
    return np.concatenate([np.empty((0, *stream.shape[1:]), stream.dtype), *blocks])


@settings(max_examples=40, deadline=None)
@given(table=tables())
def test_in_order_is_the_array(make, table):
    stream, x = make(table)
    assert (stream.shape, stream.dtype, len(stream)) == (x.shape, np.float32, len(x))
    for _ in range(2):  # as often as needed
        read = together(stream.in_order(), stream)
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read, x)


@settings(max_examples=40, deadline=None)
@given(table=tables(), data=st.data())
def test_take_is_indexing(make, table, data):
    stream, x = make(table)
    numbers = st.lists(st.integers(0, max(len(x) - 1, 0)), max_size=20 if len(x) else 0)
    rows = np.array(data.draw(numbers), int)
    np.testing.assert_array_equal(stream.take(rows), x[rows])


@settings(max_examples=40, deadline=None)
@given(table=tables(), data=st.data())
def test_only_is_a_stream_of_these_rows_in_the_order_of_the_table(make, table, data):
    stream, x = make(table)
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=len(x), max_size=len(x))), bool)
    rows = np.random.default_rng(0).permutation(np.flatnonzero(chosen))
    part = stream.select(rows)
    np.testing.assert_array_equal(together(part.in_order(), part), x[chosen])
    some = np.arange(len(part))[::2]
    np.testing.assert_array_equal(part.take(some), x[chosen][some])
    again = part.select(some)  # a part of a part
    np.testing.assert_array_equal(together(again.in_order(), again), x[chosen][some])


@settings(max_examples=40, deadline=None)
@given(table=tables(), seed=st.integers(0, 5), epoch=st.integers(0, 5))
def test_shuffled_holds_every_row_once_in_an_order_of_seed_and_epoch_alone(
    make, table, seed, epoch
):
    stream, x = make(table)
    order = together(stream.shuffled(seed, epoch), stream)
    np.testing.assert_array_equal(order[np.argsort(order[:, 0])], x)
    list(stream.shuffled(seed + 1, epoch))  # what else is read of it does not matter
    again = FileStream(stream.inputs, table[2])
    np.testing.assert_array_equal(together(again.shuffled(seed, epoch), again), order)


def test_seeds_and_epochs_differ_in_their_order(make):
    stream, x = make((39, (4, 4), np.ones(39, bool)))
    orders = [together(stream.shuffled(*key), stream)[:, 0] for key in ((0, 0), (0, 1), (1, 0))]
    for one, other in [(0, 1), (0, 2), (1, 2)]:
        assert (orders[one] != orders[other]).mean() > 0.8
    assert (orders[0] != x[:, 0]).mean() > 0.8


def test_shuffled_blocks_are_as_large_as_said_and_mix_row_groups(make):
    stream, _ = make((40, (4, 4), np.ones(40, bool)))
    blocks = list(stream.shuffled(0, 0))
    assert {len(block) for block in blocks[:-1]} <= {5, 6, 7, 8}
    assert any(np.ptp(block[:, 0]) > 8 for block in blocks)  # rows that are far apart in the file
    assert any((np.diff(block[:, 0]) < 0).any() for block in blocks)


def test_a_row_that_belongs_and_lacks_a_value_is_an_error(tmp_path):
    pq.write_table(pa.table({"a": [1, None, 3]}), tmp_path / "rows.parquet")
    stream = FileStream.of(tmp_path / "rows.parquet", ("a",))
    with pytest.raises(ValueError, match="no value in column 'a'"):
        together(stream.in_order(), stream)


X = array_of(10)


def test_a_tf_dataset_is_a_stream_of_its_batches():
    stream = DatasetStream(tf.data.Dataset.from_tensor_slices(X).batch(4))
    assert (stream.shape, stream.dtype, len(stream)) == ((10, 2), np.float32, 10)
    for blocks in (stream.in_order(), stream.in_order(), stream.shuffled(0, 0)):
        blocks = list(blocks)
        assert [len(block) for block in blocks] == [4, 4, 2]
        np.testing.assert_array_equal(np.concatenate(blocks), X)


def test_a_tf_dataset_shuffles_as_it_was_made_to():
    dataset = tf.data.Dataset.from_tensor_slices(X).shuffle(10, seed=0).batch(4)
    stream = DatasetStream(dataset)
    orders = [np.concatenate(list(stream.shuffled(0, epoch)))[:, 0] for epoch in (0, 1)]
    assert (orders[0] != orders[1]).any()
    np.testing.assert_array_equal(np.sort(orders[0]), X[:, 0])


def test_bytes_of_a_tf_dataset_stay_bytes():
    images = np.zeros((6, 4, 4, 1), np.uint8)
    stream = DatasetStream(tf.data.Dataset.from_tensor_slices(images).batch(4))
    assert (stream.shape, stream.dtype) == ((6, 4, 4, 1), np.uint8)


def unknown(shape):
    signature = tf.TensorSpec(shape, tf.float32)
    return tf.data.Dataset.from_generator(lambda: iter([X]), output_signature=signature)


@pytest.mark.parametrize(
    ("dataset", "received"),
    [
        (lambda: tf.data.Dataset.from_tensor_slices((X, X)).batch(4), "of (TensorSpec"),
        (lambda: tf.data.Dataset.range(4), "of TensorSpec(shape=(), dtype=tf.int64"),
        (lambda: tf.data.Dataset.range(4).batch(2), "of TensorSpec(shape=(None,)"),
        (lambda: unknown((None, None)), "of TensorSpec(shape=(None, None)"),
        (lambda: unknown(None), "of TensorSpec(shape=<unknown>"),
        (lambda: X.tolist(), "Received: list of None."),
    ],
)
def test_what_is_no_dataset_of_batches_is_refused(dataset, received):
    with refuses("expected an array, or a tf.data.Dataset of batches of x alone") as e:
        DatasetStream(dataset())
    assert received in str(e.value)
