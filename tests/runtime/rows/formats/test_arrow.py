"""Arrow's own files and streams: the rows that were written, in shards of record batches."""

import re
import sys

import numpy as np
import pyarrow as pa
import pytest

from vae_runtime.rows.formats import registry
from vae_runtime.rows.text.tables import ColumnError

AB = ("a", "b")
KINDS = ["rows.arrow", "rows.feather", "rows.arrows"]


def refuses(message, error=ValueError):
    return pytest.raises(error, match=re.escape(message))


@pytest.fixture
def write(tmp_path):
    """Writes columns in record batches of these sizes, each of all columns."""

    def apply(columns, sizes, name="rows.arrow", compression=None):
        path, start, table = tmp_path / name, 0, pa.table(columns).combine_chunks()
        whole = table.to_batches()[0]
        new = pa.ipc.new_stream if name.endswith("s") else pa.ipc.new_file
        options = pa.ipc.IpcWriteOptions(compression=compression)
        with new(path, table.schema, options=options) as writer:
            for size in sizes:
                writer.write_batch(whole.slice(start, size))
                start += size
        return path

    return apply


def columns(n=50):
    return {
        "id": [f"no {i}" for i in range(n)],
        "b": np.arange(n) / 7,
        "other": [{"k": i} for i in range(n)],
        "a": pa.array(np.arange(n), pa.int32()),
        "u": pa.array(["p", "q"] * (n // 2)).dictionary_encode(),
    }


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("sizes", [(50,), (1, 49), (0, 9, 0, 0, 41, 0), (5,) * 10, (17, 16, 17)])
@pytest.mark.parametrize("compression", [None, "zstd"])
def test_rows_are_those_of_the_table(write, wanted, read, name, sizes, compression):
    path = write(columns(), sizes, name, compression)
    found = read(path, wanted((2,), AB, keep=("id",), machine_column="u"))
    np.testing.assert_array_equal(found.x, np.stack([np.arange(50), np.arange(50) / 7], 1))
    np.testing.assert_array_equal(found.row, np.arange(50))
    assert found.kept["id"].tolist() == columns()["id"]
    assert found.machines.tolist() == ["p", "q"] * 25
    assert max(len(block.x) for block in found.blocks) <= 4


def test_small_record_batches_are_together_in_a_shard(write, wanted, read):
    shards = read(write(columns(), (5,) * 10), wanted((2,), AB)).shards
    assert [(shard.start, shard.stop, shard.rows) for shard in shards] == [
        (0, 3, 15),
        (3, 6, 15),
        (6, 9, 15),
        (9, 10, 5),
    ]


def test_feather_as_pyarrow_writes_it_is_read(wanted, read, tmp_path):
    from pyarrow import feather

    table = pa.table({"a": np.arange(9.0), "b": np.ones(9)})
    feather.write_feather(table, tmp_path / "rows.feather", chunksize=2)
    found = read(tmp_path / "rows.feather", wanted((2,), AB))
    np.testing.assert_array_equal(found.x[:, 0], np.arange(9))


def test_lists_are_rows_and_other_rows_are_bad(write, wanted, read):
    found = read(write({"x": [[1, 2], [3], [5, 6]]}, (2, 1)), wanted((2,)))
    assert list(found.bad) == [1]
    np.testing.assert_array_equal(found.x[[0, 2]], [[1, 2], [5, 6]])


@pytest.mark.parametrize("name", KINDS)
def test_no_rows_are_no_shards(write, wanted, name):
    assert registry.plan(write(columns(), (), name), wanted((2,), AB)) == []


@pytest.mark.parametrize("name", KINDS)
def test_columns_that_are_missing_are_named(write, wanted, name):
    path = write({"a": [1.0]}, (1,), name)
    with refuses(f"{path}: expected the column 'b'", ColumnError):
        registry.plan(path, wanted((2,), AB))
    with refuses(f"{path}: expected the column 'id'", ColumnError):
        registry.plan(path, wanted((1,), ("a",), keep=("id",)))


@pytest.mark.parametrize("name", KINDS)
def test_a_file_that_is_something_else_or_cut_is_named(write, wanted, tmp_path, name):
    (tmp_path / name).write_bytes(b"no such file" * 99)
    with refuses(f"{tmp_path / name} is not a readable Arrow file"):
        registry.plan(tmp_path / name, wanted((2,), AB))
    path = write(columns(), (25, 25), name)
    path.write_bytes(path.read_bytes()[:-600])
    with refuses(f"{path} is not a readable Arrow file"):
        registry.plan(path, wanted((2,), AB))


def test_text_that_is_damaged_is_named(write, wanted):
    path = write(columns(), (50,))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"no 7", b"\xff\xff\xff\xff"))
    (shard,) = registry.plan(path, wanted((2,), AB))
    assert len(list(registry.read(shard, wanted((2,), AB)))) == 13  # the column is not wanted
    with refuses(f"{path} is not a readable Arrow file"):
        list(registry.read(shard, wanted((2,), AB, keep=("id",))))


@pytest.mark.parametrize("name", KINDS)
def test_memory_stays_flat(write, wanted, monkeypatch, name):
    n = 600_000
    monkeypatch.setattr(type(wanted()), "ROWS", 1000)
    path = write({"a": np.arange(n) * 1.0, "b": np.ones(n), "c": np.ones(n)}, (n // 2,) * 2, name)
    before, most, rows = pa.total_allocated_bytes(), 0, 0
    for shard in registry.plan(path, wanted((2,), AB)):
        for block in registry.read(shard, wanted((2,), AB)):
            most, rows = max(most, pa.total_allocated_bytes() - before), rows + len(block.x)
    assert rows == n
    assert most < 2**20  # of 14 MB


@pytest.mark.parametrize("name", KINDS)
def test_without_pyarrow_the_error_says_what_to_install(write, wanted, monkeypatch, name):
    path = write(columns(), (50,), name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with refuses(f"{path}: reading Arrow needs pyarrow: pip install 'vae-runtime[batch]'"):
        registry.plan(path, wanted((2,), AB))
