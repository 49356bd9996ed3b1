"""Tables of numbers as .csv, with whatever is wrong in them named by line and column.

Commas between cells, quotes where needed, utf-8 with or without a byte order mark, blank lines
anywhere. The first line is a header where columns are asked for by name, or where none of its cells
is a number.
"""

import csv
import itertools
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Lines = Iterator[tuple[int, list[str]]]  # line number in the file, cells
Table = tuple[NDArray[Any], NDArray[Any] | None, tuple[str, ...] | None]


def read_csv(path: Path, columns: Sequence[str] | None, label: str | None) -> Table:
    """Reads (x, y, names); see `vae_runtime.files.read_rows`.

    Returns:
        x float64 (rows, columns), y float64 (rows,) or None, names of the columns of x or None.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _read(path, _lines(file), columns, label)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected text in utf-8. Received: {error}.") from error
    except csv.Error as error:
        raise ValueError(f"{path}: expected lines of a table. Received: {error}.") from error


def _lines(file: Any) -> Lines:
    reader = csv.reader(file)
    return ((reader.line_num, cells) for cells in reader if cells)


def _read(path: Path, lines: Lines, columns: Sequence[str] | None, label: str | None) -> Table:
    first = next(lines, None)
    if first is None:
        raise ValueError(f"{path}: expected rows of numbers. Received: an empty file.")
    cells = first[1]
    if len(cells) == 1 and any(mark in cells[0] for mark in ";\t|"):
        raise ValueError(f"{path}: expected commas between cells. Received: {cells[0][:60]!r}.")
    if columns is None and label is None and any(map(_is_number, cells)):
        return _read_without_header(path, first, lines), None, None
    header = [name.strip() for name in cells]
    names = tuple(columns) if columns else tuple(name for name in header if name != label)
    table = _parse(path, lines, _indices(path, header, names, label), header)
    return (table, None, names) if label is None else (table[:, :-1], table[:, -1], names)


def _read_without_header(path: Path, first: tuple[int, list[str]], lines: Lines) -> NDArray[Any]:
    numbered = [str(i + 1) for i in range(len(first[1]))]
    return _parse(path, itertools.chain([first], lines), range(len(numbered)), numbered)


def _indices(
    path: Path, header: list[str], names: Sequence[str], label: str | None
) -> Sequence[int]:
    """Where in the header these names are, and the label after them."""
    wanted = [*names, *([] if label is None else [label])]
    for name in wanted:
        if header.count(name) != 1:
            problem = "no such column" if name not in header else "several columns of that name"
            raise ValueError(
                f"{path}: expected the column {name!r}. Received: {problem} in {', '.join(header)}."
            )
    return [header.index(name) for name in wanted]


def _parse(path: Path, lines: Lines, indices: Sequence[int], header: list[str]) -> NDArray[Any]:
    """The columns at `indices` of all lines, float64 (rows, columns)."""
    values = array("d")
    for number, cells in lines:
        if len(cells) != len(header):
            raise ValueError(
                f"{path}, line {number}: expected {len(header)} cells. Received: {len(cells)}."
            )
        for i in indices:
            try:
                values.append(_number(cells[i]))
            except ValueError as error:
                found = repr(cells[i]) if cells[i].strip() else "an empty cell"
                raise ValueError(
                    f"{path}, line {number}: expected a number in column {header[i]!r}. "
                    f"Received: {found}."
                ) from error
    if not values:
        raise ValueError(f"{path}: expected rows of numbers. Received: a header alone.")
    return np.array(values).reshape(-1, len(indices))


def _number(text: str) -> float:
    if "_" in text:
        raise ValueError("1_000 is a number in Python, but not in a table")
    return float(text)


def _is_number(text: str) -> bool:
    try:
        _number(text)
    except ValueError:
        return False
    return True
