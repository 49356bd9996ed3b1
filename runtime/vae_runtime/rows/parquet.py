"""Parquet tables, through pyarrow, an extra: a file, or a folder of files read in name order.

Read is a row group at a time, so that a table need never be in memory as a whole.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.libraries import need

from .dialect import Reading
from .missing_names import quoted
from .tables import CellError, ColumnChoice, Table, check_names

INDEX = "__index_level_"  # pandas keeps a row index under such names; it is no measurement


class RowGroup(NamedTuple):
    """Part of a table: the file, the number of the row group in it, its rows.

    `metadata` is the file's footer, which is long where row groups are many: it is parsed once.
    """

    file: Path
    number: int
    rows: int
    metadata: Any


def row_groups(path: Path) -> list[RowGroup]:
    """Row groups of a file, or of the files of a folder; ValueError for a folder without any."""
    groups = []
    for file in _files(path):
        metadata = open_parquet(file).metadata
        sizes = (metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
        groups += [RowGroup(file, i, rows, metadata) for i, rows in enumerate(sizes) if rows]
    if not groups:
        raise ValueError(f"{path}: expected rows. Received: a Parquet table without any.")
    return groups


def names(path: Path) -> tuple[str, ...]:
    """Names of the columns; ValueError for a folder of files that differ in them."""
    headers = {file: tuple(open_parquet(file).schema_arrow.names) for file in _files(path)}
    first, header = next(iter(headers.items()))
    for file, other in headers.items():
        if set(other) != set(header):
            alone = {first: set(header) - set(other), file: set(other) - set(header)}
            found = [f"{quoted(sorted(n))} in {f.name} alone" for f, n in alone.items() if n]
            raise ValueError(
                f"{path}: expected files with the same columns. Received: {', '.join(found)}."
            )
    return tuple(name for name in header if not name.startswith(INDEX))


def read_parquet(path: Path, columns: ColumnChoice, reading: Reading | None = None) -> Table:
    """Reads a Parquet table as a `Table` of float64; extra columns keep their types."""
    header = names(path)
    check_names(path, header, (*columns.of(header), *columns.named))
    parts = [
        read_row_group(group, columns._replace(features=columns.of(header)))
        for group in row_groups(path)
    ]
    y = None if columns.label is None else np.concatenate([part.y for part in parts])
    extra = {name: np.concatenate([part.extra[name] for part in parts]) for name in columns.extra}
    kept = {name: _joined([part.kept[name] for part in parts]) for name in columns.kept}
    return Table(np.concatenate([part.x for part in parts]), y, parts[0].names, extra, kept)


def read_row_group(group: RowGroup, columns: ColumnChoice) -> Table:
    """Reads one row group as a `Table`; `columns.features` must be named."""
    features = tuple(columns.features or ())
    wanted = list(dict.fromkeys((*features, *columns.named)))
    file = open_parquet(group.file, group.metadata)
    with naming(group.file):
        table = file.read_row_group(group.number, columns=wanted, use_threads=False)
        extra = {name: _plain(table[name]) for name in columns.extra}
    read = [_numbers(group, table, name, columns.missing) for name in features]
    y = None if columns.label is None else _numbers(group, table, columns.label, columns.missing)
    x = np.stack(read, 1) if read else np.empty((group.rows, 0))
    return Table(x, y, features, extra, {name: table[name] for name in columns.kept})


def parquet_columns(
    path: Path, named: Sequence[str], reading: Reading | None = None
) -> dict[str, bool]:
    """Columns but for those named, each with True where it holds numbers in all files."""
    fields = [field for file in _files(path) for field in open_parquet(file).schema_arrow]
    text = {field.name for field in fields if not _is_number(field.type)}
    return {name: name not in text for name in names(path) if name not in named}


def _numbers(group: RowGroup, table: Any, name: str, missing: bool) -> NDArray[np.float64]:
    column = table[name]
    where = f"{group.file}, row group {group.number}"
    if not _is_number(column.type):
        raise CellError(f"{where}: expected numbers in column {name!r}. Received: {column.type}.")
    # not safe: a whole number beyond 2**53 is rounded, as it would be in any table of floats
    values: NDArray[np.float64] = column.cast("float64", safe=False).to_numpy()  # nulls become NaN
    if column.null_count and not missing:
        row = int(np.flatnonzero(column.is_null().to_numpy())[0])
        raise CellError(
            f"{where}, row {row} of it: expected a number in column {name!r}. Received: no value "
            f"({column.null_count} such rows)."
        )
    return values


def _joined(columns: list[Any]) -> Any:
    """Columns of pyarrow one after the other."""
    import pyarrow as pa

    return pa.chunked_array([chunk for column in columns for chunk in column.chunks])


def _plain(column: Any) -> NDArray[Any]:
    """Column without its dictionary (pandas' categories): the values, and None for no value."""
    import pyarrow.types as types

    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    values: NDArray[Any] = column.to_numpy()
    return values


def _is_number(kind: Any) -> bool:
    import pyarrow.types as types

    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    return any(test(kind) for test in tests)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(f for f in path.rglob("*.parquet") if f.is_file() and not _is_note(f, path))
    if not found:
        raise ValueError(f"{path}: expected .parquet files in the folder. Received: none.")
    return found


def _is_note(file: Path, folder: Path) -> bool:
    """True for a name that begins with _ or ., as a program's own notes and leftovers do."""
    return any(part[0] in "_." for part in file.relative_to(folder).parts)


def open_parquet(file: Path, metadata: Any = None) -> Any:
    """Opens the file as pyarrow's `ParquetFile`; `metadata` is its footer, if known already."""
    pq = reader_of(file, "Parquet", "pyarrow.parquet")
    with naming(file):
        return pq.ParquetFile(file, metadata=metadata, pre_buffer=False)


def reader_of(file: Path, format: str, module: str = "pyarrow") -> Any:
    """Imports pyarrow, or a module of it, to read a file; ValueError for a missing pyarrow."""
    return need(module, f"{file}: reading {format}", "give the rows as .npy or .csv")


@contextmanager
def naming(file: Path, format: str = "Parquet") -> Iterator[None]:
    """Context that turns pyarrow's errors into a ValueError that names the damaged file."""
    import pyarrow as pa

    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        first_line = str(error).strip().split("\n")[0]
        raise ValueError(f"{file} is not a readable {format} file: {first_line}") from error
