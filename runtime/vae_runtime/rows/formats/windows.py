"""Tables that a model of windows cuts: a window may end anywhere behind where it begins.

Recordings may be interleaved, and a hole in time is one of the whole table, so that it is held in
memory, unlike what all other modules here read. The windows themselves are made some at a time.
"""

from collections.abc import Iterator
from pathlib import Path

from vae_runtime.rows import parquet
from vae_runtime.rows.blocks import Block, Shard, Wanted
from vae_runtime.rows.endings import format_ending
from vae_runtime.rows.inputs import CutTable, read_cut

from . import npy, npz


def plan(path: Path, wanted: Wanted) -> list[Shard]:
    """One shard of all windows; the table is read to count them, and again by `read`."""
    windows = len(_cut(path, wanted))
    return [Shard(str(path), "windows", 0, windows, 0, windows)]


def read(shard: Shard, wanted: Wanted) -> Iterator[Block]:
    """Its windows, some at a time."""
    cut = _cut(Path(shard.file), wanted)
    for start in range(0, len(cut), wanted.block_rows):
        given = cut.part(slice(start, start + wanted.block_rows))
        left_out = 0 if start else given.left_out
        yield Block(shard.file, given.x, given.where, given.kept, given.machines, {}, left_out)


def is_table(path: Path, wanted: Wanted) -> bool:
    """Tells whether a file is a table of single readings, not of windows that are cut already."""
    ending = format_ending(path)
    if ending == ".npy":
        with path.open("rb") as file:
            return len(npy.read_header(path, file).shape) == 2
    if ending == ".npz":
        return len(npz.header_of_x(path, wanted).shape) == 2
    if ending == ".parquet":
        return wanted.column not in parquet.names(path)
    return ending == ".csv"


def _cut(path: Path, wanted: Wanted) -> CutTable:
    return read_cut(
        path,
        wanted.model,
        wanted.windowing,
        machine_column=wanted.machine_column,
        keep=wanted.keep,
        reading=wanted.reading,
    )
