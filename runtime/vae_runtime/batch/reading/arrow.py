"""Rows of Arrow's own files, some record batches at a time.

Those of .arrow and .feather are found by number; an .arrows is a stream, read from its begin.
Both are mapped, so that a record batch that is larger than the memory is read nevertheless,
where it is not compressed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vae_runtime.batch.parts import Part, Shard, Wanted
from vae_runtime.data.parquet import naming, reader_of

from .columnar import check_kept, check_types, columns_of, part_of
from .stretches import stretches

FORMAT = "Arrow"


def plan_file(path: Path, wanted: Wanted) -> list[Shard]:
    """Its record batches, small ones together, once the columns are known to be there."""
    with _file(path) as reader:
        columns, _ = _names(reader.schema, wanted, str(path))
        rows = [reader.get_batch(i).num_rows for i in range(reader.num_record_batches)]
        if any(rows):
            check_types(reader.schema, columns, str(path))
    return stretches(path, path.suffix, rows, wanted)


def read_file(shard: Shard, wanted: Wanted) -> Iterator[Part]:
    """The rows of some record batches, some at a time."""
    with _file(Path(shard.file)) as reader:
        batches = (reader.get_batch(i) for i in range(shard.start, shard.stop))
        yield from _parts(batches, shard, wanted)


def plan_stream(path: Path, wanted: Wanted) -> list[Shard]:
    """One shard: where a record batch begins is known once the one before has been read."""
    with _stream(path) as reader:
        columns, _ = _names(reader.schema, wanted, str(path))
        rows = sum(batch.num_rows for batch in reader)
        if rows:
            check_types(reader.schema, columns, str(path))
    return [Shard(str(path), path.suffix, 0, 1, 0, rows)] if rows else []


def read_stream(shard: Shard, wanted: Wanted) -> Iterator[Part]:
    """The rows of all record batches, some at a time."""
    with _stream(Path(shard.file)) as reader:
        yield from _parts(iter(reader), shard, wanted)


def _parts(batches: Iterator[Any], shard: Shard, wanted: Wanted) -> Iterator[Part]:
    first = shard.first_row
    for batch in batches:
        columns, every = _names(batch.schema, wanted, shard.file)
        wants = batch.select(every)
        wants.validate(full=True)  # what a damaged file says of itself may lie
        for start in range(0, batch.num_rows, wanted.part_rows):
            piece = wants.slice(start, wanted.part_rows)
            yield part_of(piece, shard.file, first, wanted, columns)
            first += piece.num_rows


def _names(schema: Any, wanted: Wanted, where: str) -> tuple[list[str], list[str]]:
    """The columns of rows, and all that are wanted; ColumnError where one is not there."""
    columns = columns_of(schema.names, wanted, where)
    kept = check_kept(schema.names, wanted, where)
    return columns, list(dict.fromkeys([*columns, *kept]))


@contextmanager
def _file(path: Path) -> Iterator[Any]:
    """A reader of all columns: to leave some out, pyarrow would copy each record batch."""
    pa = reader_of(path, FORMAT)
    with naming(path, FORMAT), pa.memory_map(str(path)) as file:
        yield pa.ipc.open_file(file, options=pa.ipc.IpcReadOptions(use_threads=False))


@contextmanager
def _stream(path: Path) -> Iterator[Any]:
    pa = reader_of(path, FORMAT)
    with naming(path, FORMAT), pa.memory_map(str(path)) as file:
        yield pa.ipc.open_stream(file, options=pa.ipc.IpcReadOptions(use_threads=False))
