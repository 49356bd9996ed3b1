"""Blocks of plain .csv as numbers, quickly, where the answer is that of Python's own `float`.

Both parsers here know fewer ways to write a number than Python does, and no wrong rows: where they
refuse, the block is read cell by cell. pyarrow's is several times as fast as numpy's, and lets
other threads run.
"""

import io
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.libraries import find


class Cells(NamedTuple):
    """Cells to read of each row.

    Args:
        width: how many cells a row has.
        numbers: at which places those of x are.
        texts: at which places those are that are kept as text.
    """

    width: int
    numbers: Sequence[int]
    texts: Sequence[int]


Found = tuple[NDArray[np.float64], list[list[str]]]  # x (rows, numbers), and each column of text


def parse(block: bytes, cells: Cells, rows: int) -> Found | None:
    """All rows of a block; None where some may be wrong, or written in unusual ways."""
    parse_by = parse_by_numpy if find("pyarrow.csv") is None else parse_by_arrow
    return parse_by(block, cells, rows)


def parse_by_arrow(block: bytes, cells: Cells, rows: int) -> Found | None:
    """Parses a block by pyarrow; see `parse`."""
    import pyarrow as pa
    from pyarrow import csv

    if b"(" in block:
        return None  # nan(1) is a number there
    names = [str(i) for i in range(cells.width)]
    kinds = {names[i]: pa.float64() for i in cells.numbers}
    kinds |= {names[i]: pa.string() for i in cells.texts}
    try:
        table = csv.read_csv(
            pa.BufferReader(block),
            csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=names),
            convert_options=csv.ConvertOptions(
                column_types=kinds, include_columns=list(kinds), null_values=[]
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None
    if table.num_rows != rows:
        return None
    x = np.empty((rows, len(cells.numbers)))
    for j, i in enumerate(cells.numbers):
        x[:, j] = table[names[i]].to_numpy()
    return x, [table[names[i]].to_pylist() for i in cells.texts]


def parse_by_numpy(block: bytes, cells: Cells, rows: int) -> Found | None:
    """Parses a block by numpy; see `parse`.

    None where text is wanted: numpy has no good way to read it beside numbers.
    """
    if cells.texts or b'"' in block or not rows:
        return None
    kinds = [(str(i), "f8" if i in cells.numbers else "U1") for i in range(cells.width)]
    dtype: Any = np.float64 if len(cells.numbers) == cells.width else np.dtype(kinds)
    ndmin: Literal[1, 2] = 2 if dtype is np.float64 else 1
    text = io.BytesIO(block)
    try:
        found = np.loadtxt(text, dtype, None, ",", ndmin=ndmin, encoding="utf-8")
    except ValueError:
        return None
    if len(found) != rows:
        return None
    if dtype is np.float64:
        return (found[:, list(cells.numbers)], []) if found.shape[1] == cells.width else None
    return np.stack([found[str(i)] for i in cells.numbers], 1), []
