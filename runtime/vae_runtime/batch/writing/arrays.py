"""Results as arrays of numpy, row after row: .npz for all columns, .npy for one.

The bytes are those that `np.savez` and `np.save` give for whole columns.
"""

import io
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime.batch.columns import as_floats, decoded, kind_of
from vae_runtime.batch.json_columns import is_json, json_to_numpy
from vae_runtime.rows.blocks import Column, Columns

from .cells import GREENWICH

CHUNK = 2**22  # bytes that are copied at a time
INSTEAD = ".parquet, .csv or .jsonl"  # where arrays cannot hold a column
KINDS = ("b", "iuf", "U", "M", "m")  # of numpy's types; one column does not mix them


class NpzWriter:
    """An array for each column.

    Each grows in a file without a name in the same folder, since a zip file holds one after the
    other. Of times alone, some rows may have none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)
        self._growing: dict[str, _Growing] = {}

    def write(self, columns: Columns) -> None:
        """Adds rows."""
        for name, column in columns.items():
            array = to_numpy(column, f"{self._path}: column {name!r}", INSTEAD)
            if name not in self._growing:
                self._growing[name] = _Growing(self._path, name, array)
            self._growing[name].add(array)

    def close(self) -> None:
        """Puts the columns into the archive, and ends it."""
        with ExitStack() as columns:  # closed also where the archive cannot be written
            for growing in self._growing.values():
                columns.enter_context(growing)
            self._write_archive()

    def _write_archive(self) -> None:
        with self._archive:
            for name, growing in self._growing.items():
                entry = zipfile.ZipInfo(f"{name}.npy")  # of 1980: not of the clock
                with growing, self._archive.open(entry, "w", force_zip64=True) as file:
                    growing.copy_to(file)


class NpyWriter:
    """One column, the file's only array; one of float32 without rows where nothing is written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb")
        self._first = np.empty(0, np.float32)
        self._rows = 0
        self._file.write(header(self._first, 0))

    def write(self, columns: Columns) -> None:
        """Adds rows; ValueError where there are several columns, or their type changes."""
        if len(columns) != 1:
            raise ValueError(
                f"{self._path}: expected one column for a .npy file. Received: "
                f"{', '.join(columns)}. Write .npz."
            )
        name, column = next(iter(columns.items()))
        array = to_numpy(column, f"{self._path}: column {name!r}", INSTEAD)
        if not self._rows:
            self._first = array[:0]
            self._file.seek(0)
            self._file.write(header(self._first, 0))
        if (array.dtype, array.shape[1:]) != (self._first.dtype, self._first.shape[1:]):
            raise ValueError(
                f"{self._path}: expected rows {self._first.shape[1:]} of {self._first.dtype} in "
                f"column {name!r}, as before. Received: {array.shape[1:]} of {array.dtype}. "
                "Write .npz."
            )
        self._file.write(content(array))
        self._rows += len(array)

    def close(self) -> None:
        """Notes at the beginning how many rows there are, for which numpy leaves room there."""
        self._file.seek(0)
        self._file.write(header(self._first, self._rows))
        self._file.close()


def header(array: NDArray[Any], rows: int) -> bytes:
    """A .npy file up to the first value, of so many rows like an array's.

    Of equal length for any number of rows: numpy pads it for arrays that grow.
    """
    buffer = io.BytesIO()
    plain = {"fortran_order": False, "shape": (rows, *array.shape[1:])}
    descr = np.lib.format.dtype_to_descr(array.dtype)
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, **plain})
    return buffer.getvalue()


