"""Rows of Arrow's own files, some record batches at a time.

Of a record batch that is neither compressed nor has dictionaries, the rows are read some at a time:
one that is larger than the memory is read nevertheless. Of others a batch is in memory. Nothing is
mapped, for a file that shrinks while it is would kill the process.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from vae_runtime.rows.blocks import Block, Columns, Shard, Wanted, shards_of
from vae_runtime.rows.text.endings import format_ending

from .arrow_messages import Batch, Source, batches_of_file, batches_of_stream
from .arrow_slices import slices
from .columnar import (
    block_of,
    check_types,
    numbers_of,
    settle_columns,
    wanted_columns,
    without_rows,
)
from .pyarrow_files import naming, reader_of

FORMAT = "Arrow"

Find: TypeAlias = Callable[[Source], list[Batch]]


def plan_file(path: Path, wanted: Wanted) -> list[Shard]:
    """Shards of record batches, small ones together; checks the columns first."""
    rows = _checked_rows(path, wanted, batches_of_file)
    return shards_of(path, format_ending(path), rows, wanted)


def read_file(shard: Shard, wanted: Wanted) -> Iterator[Block]:
    """Reads rows of record batches, some at a time."""
    yield from _blocks(shard, wanted, batches_of_file, slice(shard.start, shard.stop))


def settle(path: Path, wanted: Wanted) -> Wanted:
    """Completes what is wanted by the columns and the shape of a row that the file has."""
    with _opened(path) as reader:

        def first(name: str) -> Any:
            if not hasattr(reader, "get_batch"):
                return next(iter(reader), reader.schema.empty_table())[name]
            some = reader.num_record_batches
            return (reader.get_batch(0) if some else reader.schema.empty_table())[name]

        return settle_columns(reader.schema, wanted, first, str(path))


def columns(path: Path, wanted: Wanted) -> dict[str, bool]:
    """Columns that are not named for another use; True for those that hold numbers."""
    with _opened(path) as reader:
        return numbers_of(reader.schema, wanted)


def plan_stream(path: Path, wanted: Wanted) -> list[Shard]:
    """One shard: the start of a record batch is known only after the one before was read."""
    rows = sum(_checked_rows(path, wanted, batches_of_stream))
    return [Shard(str(path), format_ending(path), 0, 1, 0, rows)] if rows else []


def read_stream(shard: Shard, wanted: Wanted) -> Iterator[Block]:
    """Reads rows of all record batches, some at a time."""
    yield from _blocks(shard, wanted, batches_of_stream, slice(None))


def kept(path: Path, wanted: Wanted) -> Columns:
    """Kept columns, without rows."""
    with _opened(path) as reader:
        return without_rows(reader.schema, wanted)


def _checked_rows(path: Path, wanted: Wanted, find: Find) -> list[int]:
    """Checks that the columns are there; gives the number of rows of each record batch."""
    with _opened(path) as reader:
        columns, _ = wanted_columns(reader.schema.names, wanted, str(path))
        with Source(path) as source:
            rows = [batch.rows for batch in find(source)]
        if any(rows):
            check_types(reader.schema, columns, str(path))
    return rows


def _blocks(shard: Shard, wanted: Wanted, find: Find, which: slice) -> Iterator[Block]:
    first, path = shard.first_row, Path(shard.file)
    with _opened(path) as reader, Source(path) as source:
        columns, every = wanted_columns(reader.schema.names, wanted, shard.file)
        batches = find(source)
        is_plain = all(batch.is_plain for batch in batches)  # a stream is read in one way alone
        for number in range(len(batches))[which]:
            batch = batches[number]._replace(is_plain=is_plain)
            pieces = slices(source, batch, reader.schema, every, wanted.block_rows)
            if pieces is None:
                pieces = _pieces(reader, number, every, wanted)
            for piece in pieces:
                piece.validate(full=True)  # what a damaged file says of itself may lie
                yield block_of(piece, shard.file, first, wanted, columns)
                first += piece.num_rows


def _pieces(reader: Any, number: int, every: list[str], wanted: Wanted) -> Iterator[Any]:
    """A record batch that is read as a whole, some rows at a time; of a stream, the next one."""
    by_number = hasattr(reader, "get_batch")
    batch = (reader.get_batch(number) if by_number else reader.read_next_batch()).select(every)
    batch.validate(full=True)
    for start in range(0, batch.num_rows, wanted.block_rows):
        yield batch.slice(start, wanted.block_rows)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A reader of all columns: to leave some out, pyarrow would copy each record batch."""
    pa = reader_of(path, FORMAT)
    opener = pa.ipc.open_stream if format_ending(path) == ".arrows" else pa.ipc.open_file
    with naming(path, FORMAT), pa.OSFile(str(path)) as file:
        yield opener(file, options=pa.ipc.IpcReadOptions(use_threads=False))
