"""Rows of .csv files, as `data.tables` reads them, in ranges of bytes.

A row that is wrong is one that cannot be read; the others are. A block of rows is given to a quick
parser, in pieces where it refuses, and cell by cell what is left of them.
"""

import itertools
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime.rows.blocks import Block, Shard, Wanted
from vae_runtime.rows.csv_rows import OpenQuote
from vae_runtime.rows.headers import LOOKED_AT
from vae_runtime.rows.line_limit import longest_line
from vae_runtime.rows.machine_names import names_or_bad
from vae_runtime.rows.tables import ColumnChoice, header_of, is_text, no_number, number

from .csv_bounds import Row, rows_of, take_rows
from .csv_fast import Cells, parse
from .ranges import (
    BLOCK,
    Begin,
    Taken,
    after_mark,
    blocks_in,
    blocks_of,
    check_utf8,
    plan_ranges,
)

HEAD = 2**16  # bytes that are read at once to find the first row
SMALL = 2**16  # bytes that are not worth cutting
PIECES = 16  # to cut what is worth it


class Layout(NamedTuple):
    """Layout of a file: names of the columns, which cells to read, and where the rows begin.

    Without a line of names, columns are called 1, 2, ...
    """

    header: list[str]
    cells: Cells
    begin: Begin
    has_names: bool


class Rows(NamedTuple):
    """Rows of a block: x, each column of text, and why some are none."""

    x: NDArray[np.float64]
    texts: list[list[str]]
    bad: dict[int, str]


def plan(path: Path, wanted: Wanted) -> list[Shard]:
    """Ranges of bytes that end with a row."""
    layout = _layout(path, wanted)
    return plan_ranges(path, ".csv", layout.begin, take_rows, wanted)


def read(shard: Shard, wanted: Wanted) -> Iterator[Block]:
    """Its rows, some at a time."""
    layout = _layout(Path(shard.file), wanted)
    first, line = shard.first_row, shard.line
    for block, taken in blocks_of(shard, take_rows, wanted):
        if taken.rows:
            yield _block(shard.file, _parse(block, taken, layout, line), first, wanted)
        first, line = first + taken.rows, line + taken.lines


def settle(path: Path, wanted: Wanted) -> Wanted:
    """What is wanted, with the columns and the shape of a row that the file has."""
    layout = _layout(path, wanted)
    names = tuple(layout.header[i] for i in layout.cells.numbers)
    has_names = wanted.features is not None or layout.has_names
    return wanted._replace(features=names if has_names else None, shape=(len(names),))


def columns(path: Path, wanted: Wanted) -> dict[str, bool] | None:
    """Columns not named otherwise, each with whether it holds numbers; None without names."""
    layout = _layout(path, wanted)
    if not layout.has_names:
        return None
    text, span = set[int](), (layout.begin.size, path.stat().st_size)
    for block, _ in blocks_in(path, span, take_rows, size=BLOCK, line=layout.begin.lines + 1):
        check_utf8(path, block)
        for row in rows_of(block):
            text.update(i for i, c in enumerate(row.cells) if i not in text and is_text(c))
    return {layout.header[i]: i not in text for i in layout.cells.numbers}


def _layout(path: Path, wanted: Wanted) -> Layout:
    """Finds the layout of a file; ColumnError where a column is not there."""
    if wanted.shape is not None and len(wanted.shape) != 1:
        raise ValueError(
            f"{path}: expected rows of shape {wanted.shape}. Received: a .csv file, whose rows are "
            "flat. Give them as .npy."
        )
    mark = after_mark(path)
    first, *below = _first_rows(path, mark, wanted)
    columns = ColumnChoice(wanted.features, wanted.named)
    header = header_of(path, first.cells, columns, [row.cells for row in below])
    begin = Begin(mark + first.size, first.lines) if header is not None else Begin(mark, 0)
    names = header or [str(i + 1) for i in range(len(first.cells))]
    numbers = [names.index(name) for name in columns.of(names)]
    if wanted.shape is not None and len(numbers) != wanted.shape[0]:
        raise ValueError(f"{path}: expected {wanted.shape[0]} columns. Received: {len(numbers)}.")
    texts = [names.index(name) for name in wanted.named]
    return Layout(names, Cells(len(names), numbers, texts), begin, header is not None)


