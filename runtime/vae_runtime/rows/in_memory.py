"""All rows of files at once: their blocks, one after the other.

What holds a table in memory reads it here: training, new thresholds, windows, single rows. So rows
are what they are to a run over files that never holds them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .blocks import Block, Column
from .names.name_texts import plain_column


class Rows(NamedTuple):
    """Rows of files, or windows over them.

    Args:
        x: (rows, *input_shape), as the files have them.
        where: of which rows of its file each one is, by names for a table of results: `row`, or
            `first_row` and `last_row` of a window, each (rows,).
        files: paths, or names, of the files.
        file: int (rows,), the number of each row's file among these.
        kept: columns that are passed through, each (rows,).
        extra: columns that are looked at, each (rows,).
        machines: (rows,) names of machines, where a column says them.
        bad: reasons of bad rows, by their place; x is 0 there.
        left_out: how many rows of the files are in no window.
    """

    x: NDArray[Any]
    where: dict[str, NDArray[Any]]
    files: tuple[str, ...]
    file: NDArray[np.int64]
    kept: Mapping[str, Column] = {}
    extra: Mapping[str, Column] = {}
    machines: NDArray[np.str_] | None = None
    bad: Mapping[int, str] = {}
    left_out: int = 0


def rows_of(blocks: Iterable[Block]) -> Rows:
    """Puts blocks together, of which there is one at least."""
    found = list(blocks)
    starts = np.cumsum([0, *(len(block.x) for block in found)])
    files = tuple(dict.fromkeys(block.file for block in found))
    sizes = [len(block.x) for block in found]
    machines = [block.machines for block in found if block.machines is not None]
    # of images, a folder says more of where they are than a single one does
    where = [name for name in found[0].where if all(name in block.where for block in found)]
    return Rows(
        np.concatenate([block.x for block in found]),
        {name: np.concatenate([block.where[name] for block in found]) for name in where},
        files,
        np.repeat([files.index(block.file) for block in found], sizes),
        {name: joined([block.kept[name] for block in found]) for name in found[0].kept},
        _extra(found),
        np.concatenate(machines) if machines else None,
        {int(a) + i: why for a, b in zip(starts, found, strict=False) for i, why in b.bad.items()},
        sum(block.left_out for block in found),
    )


def joined(columns: Sequence[Column]) -> Column:
    """Columns one after the other; those of pyarrow stay such, in chunks, where all are.

    Dates of a typed file beside those of text become text.
    """
    if any(isinstance(column, np.ndarray) for column in columns):
        parts = [plain_column(column) for column in columns]
        if len({part.dtype.kind == "M" for part in parts}) > 1:
            parts = [part.astype(np.str_) if part.dtype.kind == "M" else part for part in parts]
        return np.concatenate(parts)
    import pyarrow as pa

    return pa.chunked_array(columns)


def at(column: Column, rows: NDArray[Any]) -> Column:
    """Rows of a column of numpy, or of pyarrow, by their numbers."""
    if isinstance(column, np.ndarray):
        return column[rows]
    found = column.take(rows)
    return found.combine_chunks() if hasattr(found, "chunks") else found


def _extra(blocks: Sequence[Block]) -> dict[str, Column]:
    """Columns that are looked at; 0 in files that lack one, as an .npz may have no y."""
    names = dict.fromkeys(name for block in blocks for name in block.extra)
    return {
        name: joined([block.extra.get(name, np.zeros(len(block.x), int)) for block in blocks])
        for name in names
    }
