"""Rows of text tables in any dialect, in ranges of bytes.

A row that is wrong is one that cannot be read; the others are. A block of rows is given to a quick
parser, in pieces where it refuses, and cell by cell what is left of them.
"""

import csv
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime.rows.blocks import Block, Shard, Wanted
from vae_runtime.rows.machine_names import names_or_bad
from vae_runtime.rows.text.cells import CellFormat, no_value, number_or_hole
from vae_runtime.rows.text.headers import tell_again
from vae_runtime.rows.text.tables import no_number

from .csv_bounds import cleaned, has_lone_returns, rows_of, take_rows
from .csv_fast import Cells, parse
from .csv_layout import Layout, layout_of
from .ranges import BLOCK, Taken, Text, blocks_in, blocks_of, check_utf8, plan_ranges

SMALL = 2**16  # bytes that are not worth cutting
PIECES = 16  # to cut what is worth it
ZERO = "\0"


class Rows(NamedTuple):
    """Rows of a block: x, each column of text, and why some are none."""

    x: NDArray[np.float64]
    texts: list[list[str]]
    bad: dict[int, str]


def plan(path: Path, wanted: Wanted) -> list[Shard]:
    """Ranges of bytes that end with a row."""
    layout = layout_of(path, wanted)
    encoding = layout.dialect.encoding
    return plan_ranges(path, ".csv", layout.begin, layout.take, wanted, encoding=encoding)


def read(shard: Shard, wanted: Wanted) -> Iterator[Block]:
    """Its rows, some at a time."""
    layout = layout_of(Path(shard.file), wanted)
    first, line = shard.first_row, shard.line
    encoding = layout.dialect.encoding
    for block, taken in blocks_of(shard, layout.take, wanted, encoding=encoding):
        if taken.rows:
            clean = cleaned(block, layout.dialect, layout.again)
            if layout.again and layout.again in block:
                tell_again(Path(shard.file))
            rows = _parse(clean, taken, layout, line)
            rows = rows if wanted.allow_missing else _without_holes(rows, clean, layout, line)
            yield _block(shard.file, rows, first, wanted)
        first, line = first + taken.rows, line + taken.lines


def settle(path: Path, wanted: Wanted) -> Wanted:
    """What is wanted, with the columns and the shape of a row that the file has."""
    layout = layout_of(path, wanted)
    names = tuple(layout.header[i] for i in layout.cells.numbers)
    has_names = wanted.features is not None or layout.has_names
    return wanted._replace(features=names if has_names else None, shape=(len(names),))


def columns(path: Path, wanted: Wanted) -> dict[str, bool] | None:
    """Columns not named otherwise, each with whether it holds numbers; None without names."""
    layout = layout_of(path, wanted)
    if not layout.has_names:
        return None
    text, begin, cells = set[int](), layout.begin, layout.cells
    whole = Text(path, layout.dialect.encoding)
    for block, _ in blocks_in(whole, begin.size, layout.take, size=BLOCK, line=begin.lines + 1):
        check_utf8(path, block)
        for row in rows_of(cleaned(block, layout.dialect, layout.again), sep=cells.sep):
            is_text = cells.format.is_text
            text.update(i for i, c in enumerate(row.cells) if i not in text and is_text(c))
    return {layout.header[i]: i not in text for i in layout.cells.numbers}


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
        of_piece = take_rows(piece, is_last=True)
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
    is_plain = b"_" not in block and cells.format == CellFormat()
    place = end = 0
    for row, _, lines in rows_of(block, sep=cells.sep):
        where, end = line + end, lines
        if not row:
            continue
        is_whole = len(row) == cells.width
        try:
            values.extend(_numbers(row, cells, is_plain=is_plain) if is_whole else none)
        except ValueError:
            bad[place] = str(_first_wrong(row, layout, f"line {where}"))
            values.extend(none)
        if not is_whole:
            bad[place] = f"line {where}: expected {cells.width} cells. Received: {len(row)}."
        elif any(ZERO in cell for cell in row):
            bad[place] = f"line {where}: expected text. Received: zero bytes, as of a crash."
        for column, i in zip(texts, cells.texts, strict=True):
            column.append(row[i] if is_whole else "")
        place += 1
    return Rows(np.array(values).reshape(rows, len(none)), texts, bad)


def _numbers(row: list[str], cells: Cells, *, is_plain: bool) -> list[float]:
    """Numbers of a row, NaN where there is no value; ValueError where one is text."""
    if is_plain:
        try:
            return [float(row[i]) for i in cells.numbers]
        except ValueError:
            pass  # a truth or no value
    return [number_or_hole(row[i], cells.format) for i in cells.numbers]


def _first_wrong(row: list[str], layout: Layout, where: str) -> ValueError | None:
    for i in layout.cells.numbers:
        try:
            number_or_hole(row[i], layout.cells.format)
        except ValueError:
            return no_number(where, layout.header[i], row[i])
    return None


def _without_holes(rows: Rows, block: bytes, layout: Layout, line: int) -> Rows:
    """Rows of which those that lack a value are bad ones."""
    holes = np.isnan(rows.x).any(1)
    if not holes.any():
        return rows
    bad = dict(rows.bad)
    for place, where, row in _rows_at(np.flatnonzero(holes).tolist(), block, layout):
        bad[place] = _hole_in(row, layout, f"line {line + where}")
    x = rows.x
    x[holes] = 0
    return rows._replace(x=x, bad=bad)


def _rows_at(
    places: list[int], block: bytes, layout: Layout
) -> Iterator[tuple[int, int, list[str]]]:
    """Rows of a block at some places, each with how many lines are before it."""
    if b'"' not in block and not has_lone_returns(block):  # then each line is a row, or blank
        lines = [line.rstrip("\r") for line in block.decode().split("\n")]
        numbers = [number for number, line in enumerate(lines) if line]
        for place in places:
            (row,) = csv.reader([lines[numbers[place]]], delimiter=layout.cells.sep)
            yield place, numbers[place], row
        return
    wanted, place, before = set(places), 0, 0
    for row, _, after in rows_of(block, sep=layout.cells.sep):
        if row and place in wanted:
            yield place, before, row
        place, before = place + bool(row), after


def _hole_in(row: list[str], layout: Layout, where: str) -> str:
    """Reason why a row is a bad one: the first of its cells without a value."""
    place = next(i for i in layout.cells.numbers if layout.cells.format.is_missing(row[i]))
    return f"{where}: {no_value(layout.header[place], row[place])}"
