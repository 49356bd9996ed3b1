"""Arrays in .npy files: stretches of rows, as they are."""

import re

import numpy as np
import pytest

from vae_runtime.rows.formats import registry
from vae_runtime.rows.text.tables import ColumnError


def refuses(message, error=ValueError):
    return pytest.raises(error, match=re.escape(message))


@pytest.fixture
def save(tmp_path):
    def apply(x):
        np.save(tmp_path / "rows.npy", x)
        return tmp_path / "rows.npy"

    return apply


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2", "u1", "<i8", "?"])
@pytest.mark.parametrize("shape", [(41, 3), (40, 2, 3), (1, 3)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_are_as_they_were_saved(save, wanted, read, dtype, shape, order):
    x = np.asarray(np.arange(np.prod(shape)).reshape(shape) % 2, dtype=dtype, order=order)
    found = read(save(x), wanted(shape[1:]))
    np.testing.assert_array_equal(found.x, x)
    assert found.blocks[0].x.dtype == x.dtype
    np.testing.assert_array_equal(found.row, np.arange(len(x)))
    assert max(len(block.x) for block in found.blocks) <= 4
    assert len(found.shards) == -(-len(x) // 16)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((3, 2)), "x: expected shape (batch, 3). Received: (3, 2)."),
        (np.zeros(()), "x: expected shape (batch, 3). Received: ()."),
        (np.zeros((2, 3), "U4"), "x: expected numbers. Received: dtype <U4."),
        (np.zeros((2, 3), complex), "x: expected numbers. Received: dtype complex128."),
        (np.zeros((2, 3), object), "is not a numpy file of plain numbers: it holds Python objects"),
    ],
)
def test_an_array_of_something_else_is_refused(save, wanted, x, message):
    with refuses(message):
        registry.plan(save(x), wanted())


def test_an_array_without_rows_has_no_shards(save, wanted):
    assert registry.plan(save(np.zeros((0, 3))), wanted()) == []


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("left", [0, 5, 100, 200, 1000])
def test_a_file_that_was_cut_is_refused_before_any_row_is_read(save, wanted, order, left):
    path = save(np.asarray(np.zeros((100, 3)), order=order))
    path.write_bytes(path.read_bytes()[:left])
    with refuses(str(path)):
        registry.plan(path, wanted())


def test_no_column_can_be_kept(save, wanted):
    for options in ({"keep": ("id",)}, {"machine_column": "id"}):
        with refuses("whose parts have names, for id", ColumnError):
            registry.plan(save(np.zeros((2, 3))), wanted(**options))


def test_a_file_that_shrinks_while_it_is_read_is_noticed(save, wanted):
    path = save(np.zeros((9, 3)))
    (shard,) = registry.plan(path, wanted())
    path.write_bytes(path.read_bytes()[:-1])
    with refuses("Received: a file that ends before"):
        list(registry.read(shard, wanted()))