def _first_rows(path: Path, mark: int, wanted: Wanted) -> list[Row]:
    """Reads the first rows of one block that are not blank, to tell whether there is a header.

    Their `size` and `lines` count from behind the byte order mark.
    """
    size = lines = 0
    span = (mark, path.stat().st_size)
    longest = longest_line(wanted.shape)
    for block, taken in blocks_in(path, span, take_rows, size=HEAD, longest=longest):
        check_utf8(path, block)
        rows = (Row(r.cells, size + r.size, lines + r.lines) for r in rows_of(block) if r.cells)
        try:
            found = list(itertools.islice(rows, 1 + LOOKED_AT))
        except OpenQuote as error:
            raise ValueError(f"{path}: {error.message(lines)}") from error
        if found:
            return found
        size, lines = size + taken.size, lines + taken.lines
    raise ValueError(f"{path}: expected rows of numbers. Received: an empty file.")


def _block(file: str, rows: Rows, first: int, wanted: Wanted) -> Block:
    columns = {n: np.array(column, str) for n, column in zip(wanted.named, rows.texts, strict=True)}
    machines = None
    if wanted.machine_column is not None:
        machines = names_or_bad(np.char.strip(columns[wanted.machine_column]), rows.bad)
    where = {"row": np.arange(first, first + len(rows.x))}
    kept, extra = wanted.some(columns)
    extra = {name: np.char.strip(column) for name, column in extra.items()}
    return Block(file, rows.x, where, kept, machines, rows.bad, extra=extra)


def _parse(block: bytes, taken: Taken, layout: Layout, line: int) -> Rows:
    """The rows of a block whose first line has this number."""
    found = parse(block, layout.cells, taken.rows)
    if found is not None:
        return Rows(*found, {})
    pieces = [] if b'"' in block or len(block) < SMALL else list(_pieces(block))
    if len(pieces) < 2:  # a line that is long may be all of a block
        return _one_by_one(block, taken.rows, layout, line)
    rows = Rows(
        np.zeros((taken.rows, len(layout.cells.numbers))), [[] for _ in layout.cells.texts], {}
    )
    first = 0
    for piece in pieces:
        of_piece = take_rows(piece, True)
        x, texts, bad = _parse(piece, of_piece, layout, line)
        rows.x[first : first + len(x)] = x
        for column, more in zip(rows.texts, texts, strict=True):
            column.extend(more)
        rows.bad.update({first + i: reason for i, reason in bad.items()})
        first, line = first + of_piece.rows, line + of_piece.lines
    return rows


def _pieces(block: bytes) -> Iterator[bytes]:
    """A block without quotes in smaller ones, cut at ends of lines."""
    start, step = 0, len(block) // PIECES + 1
    while start < len(block):
        stop = block.find(b"\n", start + step) + 1 or len(block)
        yield block[start:stop]
        start = stop


def _one_by_one(block: bytes, rows: int, layout: Layout, line: int) -> Rows:
    cells, values, bad = layout.cells, array("d"), dict[int, str]()
    texts: list[list[str]] = [[] for _ in cells.texts]
    none = [0.0] * len(cells.numbers)
    read = number if b"_" in block else float
    place = end = 0
    for row, _, lines in rows_of(block):
        where, end = line + end, lines
        if not row:
            continue
        is_whole = len(row) == cells.width
        try:
            values.extend([read(row[i]) for i in cells.numbers] if is_whole else none)
        except ValueError:
            bad[place] = str(_first_wrong(row, layout, f"line {where}"))
            values.extend(none)
        if not is_whole:
            bad[place] = f"line {where}: expected {cells.width} cells. Received: {len(row)}."
        for column, i in zip(texts, cells.texts, strict=True):
            column.append(row[i] if is_whole else "")
        place += 1
    return Rows(np.array(values).reshape(rows, len(none)), texts, bad)


def _first_wrong(row: list[str], layout: Layout, where: str) -> ValueError | None:
    for i in layout.cells.numbers:
        try:
            number(row[i])
        except ValueError:
            return no_number(where, layout.header[i], row[i])
    return None
