"""Rows from files and results to files, with numpy alone (but for Parquet).

Training reads its rows here too: a file means the same on the workstation and on the device.

    .npy       an array (rows, ...)
    .npz       the key `x` (or `X`), and optionally `y`: 0 normal, 1 anomaly
    .csv       numbers, with or without a header line; `label` names the column that is `y`
    .parquet   the same with types of its own; a file or a folder of them; needs pyarrow

Results appear whole or not at all: each is written aside, then renamed.
"""

import os
import re
import shutil
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import parquet, tables
from .tables import ColumnError, Columns, Table

# What numpy and zipfile raise at files that are cut, damaged, encrypted or something else.
UNREADABLE = (
    ValueError,
    TypeError,
    EOFError,
    SyntaxError,
    RuntimeError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


class Kind(NamedTuple):
    """A kind of directory that is written whole, and replaced by another of its kind.

    Args:
        name: for people.
        mark: a file that each of them holds.
        says: what stands in that file, and in no other of its name.
        entries: the names of all that may be in it.
    """

    name: str
    mark: str
    says: bytes
    entries: re.Pattern[str]


class TableFormat(NamedTuple):
    """A kind of file with named columns: how it is read; which columns hold numbers.

    `columns` are those of the file but for some that are named: each with whether it holds numbers.
    """

    read: Callable[[Path, Columns], Table]
    columns: Callable[[Path, Sequence[str]], dict[str, bool]]


TABLES = {
    ".csv": TableFormat(tables.read_csv, tables.csv_columns),
    ".parquet": TableFormat(parquet.read_parquet, parquet.parquet_columns),
}


def read_rows(
    path: str | Path,
    *,
    columns: Sequence[str] | None = None,
    label: str | None = None,
    extra: Sequence[str] = (),
    missing: bool = False,
) -> Table:
    """Reads rows from a .npy, .npz, .csv or .parquet file.

    Args:
        path: the file.
        columns: of a table, the columns that become x, in this order, by name; others are left
            alone. All that are not named otherwise where None.
        label: of a table, the column that becomes `y`.
        extra: columns of a table, or keys of an .npz, to read as they are.
        missing: whether a cell without a value is NaN; else it is an error.

    Returns:
        A `Table`; x may have any shape (rows, ...) where it is no table.

    Raises:
        ValueError: the file does not hold what its name promises; says where.
        OSError: it cannot be read.
    """
    path = Path(path)
    table = table_format(path)
    if table is not None:
        return table.read(path, Columns(columns, label, extra, missing))
    if label is not None:
        raise ValueError(f"{path}: a label column can be named for tables only (.csv, .parquet).")
    if path.suffix == ".npz":
        return _read_npz(path, extra)
    if path.suffix != ".npy":
        received = path.suffix or ("a file without an ending" if path.exists() else "nothing there")
        raise ValueError(
            f"{path}: expected a .npy, .npz, .csv or .parquet file. Received: {received}."
        )
    if extra:
        raise ColumnError(
            f"{path}: expected a file whose parts have names, for {', '.join(extra)}. "
            "Received: a .npy file, a single array."
        )
    return _read_npy(path)


def table_format(path: Path) -> TableFormat | None:
    """How the table at `path` is read; None where it is none. A folder is one of Parquet files."""
    return TABLES.get(".parquet" if path.is_dir() else path.suffix)


def write_aside(path: str | Path, write: Callable[[IO[bytes]], object]) -> None:
    """Calls `write` with a temporary file beside `path`, then renames it to `path`."""
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path}: expected a file to write. Received: a folder of that name.")
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with aside.open("wb") as file:
                write(file)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        if error.filename is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error  # the name that was given


@contextmanager
def directory_aside(path: str | Path, kind: Kind) -> Iterator[Path]:
    """A fresh directory that becomes `path` when the block ends; nothing remains where it fails.

    Args:
        path: where the directory shall be. One that is there already is replaced, but only where
            it is empty, or of the same kind and without anything else in it.
        kind: of directory.

    Raises:
        ValueError: something else is at `path`, or in it.
    """
    path = Path(path).resolve()  # of a link, what it leads to is replaced
    check_replaceable(path, kind)
    aside, old = (path.with_name(f".{path.name}.{os.getpid()}.{end}") for end in ("part", "old"))
    aside.mkdir(parents=True)
    try:
        yield aside
        _exchange(aside, path, old)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def check_replaceable(path: str | Path, kind: Kind) -> None:
    """Raises ValueError where `directory_aside` would, before any work is done for nothing."""
    path = Path(path)
    if path.exists() and not _is_empty_directory(path):
        if not _is_marked(path / kind.mark, kind.says):
            raise ValueError(
                f"{path}: expected a new path, or an earlier {kind.name} to replace. "
                "Received: something else that is there already. Choose another path."
            )
        strange = sorted(p.name for p in path.iterdir() if not kind.entries.fullmatch(p.name))
        if strange:
            raise ValueError(
                f"{path}: expected a {kind.name} alone, to replace it. Received: also "
                f"{', '.join(strange[:5])}, which would be lost. Move it, or choose another path."
            )
    for parent in path.absolute().parents:
        if parent.exists() and not parent.is_dir():
            raise ValueError(f"{path}: expected folders above it. Received: {parent}, a file.")


def load_npz(file: IO[bytes]) -> dict[str, NDArray[Any]]:
    """All arrays of an .npz file; ValueError where it is none of plain numbers."""
    try:
        arrays = np.load(file, allow_pickle=False)
        if not isinstance(arrays, np.lib.npyio.NpzFile):
            raise ValueError("it holds a single array.")
        return {key: arrays[key] for key in arrays.files}
    except UNREADABLE as error:
        raise ValueError(why_unreadable(error)) from error


def _exchange(aside: Path, path: Path, old: Path) -> None:
    """Puts `aside` at `path`; what was there goes to `old`, or stays where that fails."""
    if path.exists():
        path.rename(old)
    try:
        aside.rename(path)
    except OSError:
        if old.exists():
            old.rename(path)
        raise


def _is_marked(mark: Path, says: bytes) -> bool:
    return mark.is_file() and says in mark.read_bytes()


def _is_empty_directory(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _read_npy(path: Path) -> Table:
    try:
        with path.open("rb") as file:
            return Table(np.lib.format.read_array(file, allow_pickle=False), None, None, {})
    except UNREADABLE as error:
        raise ValueError(
            f"{path} is not a numpy file of plain numbers: {why_unreadable(error)}"
        ) from error


def why_unreadable(error: Exception) -> str:
    """numpy's, but for its advice to allow pickles, which run whatever code the file holds."""
    if "allow_pickle" in str(error):
        return "it holds Python objects, or is no such file at all."
    return str(error)


def _read_npz(path: Path, extra: Sequence[str]) -> Table:
    try:
        with path.open("rb") as file:
            arrays = load_npz(file)
    except ValueError as error:
        raise ValueError(f"{path} is not a numpy file of plain numbers: {error}") from error
    x = arrays.get("x", arrays.get("X"))
    if x is None:
        raise ValueError(f'{path}: expected the key "x". Received: {", ".join(arrays)}.')
    for key in extra:
        if key not in arrays:
            raise ColumnError(f"{path}: expected the key {key!r}. Received: {', '.join(arrays)}.")
    for key in ("y", *extra):
        if key in arrays and arrays[key].shape != x.shape[:1]:
            raise ValueError(
                f"{path}: expected {key} of shape {x.shape[:1]}. Received: {arrays[key].shape}."
            )
    return Table(x, arrays.get("y"), None, {key: arrays[key] for key in extra})
