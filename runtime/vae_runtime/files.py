"""Rows from files and results to files, with numpy alone.

Training reads its rows here too: a file means the same on the workstation and on the device.

    .npy   an array (rows, ...)
    .npz   the key `x` (or `X`), and optionally `y`: 0 normal, 1 anomaly
    .csv   numbers, with or without a header line; `label` names the column that is `y`

Results appear whole or not at all: each is written aside, then renamed.
"""

import csv
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_LOADTXT_PLACE = re.compile(r"at row (\d+), column (\d+)")


class Rows(NamedTuple):
    """What a file holds: x (rows, ...), y (rows,) or None, and column names where it has them."""

    x: NDArray[Any]
    y: NDArray[Any] | None
    names: tuple[str, ...] | None


def read_rows(
    path: str | Path, *, columns: Sequence[str] | None = None, label: str | None = None
) -> Rows:
    """Reads rows from a .npy, .npz or .csv file.

    Args:
        path: the file.
        columns: of a .csv with a header, the columns to take, in this order; others are left.
            All but `label` where not given. Files without column names are taken as they are.
        label: of a .csv, the column that becomes `y`.

    Raises:
        ValueError: the file does not hold what its name promises; says where.
        OSError: it cannot be read.
    """
    path = Path(path)
    if path.suffix == ".csv":
        return _read_csv(path, columns, label)
    if label is not None:
        raise ValueError(f"{path}: a label column can be named for .csv files only.")
    if path.suffix == ".npy":
        return Rows(_load(path), None, None)
    if path.suffix == ".npz":
        return _read_npz(path)
    raise ValueError(
        f"{path}: expected a .npy, .npz or .csv file. Received: {path.suffix or path}."
    )


def write_aside(path: str | Path, write: Callable[[IO[bytes]], object]) -> None:
    """Calls `write` with a temporary file beside `path`, then renames it to `path`."""
    path = Path(path)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with aside.open("wb") as file:
            write(file)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def directory_aside(path: str | Path, *, mark: str) -> Iterator[Path]:
    """A fresh directory that becomes `path` when the block ends; nothing remains where it fails.

    Args:
        path: where the directory shall be. One that is there already is replaced, but only where
            it is of the same kind: it is empty, or holds the file `mark`.
        mark: a file that every directory of this kind holds.

    Raises:
        ValueError: something of another kind is at `path`.
    """
    path = Path(path)
    if path.exists() and not (path / mark).is_file() and not _is_empty_directory(path):
        raise ValueError(
            f"{path}: expected a new path, or a directory with {mark} to replace. "
            "Received: something else that is there already. Choose another path."
        )
    aside, old = (path.with_name(f".{path.name}.{os.getpid()}.{end}") for end in ("part", "old"))
    aside.mkdir(parents=True)
    try:
        yield aside
        if path.exists():
            path.rename(old)
        aside.rename(path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _is_empty_directory(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _load(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} is not a numpy file of plain numbers: {error}") from error


def _read_npz(path: Path) -> Rows:
    with _load(path) as arrays:
        key = "x" if "x" in arrays.files else "X"
        if key not in arrays.files:
            raise ValueError(f'{path}: expected the key "x". Received: {", ".join(arrays.files)}.')
        y = arrays["y"] if "y" in arrays.files else None
        x = arrays[key]
    if y is not None and y.shape != x.shape[:1]:
        raise ValueError(f"{path}: expected y of shape {x.shape[:1]}. Received: {y.shape}.")
    return Rows(x, y, None)


def _read_csv(path: Path, columns: Sequence[str] | None, label: str | None) -> Rows:
    with path.open(newline="", encoding="utf-8-sig") as file:
        first = next(csv.reader(file), None)
    if not first:
        raise ValueError(f"{path}: expected rows of numbers. Received: an empty file.")
    header = None if all(map(_is_number, first)) else tuple(name.strip() for name in first)
    if header is None:
        if label is not None:
            raise ValueError(f"{path}: expected a header with {label!r}. Received: no header.")
        return Rows(_parse(path, range(len(first)), None), None, None)
    names = tuple(columns) if columns else tuple(name for name in header if name != label)
    indices = _indices(path, header, (*names, *([label] if label else [])))
    table = _parse(path, indices, header)
    if label is None:
        return Rows(table, None, names)
    return Rows(table[:, :-1], table[:, -1], names)


def _indices(path: Path, header: tuple[str, ...], names: Sequence[str]) -> list[int]:
    for name in names:
        if header.count(name) != 1:
            problem = "no such column" if name not in header else "several columns of that name"
            raise ValueError(
                f"{path}: expected the column {name!r}. Received: {problem} in {', '.join(header)}."
            )
    return [header.index(name) for name in names]


def _parse(path: Path, indices: Sequence[int], header: tuple[str, ...] | None) -> NDArray[Any]:
    """The columns at `indices`, float64 (rows, columns)."""
    skip = 0 if header is None else 1
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            return np.loadtxt(
                file,
                delimiter=",",
                skiprows=skip,
                usecols=indices,
                comments=None,
                quotechar='"',
                ndmin=2,
            )
        except ValueError as error:
            raise ValueError(f"{path}: {_explain(str(error), header, skip)}") from error


def _explain(message: str, header: tuple[str, ...] | None, skip: int) -> str:
    """The message of numpy, with the column by its name where it gives a place."""
    place = _LOADTXT_PLACE.search(message)
    if place is None:
        return message
    row, column = int(place[1]), int(place[2]) - 1
    name = f"column {header[column]!r}" if header else f"column {column}"
    cell = message.split("'")[1] if "'" in message else ""
    found = f"{cell!r}" if cell else "an empty cell"
    return f"expected a number. Received: {found} in row {row} after the header, {name}."


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
