"""Rows from files and results to files, with numpy alone.

Training reads its rows here too: a file means the same on the workstation and on the device.

    .npy   an array (rows, ...)
    .npz   the key `x` (or `X`), and optionally `y`: 0 normal, 1 anomaly
    .csv   numbers, with or without a header line; `label` names the column that is `y`

Results appear whole or not at all: each is written aside, then renamed.
"""

import os
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

from .tables import read_csv

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
        columns: of a .csv, the columns to take, in this order, by the names in its header; others
            are left. All but `label` where not given. Other files are taken as they are.
        label: of a .csv, the column that becomes `y`.

    Raises:
        ValueError: the file does not hold what its name promises; says where.
        OSError: it cannot be read.
    """
    path = Path(path)
    if path.suffix == ".csv":
        return Rows(*read_csv(path, columns, label))
    if label is not None:
        raise ValueError(f"{path}: a label column can be named for .csv files only.")
    if path.suffix == ".npy":
        return _read_npy(path)
    if path.suffix == ".npz":
        return _read_npz(path)
    raise ValueError(
        f"{path}: expected a .npy, .npz or .csv file. Received: {path.suffix or path}."
    )


def write_aside(path: str | Path, write: Callable[[IO[bytes]], object]) -> None:
    """Calls `write` with a temporary file beside `path`, then renames it to `path`."""
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path}: expected a file to write. Received: a folder of that name.")
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
    path = Path(path).resolve()  # of a link, what it leads to is replaced
    check_replaceable(path, mark=mark)
    aside, old = (path.with_name(f".{path.name}.{os.getpid()}.{end}") for end in ("part", "old"))
    aside.mkdir(parents=True)
    try:
        yield aside
        _exchange(aside, path, old)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def check_replaceable(path: str | Path, *, mark: str) -> None:
    """Raises ValueError where `directory_aside` would, before any work is done for nothing."""
    path = Path(path)
    if path.exists() and not (path / mark).is_file() and not _is_empty_directory(path):
        raise ValueError(
            f"{path}: expected a new path, or a directory with {mark} to replace. "
            "Received: something else that is there already. Choose another path."
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
        raise ValueError(str(error)) from error


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


def _is_empty_directory(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _read_npy(path: Path) -> Rows:
    try:
        with path.open("rb") as file:
            return Rows(np.lib.format.read_array(file, allow_pickle=False), None, None)
    except UNREADABLE as error:
        raise ValueError(f"{path} is not a numpy file of plain numbers: {error}") from error


def _read_npz(path: Path) -> Rows:
    try:
        with path.open("rb") as file:
            arrays = load_npz(file)
    except ValueError as error:
        raise ValueError(f"{path} is not a numpy file of plain numbers: {error}") from error
    x, y = arrays.get("x", arrays.get("X")), arrays.get("y")
    if x is None:
        raise ValueError(f'{path}: expected the key "x". Received: {", ".join(arrays)}.')
    if y is not None and y.shape != x.shape[:1]:
        raise ValueError(f"{path}: expected y of shape {x.shape[:1]}. Received: {y.shape}.")
    return Rows(x, y, None)
