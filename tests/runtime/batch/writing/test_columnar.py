"""Parquet and Arrow files read back the same, and small tables make no small row groups."""

import re
import sys

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from vae_runtime.batch.writing import columnar

ENDINGS = [".parquet", ".arrow", ".feather"]
TABLE = {
    "row": np.arange(3),
    "score": np.array([0.5, np.nan, np.inf], np.float32),
    "is_anomaly": np.array([True, False, True]),
    "machine": np.array(["a", "", "é"]),
    "z": np.arange(6, dtype=np.float32).reshape(3, 2),
    "image": np.arange(12, dtype=np.uint8).reshape(3, 2, 2).transpose(0, 2, 1),
    "kept": pa.array([[1], None, [2, 3]]),
    "kind": pa.array(["x", None, "x"]).dictionary_encode(),
    "at": pa.array([1, None, 3], pa.timestamp("ns", "UTC")),
}
TYPES = {
    "row": pa.int64(),
    "score": pa.float32(),
    "is_anomaly": pa.bool_(),
    "machine": pa.string(),
    "z": pa.list_(pa.float32(), 2),
    "image": pa.list_(pa.list_(pa.uint8(), 2), 2),
    "kept": pa.list_(pa.int64()),
    "kind": pa.string(),
    "at": pa.timestamp("ns", "UTC"),
}


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


def read(path):
    return pq.read_table(path) if path.suffix == ".parquet" else feather.read_table(path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_columns_read_back(write, ending):
    found = read(write(ending, TABLE, TABLE))
    assert dict(zip(found.schema.names, found.schema.types, strict=True)) == TYPES
    assert found.num_rows == 6
    for name, column in TABLE.items():
        expected = column.tolist() if isinstance(column, np.ndarray) else None
        again = found[name].combine_chunks()
        if expected is None:
            assert again.equals(pa.concat_arrays([column, column]).cast(TYPES[name]))
        else:
            np.testing.assert_array_equal(again.to_pylist(), expected * 2)


def test_row_groups_are_of_equal_rows_however_they_come(write, monkeypatch):
    monkeypatch.setattr(columnar, "GROUP_ROWS", 10)
    sizes = [1, 2, 3, 25, 0, 9, 7]
    path = write(".parquet", *({"row": np.arange(n)} for n in sizes))
    metadata = pq.ParquetFile(path).metadata
    groups = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    assert groups == [10, 10, 10, 10, 7]
    np.testing.assert_array_equal(read(path)["row"], np.concatenate([np.arange(n) for n in sizes]))


def test_wide_rows_are_not_gathered_without_bounds(write, monkeypatch):
    monkeypatch.setattr(columnar, "GROUP_BYTES", 1000)
    path = write(".parquet", *[{"z": np.zeros((1, 64), np.float32)}] * 9)
    metadata = pq.ParquetFile(path).metadata
    groups = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    assert groups == [4, 4, 1]


def test_arrow_has_a_batch_for_each_table(write):
    with pa.ipc.open_file(write(".arrow", *({"row": np.arange(n)} for n in (3, 1)))) as file:
        assert [file.get_batch(i).num_rows for i in range(file.num_record_batches)] == [3, 1]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_kept_column_of_another_type_becomes_that_of_the_first(write, ending):
    tables = [{"id": pa.array([1], pa.int64())}, {"id": pa.array([2], pa.int32())}]
    found = read(write(ending, *tables, {"id": pa.nulls(1)}))
    assert found.schema.types == [pa.int64()]
    assert found["id"].to_pylist() == [1, 2, None]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_kept_column_that_cannot_become_it_is_refused(write, ending):
    tables = [{"id": pa.array([1])}, {"id": pa.array(["a"])}]
    with refuses(
        "expected int64 in column 'id', as in the first rows. Received: string. Write .csv"
    ):
        write(ending, *tables)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_of_nothing_can_be_read(write, ending):
    assert read(write(ending)).num_rows == 0


@pytest.mark.parametrize(
    ("ending", "what"), [(".parquet", "Parquet"), (".arrow", "Arrow"), (".feather", "Arrow")]
)
def test_without_pyarrow_it_is_said_what_to_install(write, ending, what, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with refuses(
        f"results{ending}: writing {what} needs pyarrow: pip install 'vae-runtime[batch]', or "
        "write .csv, .jsonl or .npz."
    ):
        write(ending)
    assert not list(tmp_path.iterdir())


def test_pages_do_not_end_where_tables_do(write):
    x = np.random.default_rng(0).random((30_000, 20))  # pages are of a megabyte
    whole = write(".parquet", {"x": x}).read_bytes()
    cut = write(".parquet", *({"x": part} for part in np.split(x, [7, 10_001, 25_000])))
    assert cut.read_bytes() == whole


def test_row_groups_are_written_as_soon_as_they_are_full(tmp_path, monkeypatch):
    monkeypatch.setattr(columnar, "GROUP_ROWS", 10_000)
    writer = columnar.ParquetWriter(tmp_path / "results")
    for _ in range(11):
        writer.write({"row": np.arange(1000)})
    assert (tmp_path / "results").stat().st_size > 60_000
    writer.close()