def content(array: NDArray[Any]) -> memoryview:
    """The bytes of an array's values, row after row."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def to_numpy(column: Column, where: str, instead: str) -> NDArray[Any]:
    """A column as an array of numbers, text or times; ValueError where it holds anything else."""
    if is_json(column):
        return json_to_numpy(column, where, ".jsonl or .csv")
    if isinstance(column, np.ndarray):
        return column
    column = decoded(column)
    kind = kind_of(column)
    if kind == "text":
        return _texts(column, where, instead)
    if kind == "timestamp" and column.type.tz and column.type.tz not in GREENWICH:
        raise ValueError(
            f"{where}: expected times in UTC or without a time zone, as arrays have none. "
            f"Received: {column.type}. Write {instead}."
        )
    if kind in ("number", "decimal") and column.null_count:
        raise ValueError(
            f"{where}: expected a number in all rows, as arrays of numbers have no missing values. "
            f"Received: {column.type} with missing values. Write {instead}."
        )
    if kind == "decimal":
        column = as_floats(column, where, instead)
    is_time = str(column.type).startswith("time") and kind != "timestamp"  # numpy has no such type
    array: NDArray[Any] = (column[:0] if is_time else column).to_numpy(zero_copy_only=False)
    if array.dtype.kind not in "biufMm":
        raise ValueError(
            f"{where}: expected numbers, text or times for arrays. Received: {column.type}"
            f"{' with missing values' if column.null_count else ''}. Write {instead}."
        )
    return array


def check_arrays(columns: Columns, path: Path) -> None:
    """Raises ValueError where a column is of a type that arrays do not have."""
    for name, column in columns.items():
        to_numpy(column, f"{path}: column {name!r}", INSTEAD)


def _texts(column: Any, where: str, instead: str) -> NDArray[np.str_]:
    texts = column.to_pylist()
    found = np.array(texts, np.str_)
    if found.tolist() != texts:
        lacking = "rows without a value" if column.null_count else "text that ends with NUL"
        raise ValueError(
            f"{where}: expected text in all rows, and none that ends with NUL, which arrays "
            f"cannot hold. Received: {lacking}. Write {instead}."
        )
    return found


class _Growing:
    """A column that is being written: its rows in a file, in stretches of one type each."""

    def __init__(self, path: Path, name: str, first: NDArray[Any]) -> None:
        self._where = f"{path}: column {name!r}"
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=path.parent)
        self._first = first[:0]
        self._stretches: list[tuple[np.dtype[Any], int]] = [(first.dtype, 0)]  # type, rows

    def __enter__(self) -> "_Growing":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, array: NDArray[Any]) -> None:
        """Adds rows."""
        first, kinds = self._first, {_kind(self._first), _kind(array)}
        if array.shape[1:] != first.shape[1:] or len(kinds) > 1:
            raise ValueError(
                f"{self._where}: expected rows {first.shape[1:]} of {first.dtype}, as before. "
                f"Received: {array.shape[1:]} of {array.dtype}."
            )
        self._file.write(content(array))
        dtype, rows = self._stretches[-1]
        if array.dtype == dtype:
            self._stretches[-1] = dtype, rows + len(array)
        else:
            self._stretches.append((array.dtype, len(array)))

    def copy_to(self, file: IO[bytes]) -> None:
        """The whole as .npy, of the type that holds all: of text, the widest."""
        common = np.result_type(*(dtype for dtype, _ in self._stretches))
        file.write(header(self._first.astype(common), sum(rows for _, rows in self._stretches)))
        for chunk in self._chunks():
            found = chunk.astype(common, copy=False)
            if chunk.dtype.kind in "iu" and common.kind == "f" and not _is_same(found, chunk):
                raise ValueError(
                    f"{self._where}: expected whole numbers that floats hold, as other rows have "
                    "floats or none. Received: larger ones. Write .parquet, .csv or .jsonl."
                )
            file.write(content(found))

    def _chunks(self) -> Iterator[NDArray[Any]]:
        """The values in order, some at a time."""
        self._file.seek(0)
        values = int(np.prod(self._first.shape[1:]))
        for dtype, rows in self._stretches:
            size = rows * values * dtype.itemsize
            step = max(CHUNK // max(dtype.itemsize, 1), 1) * dtype.itemsize
            for start in range(0, size, step or 1):
                yield np.frombuffer(self._file.read(min(step, size - start)), dtype)


def _is_same(floats: NDArray[Any], whole: NDArray[Any]) -> bool:
    """True where floats equal these whole numbers; those beyond the type are not compared."""
    limit = float(np.iinfo(whole.dtype).max) + 1.0  # a power of 2, which floats hold
    return bool(((floats < limit) & (floats.astype(whole.dtype) == whole)).all())


def _kind(array: NDArray[Any]) -> str:
    return next((kind for kind in KINDS if array.dtype.kind in kind), array.dtype.kind)
