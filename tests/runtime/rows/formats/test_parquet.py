"""Parquet: the rows that were written, in shards of row groups."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vae_runtime.rows.formats import registry
from vae_runtime.rows.text.tables import ColumnError

AB = ("a", "b")


def refuses(message, error=ValueError):
    return pytest.raises(error, match=re.escape(message))


@pytest.fixture
def write(tmp_path):
    def apply(columns, rows=1000):
        path = tmp_path / "rows.parquet"
        pq.write_table(pa.table(columns), path, row_group_size=rows)
        return path

    return apply


def columns(n=50):
    return {
        "id": [f"no {i}" for i in range(n)],
        "b": np.arange(n) / 7,
        "a": pa.array([None, *range(1, n)], pa.int32()),
        "u": pa.array(["p", "q"] * (n // 2)).dictionary_encode(),
    }


@pytest.mark.parametrize("rows", [1, 3, 16, 17, 50])
def test_rows_are_those_of_the_table(write, wanted, read, rows):
    path = write(columns(), rows)
    found = read(path, wanted((2,), AB, keep=("id",), machine_column="u"))
    np.testing.assert_array_equal(found.x[1:, 0], columns()["a"][1:])
    assert found.bad == {0: "no value in column 'a'."}
    np.testing.assert_array_equal(found.row, np.arange(50))
    assert found.kept["id"].tolist() == columns()["id"]
    assert found.machines.tolist() == ["p", "q"] * 25
    assert max(len(block.x) for block in found.blocks) <= 4
    assert len(found.shards) == {1: 4, 3: 4, 16: 4, 17: 3, 50: 1}[rows]


def test_lists_are_rows_and_other_rows_are_bad(write, wanted, read):
    found = read(write({"x": [[1, 2], [3], None, [5, 6]], "x.y": [1] * 4}), wanted((2,)))
    assert list(found.bad) == [1, 2]
    np.testing.assert_array_equal(found.x[[0, 3]], [[1, 2], [5, 6]])


def test_features_may_have_dots_in_their_names(write, wanted, read):
    found = read(write({"a.b": [1.0], "a": [{"b": 2.0}]}), wanted((1,), ("a.b",)))
    np.testing.assert_array_equal(found.x, [[1]])


def test_no_rows_are_no_shards(write, wanted):
    assert registry.plan(write({"a": [], "b": []}), wanted((2,), AB)) == []


def test_columns_that_are_missing_are_named(write, wanted):
    path = write({"a": [1.0]})
    with refuses(f"{path}: expected the column 'b'", ColumnError):
        registry.plan(path, wanted((2,), AB))
    with refuses(f"{path}: expected the column 'id'", ColumnError):
        registry.plan(path, wanted((1,), ("a",), keep=("id",)))


def test_a_damaged_file_is_named(write, wanted):
    path = write({"a": np.random.default_rng(0).normal(size=999)})
    (shard,) = registry.plan(path, wanted((1,), ("a",)))
    content = path.read_bytes()
    path.write_bytes(content[:5] + b"\xff" * 60 + content[65:])
    with refuses(f"{path} is not a readable Parquet file"):
        list(registry.read(shard, wanted((1,), ("a",))))
    path.write_bytes(content[:-9])
    with refuses(f"{path} is not a readable Parquet file"):
        registry.plan(path, wanted((1,), ("a",)))
