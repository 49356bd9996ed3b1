"""Windows at every offset: an array that is never made, but for the windows asked for."""

import numpy as np
import pytest

from vae_keras.data import fingerprint
from vae_keras.data.datasets import blocks, counted, epoch_rows, select
from vae_keras.data.offsets import Windows
from vae_runtime.rows.windows.windows import one_of

TABLE = np.arange(40, dtype=np.float32).reshape(20, 2)
STARTS = np.array([0, 1, 2, 3, 8, 9, 10, 14])


def windows(starts=STARTS, window=4, seed=0):
    return Windows(TABLE, starts, window, one_of(len(starts), 3, seed=seed))


def as_array(x):
    return np.stack([x.table[start : start + x.window] for start in x.starts])


@pytest.mark.parametrize(
    "which",
    [
        0,
        -1,
        slice(None),
        slice(2, 5),
        slice(None, None, 3),
        [3, 3, 1],
        np.arange(8) % 2 == 0,
        (slice(None), slice(None), 0),
        (slice(1, 4), [0, -1]),
        np.array([], int),
    ],
    ids=str,
)
def test_they_are_indexed_as_the_array_is(which):
    x = windows()
    found = x[which]
    np.testing.assert_array_equal(found, as_array(x)[which])
    assert found.dtype == x.dtype == np.float32
    assert (x.shape, len(x)) == (as_array(x).shape, 8)


def test_a_part_is_counted_as_it_was():
    x = windows()
    part = x.select(np.array([5, 1, 2]))
    np.testing.assert_array_equal(part[:], as_array(x)[[5, 1, 2]])
    np.testing.assert_array_equal(counted(part), x.counted[[5, 1, 2]])
    assert epoch_rows(part) == x.counted[[5, 1, 2]].sum()
    np.testing.assert_array_equal(select(as_array(x), [5, 1]), as_array(x)[[5, 1]])
    assert (epoch_rows(as_array(x)), counted(as_array(x)).all()) == (8, True)


def test_rows_of_the_table_are_covered_that_are_in_a_window():
    covered = np.flatnonzero(windows().covered()).tolist()
    assert covered == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]


def test_blocks_are_of_the_windows_that_count():
    x = windows()
    np.testing.assert_array_equal(np.concatenate([*blocks(x)]), as_array(x)[x.counted])


def test_a_fingerprint_is_of_the_rows_that_are_in_windows_and_of_where_they_begin():
    x, table = windows(), TABLE.copy()
    table[7] = -1.0  # in no window
    assert fingerprint(Windows(table, STARTS, 4, x.counted)) == fingerprint(x)
    table[8] = -1.0
    assert fingerprint(Windows(table, STARTS, 4, x.counted)) != fingerprint(x)
    assert fingerprint(windows(STARTS[:-1])) != fingerprint(x)
