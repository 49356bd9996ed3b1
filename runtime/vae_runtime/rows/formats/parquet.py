"""Rows of Parquet files, some row groups at a time."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from vae_runtime.rows.blocks import Block, Columns, Shard, Wanted, shards_of

from .columnar import (
    block_of,
    check_types,
    numbers_of,
    settle_columns,
    wanted_columns,
    without_rows,
)
from .pyarrow_files import naming, open_parquet


def plan(path: Path, wanted: Wanted) -> list[Shard]:
    """Shards of row groups, small ones together; checks the columns first."""
    file = open_parquet(path)
    columns, _ = wanted_columns(file.schema_arrow.names, wanted, str(path))
    groups = range(file.metadata.num_row_groups)
    rows = [file.metadata.row_group(i).num_rows for i in groups]
    if any(rows):
        check_types(file.schema_arrow, columns, str(path))
    return shards_of(path, ".parquet", rows, wanted)


def settle(path: Path, wanted: Wanted) -> Wanted:
    """Completes what is wanted by the columns and the shape of a row that the file has."""
    file = open_parquet(path)

    def first(name: str) -> Any:
        batches = file.iter_batches(wanted.block_rows, columns=[name], use_threads=False)
        with naming(path):
            batch = next(batches, None)
        return (file.schema_arrow.empty_table() if batch is None else batch)[name]

    return settle_columns(file.schema_arrow, wanted, first, str(path))


def columns(path: Path, wanted: Wanted) -> dict[str, bool]:
    """Columns that are not named for another use; True for those that hold numbers."""
    return numbers_of(open_parquet(path).schema_arrow, wanted)


def read(shard: Shard, wanted: Wanted) -> Iterator[Block]:
    """Reads rows, some at a time."""
    path = Path(shard.file)
    file = open_parquet(path, _footer(path, path.stat().st_mtime_ns))
    columns, every = wanted_columns(file.schema_arrow.names, wanted, shard.file)
    first = shard.first_row
    batches = file.iter_batches(
        wanted.block_rows,
        row_groups=list(range(shard.start, shard.stop)),
        columns=every,
        use_threads=False,
    )
    while True:
        with naming(path):
            batch = next(batches, None)
        if batch is None:
            return
        with naming(path):
            for name in wanted.extra:
                batch.column(name).validate(full=True)  # damaged text, before it is looked at
        yield block_of(batch, shard.file, first, wanted, columns)
        first += batch.num_rows


def kept(path: Path, wanted: Wanted) -> Columns:
    """Kept columns, without rows."""
    schema = open_parquet(path, _footer(path, path.stat().st_mtime_ns)).schema_arrow
    return without_rows(schema, wanted)


@lru_cache(maxsize=8)
def _footer(path: Path, changed: int) -> Any:
    """Footer of a file that was last changed then, kept because it may be long."""
    return open_parquet(path).metadata
