"""Reader of rows from files, with numpy alone (but for Parquet).

Training reads its rows here too: a file means the same on the workstation and on the device.

    .npy       an array (rows, ...)
    .npz       the key `x` (or `X`), and optionally `y`: 0 normal, 1 anomaly
    .csv       numbers, with or without a header line; `label` names the column that is `y`
    .parquet   the same with types of its own; a file or a folder of them; needs pyarrow
"""

import tokenize
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.paths import path_of

from . import parquet, tables
from .dialect import Reading
from .endings import format_ending
from .missing_names import meant, some
from .tables import ColumnChoice, ColumnError, Table

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


class TableFormat(NamedTuple):
    """Kind of file with named columns: how it is read; which columns hold numbers.

    `columns` are those of the file but for some that are named: each with whether it holds numbers.
    """

    read: Callable[[Path, ColumnChoice, Reading], Table]
    columns: Callable[[Path, Sequence[str], Reading], dict[str, bool]]


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
    kept: Sequence[str] = (),
    reading: Reading = Reading(),  # noqa: B008 - immutable
) -> Table:
    """Reads rows from a .npy, .npz, .csv or .parquet file.

    Args:
        path: the file.
        columns: of a table, the columns that become x, in this order, by name; others are left
            alone. All that are not named otherwise where None.
        label: of a table, the column that becomes `y`.
        extra: columns of a table, or keys of an .npz, to be looked at.
        missing: whether a cell without a value is NaN; else it is an error.
        kept: columns of a table, or keys of an .npz, to be passed through as they are.
        reading: how text is written.

    Returns:
        A `Table`; x may have any shape (rows, ...) where it is no table.

    Raises:
        ValueError: the file does not hold what its name promises; says where.
        OSError: it cannot be read.
    """
    path = path_of(path, "the path of a file of rows")
    table = table_format(path)
    if table is not None:
        return table.read(path, ColumnChoice(columns, label, extra, missing, kept), reading)
    if label is not None:
        raise ValueError(f"{path}: a label column can be named for tables only (.csv, .parquet).")
    ending = format_ending(path)
    if ending == ".npz":
        return _read_npz(path, extra, kept)
    if ending != ".npy":
        received = path.suffix or ("a file without an ending" if path.exists() else "nothing there")
        raise ValueError(
            f"{path}: expected a .npy, .npz, .csv or .parquet file. Received: {received}."
        )
    if extra or kept:
        named = ", ".join(dict.fromkeys((*extra, *kept)))
        raise ColumnError(
            f"{path}: expected a file whose parts have names, for {named}. "
            "Received: a .npy file, a single array."
        )
    return _read_npy(path)


def table_format(path: Path) -> TableFormat | None:
    """Format of the table at `path`; None for another file. A folder is one of Parquet files."""
    return TABLES.get(".parquet" if path.is_dir() else format_ending(path))


def load_npz(file: IO[bytes]) -> dict[str, NDArray[Any]]:
    """Arrays of an .npz file; ValueError for anything but plain numbers."""
    try:
        arrays = np.load(file, allow_pickle=False)
        if not isinstance(arrays, np.lib.npyio.NpzFile):
            raise ValueError("it holds a single array.")
        return {key: arrays[key] for key in arrays.files}
    except UNREADABLE as error:
        raise ValueError(why_unreadable(error)) from error


def _read_npy(path: Path) -> Table:
    try:
        with path.open("rb") as file:
            return Table(np.lib.format.read_array(file, allow_pickle=False), None, None, {})
    except UNREADABLE as error:
        raise ValueError(
            f"{path} is not a numpy file of plain numbers: {why_unreadable(error)}"
        ) from error


def why_unreadable(error: Exception) -> str:
    """Text of numpy's error, without its advice to allow pickles, which run code of the file."""
    if "allow_pickle" in str(error):
        return "it holds Python objects, or is not such a file at all."
    return str(error)


def _read_npz(path: Path, extra: Sequence[str], kept: Sequence[str]) -> Table:
    try:
        with path.open("rb") as file:
            arrays = load_npz(file)
    except ValueError as error:
        raise ValueError(f"{path} is not a numpy file of plain numbers: {error}") from error
    x = arrays.get("x", arrays.get("X"))
    if x is None:
        near = meant(["x"], arrays, (*extra, *kept))
        raise ValueError(f'{path}: expected the key "x". Received: {some([*arrays])}.{near}')
    for key in (*extra, *kept):
        if key not in arrays:
            near = meant([key], arrays, ("x", "y", *extra, *kept))
            raise ColumnError(
                f"{path}: expected the key {key!r}. Received: {some([*arrays])}.{near}"
            )
    for key in ("y", *extra, *kept):
        if key in arrays and arrays[key].shape != x.shape[:1]:
            raise ValueError(
                f"{path}: expected {key} of shape {x.shape[:1]}. Received: {arrays[key].shape}."
            )
    named = [{key: arrays[key] for key in keys} for keys in (extra, kept)]
    return Table(x, arrays.get("y"), None, *named)
