"""Columns of Parquet and Arrow files: which hold rows, which are kept, and their blocks."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from vae_runtime._base.libraries import settle_pandas
from vae_runtime.rows.blocks import Block, Columns, Wanted
from vae_runtime.rows.names.missing_names import meant, no_such, some
from vae_runtime.rows.text.tables import ColumnError

from .columnar_values import (
    is_list_like,
    is_number,
    is_text,
    machines_of,
    no_numbers,
    rows_of,
)
from .pyarrow_files import INDEX


def columns_of(names: list[str], wanted: Wanted, where: str) -> list[str]:
    """Columns that hold rows: those of the model's features, or a single one of lists.

    Raises:
        ColumnError: they are missing among these names, or there several times.
    """
    features, shape = wanted.features, wanted.shape
    if features and (shape is None or len(shape) == 1):
        missing = [name for name in features if name not in names]
        if not missing:
            _check_once(list(features), names, where)
            return list(features)
        if wanted.column not in names:
            raise ColumnError(f"{where}: {no_such('column', missing, names, features)}")
    alone = not_named(names, wanted)
    if wanted.column not in names and not features and shape == (len(alone),):
        return alone  # as of any table
    if wanted.column not in names:
        raise ColumnError(
            f"{where}: expected the column {wanted.column!r} of rows as lists (--column names "
            f"another). Received: {some(names)}.{meant([wanted.column], names, wanted.named)}"
        )
    _check_once([wanted.column], names, where)
    return [wanted.column]


def check_kept(names: list[str], wanted: Wanted, where: str) -> list[str]:
    """Columns that are read beside the rows; ColumnError for missing ones."""
    missing = [name for name in wanted.named if name not in names]
    if missing:
        asked = (*wanted.named, *(wanted.features or ()))
        raise ColumnError(f"{where}: {no_such('column', missing, names, asked)}")
    _check_once(list(wanted.named), names, where)
    return list(wanted.named)


def wanted_columns(names: list[str], wanted: Wanted, where: str) -> tuple[list[str], list[str]]:
    """Columns that hold rows, and all that are read, each once; ColumnError for missing ones."""
    columns = columns_of(names, wanted, where)
    return columns, list(dict.fromkeys([*columns, *check_kept(names, wanted, where)]))


def not_named(names: Iterable[str], wanted: Wanted) -> list[str]:
    """Columns that are not named for another use, without an index of pandas."""
    return [name for name in names if name not in wanted.named and not name.startswith(INDEX)]


def settle_columns(schema: Any, wanted: Wanted, first: Callable[[str], Any], where: str) -> Wanted:
    """Completes what is wanted by the columns and the shape of a row that a file has.

    Args:
        schema: of the file.
        wanted: of it.
        first: gives the first rows of a column.
        where: begins errors.
    """
    if wanted.features:
        return wanted._replace(shape=(len(wanted.features),))
    alone = not_named(schema.names, wanted)
    _check_once(alone, schema.names, where)
    lists = [name for name in alone if is_list_like(schema.field(name).type)]
    if wanted.column in lists or (lists and lists == alone):
        name = wanted.column if wanted.column in lists else lists[0]
        return wanted._replace(column=name, shape=_shape_of(first(name), where, name))
    if not alone:
        raise ColumnError(f"{where}: expected columns of numbers. Received: none.")
    return wanted._replace(features=tuple(alone), shape=(len(alone),))


def numbers_of(schema: Any, wanted: Wanted) -> dict[str, bool]:
    """Columns that are not named for another use; True for those that hold numbers."""
    return {name: is_number(schema.field(name).type) for name in not_named(schema.names, wanted)}


def check_types(schema: Any, columns: list[str], where: str) -> None:
    """Raises ValueError, before any row is read, for a column of scalars that are no numbers."""
    for name in columns:
        kind = schema.field(name).type
        if len(columns) > 1 and not (is_number(kind) or is_text(kind)):
            raise no_numbers(where, name, kind)


def without_rows(schema: Any, wanted: Wanted) -> Columns:
    """Kept columns of a file, of their types, without rows."""
    if wanted.keep:
        settle_pandas()
    table = schema.empty_table()
    return {name: table[name].combine_chunks() for name in wanted.keep}


def block_of(batch: Any, file: str, first: int, wanted: Wanted, columns: list[str]) -> Block:
    """Block of a record batch, whose first row has this number in the file."""
    if wanted.named:
        settle_pandas()
    x, bad = rows_of(batch, columns, wanted, file)
    where = {"row": np.arange(first, first + batch.num_rows)}
    kept, extra = wanted.some({name: batch.column(name) for name in wanted.named})
    machines = (
        None
        if wanted.machine_column is None
        else machines_of(batch.column(wanted.machine_column), bad)
    )
    return Block(file, x, where, kept, machines, bad, extra=extra)


def _shape_of(column: Any, where: str, name: str) -> tuple[int, ...]:
    """Shape of the first list or tensor of a column."""
    kind = column.type
    if hasattr(kind, "shape"):
        return tuple(kind.shape)
    for value in column.to_pylist():
        if value is not None:
            return tuple(np.shape(value))
    raise ValueError(f"{where}: expected lists of numbers in column {name!r}. Received: none.")


def _check_once(columns: list[str], names: list[str], where: str) -> None:
    """Raises ColumnError for a column whose name several have."""
    for name in columns:
        if names.count(name) != 1:
            raise ColumnError(
                f"{where}: expected the column {name!r}. Received: several columns of that name in "
                f"{some(names)}."
            )
