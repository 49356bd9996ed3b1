"""Results as Parquet and as Arrow's IPC file, through pyarrow, an extra.

A column (rows, n) becomes one of lists of n; text that Arrow holds as dictionaries becomes text.
"""

import io
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.libraries import need, settle_pandas
from vae_runtime.batch.columns import cast, decoded
from vae_runtime.batch.json_columns import is_json, json_to_arrow
from vae_runtime.rows.blocks import Column, Columns

GROUP_ROWS = 2**20
GROUP_BYTES = 2**28  # in memory; fewer rows make a group where they are wide

# Of row, score, p_value and is_anomaly, one thread wrote 31 M rows/s of 20 bytes without
# compression, 20 M of 15 bytes with snappy, 19 M of 14 with lz4, 11 M of 8 with zstd, and 15 M of
# 15 bytes with dictionaries alone. One thread writes what all others score: it is to be fast.
OPTIONS = {"compression": "none", "use_dictionary": False}


class IpcWriter:
    """An Arrow IPC file (Feather, version 2), not compressed: a batch for each table of rows."""

    def __init__(self, path: Path) -> None:
        _check_pyarrow(path, "Arrow")
        self._path, self._file = path, path.open("wb")
        self._writer: Any = None
        self._schema: Any = None

    def write(self, columns: Columns) -> None:
        """Adds rows."""
        batch = to_batch(columns, self._schema, self._path)
        self._begin(batch.schema)
        self._writer.write_batch(batch)

    def close(self) -> None:
        """Ends the file."""
        import pyarrow as pa

        with self._file:
            self._begin(pa.schema([]))
            self._writer.close()

    def _begin(self, schema: Any) -> None:
        import pyarrow as pa

        if self._writer is None:
            self._schema, self._writer = schema, pa.ipc.new_file(self._file, schema)


class ParquetWriter:
    """A Parquet file in row groups of `GROUP_ROWS`, however the rows come."""

    def __init__(self, path: Path) -> None:
        _check_pyarrow(path, "Parquet")
        self._path, self._file = path, path.open("wb")
        self._writer: Any = None
        self._schema: Any = None
        self._gathered: list[Any] = []  # batches
        self._rows = self._bytes = 0

    def write(self, columns: Columns) -> None:
        """Adds rows."""
        batch = to_batch(columns, self._schema, self._path)
        self._begin(batch.schema)
        while self._rows + batch.num_rows >= GROUP_ROWS:
            room = GROUP_ROWS - self._rows
            self._gather(batch.slice(0, room))
            self._write_group()
            batch = batch.slice(room)
        self._gather(batch)
        if self._bytes >= GROUP_BYTES:
            self._write_group()

    def close(self) -> None:
        """Ends the file."""
        import pyarrow as pa

        with self._file:
            self._begin(pa.schema([]))
            self._write_group()
            self._writer.close()

    def _begin(self, schema: Any) -> None:
        if self._writer is None:
            self._schema = schema
            self._writer = _parquet_writer(self._file, schema, self._path)

    def _gather(self, batch: Any) -> None:
        self._gathered.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes

    def _write_group(self) -> None:
        import pyarrow as pa

        if self._rows:
            # in one piece: pages would end where the tables did
            table = pa.Table.from_batches(self._gathered).combine_chunks()
            self._writer.write_table(table, row_group_size=GROUP_ROWS)
        self._gathered, self._rows, self._bytes = [], 0, 0


def check_arrow(columns: Columns, path: Path) -> None:
    """Raises ValueError where a column is of a type that Arrow does not have."""
    _check_pyarrow(path, "Arrow")
    to_batch(columns, None, path)


def check_parquet(columns: Columns, path: Path) -> None:
    """Raises ValueError where a column is of a type that Parquet does not have."""
    _check_pyarrow(path, "Parquet")
    _parquet_writer(io.BytesIO(), to_batch(columns, None, path).schema, path).close()


def to_batch(columns: Columns, schema: Any, path: Path) -> Any:
    """Columns as a record batch, of this schema where there is one already.

    Raises:
        ValueError: a column cannot be of the type that it had before.
    """
    import pyarrow as pa

    settle_pandas()
    arrays = [_to_arrow(column, f"{path}: column {name!r}") for name, column in columns.items()]
    if schema is None:
        return pa.record_batch(arrays, names=list(columns))
    each = zip(arrays, schema, strict=True)
    found = [cast(array, field, str(path), "Write .csv or .jsonl") for array, field in each]
    return pa.record_batch(found, schema=schema)


def _to_arrow(column: Column, where: str) -> Any:
    import pyarrow as pa

    if is_json(column):
        return json_to_arrow(column, where, ".jsonl or .csv")
    try:
        return _of_numpy(column) if isinstance(column, np.ndarray) else decoded(column)
    except (pa.ArrowException, NotImplementedError) as error:
        raise ValueError(
            f"{where}: expected a type that Arrow has. Received: {column.dtype}. Write .npz, or "
            "leave the column out."
        ) from error


def _of_numpy(column: NDArray[Any]) -> Any:
    import pyarrow as pa

    values = pa.array(np.ascontiguousarray(column).reshape(-1))
    for n in reversed(column.shape[1:]):
        values = pa.FixedSizeListArray.from_arrays(values, n)
    return values


def _parquet_writer(file: IO[bytes], schema: Any, path: Path) -> Any:
    import pyarrow.parquet as pq

    try:
        return pq.ParquetWriter(file, schema, **OPTIONS)
    except NotImplementedError as error:
        raise ValueError(
            f"{path}: expected columns of types that Parquet has. Received: "
            f"{_described(schema)} ({error}). Write .arrow, or leave the column out."
        ) from error


def _described(schema: Any) -> str:
    return ", ".join(f"{field.name!r} of {field.type}" for field in schema)


def _check_pyarrow(path: Path, what: str) -> None:
    module = "pyarrow.parquet" if what == "Parquet" else "pyarrow"
    need(module, f"{path}: writing {what}", "write .csv, .jsonl or .npz")
