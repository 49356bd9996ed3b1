"""Rows of the model out of record batches of Arrow: of scalar columns, or of one of lists."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.libraries import settle_pandas
from vae_runtime.rows.blocks import Block, Columns, Wanted
from vae_runtime.rows.machine_names import names_or_bad
from vae_runtime.rows.names.missing_names import meant, no_such, some
from vae_runtime.rows.text.cells import CellFormat, no_value, number_or_hole
from vae_runtime.rows.text.tables import ColumnError

from .csv_fast import numbers_of_text
from .pyarrow_files import INDEX

Found = tuple[NDArray[Any], dict[int, str]]  # rows, and why some are none, by their place


def columns_of(names: list[str], wanted: Wanted, where: str) -> list[str]:
    """The columns that hold rows, among these names; ColumnError where there are none such.

    Those of the model's features, or a single column of lists.
    """
    features, shape = wanted.features, wanted.shape
    if features and (shape is None or len(shape) == 1):
        missing = [name for name in features if name not in names]
        if not missing:
            _check_alone(list(features), names, where)
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
    _check_alone([wanted.column], names, where)
    return [wanted.column]


def check_kept(names: list[str], wanted: Wanted, where: str) -> list[str]:
    """The columns to pass through, and that of machines; ColumnError where one is not there."""
    missing = [name for name in wanted.named if name not in names]
    if missing:
        asked = (*wanted.named, *(wanted.features or ()))
        raise ColumnError(f"{where}: {no_such('column', missing, names, asked)}")
    _check_alone(list(wanted.named), names, where)
    return list(wanted.named)


def not_named(names: Iterable[str], wanted: Wanted) -> list[str]:
    """The columns that are not named for another use, without an index of pandas."""
    return [name for name in names if name not in wanted.named and not name.startswith(INDEX)]


def settle_columns(schema: Any, wanted: Wanted, first: Callable[[str], Any], where: str) -> Wanted:
    """What is wanted, with the columns and the shape of a row that a file has.

    Args:
        schema: of the file.
        wanted: of it.
        first: gives the first rows of a column.
        where: begins errors.
    """
    if wanted.features:
        return wanted._replace(shape=(len(wanted.features),))
    alone = not_named(schema.names, wanted)
    _check_alone(alone, schema.names, where)
    lists = [name for name in alone if _is_list_like(schema.field(name).type)]
    if wanted.column in lists or (lists and lists == alone):
        name = wanted.column if wanted.column in lists else lists[0]
        return wanted._replace(column=name, shape=_shape_of(first(name), where, name))
    if not alone:
        raise ColumnError(f"{where}: expected columns of numbers. Received: none.")
    return wanted._replace(features=tuple(alone), shape=(len(alone),))


def numbers_of(schema: Any, wanted: Wanted) -> dict[str, bool]:
    """The columns that are not named otherwise, each with whether it holds numbers."""
    return {name: _is_number(schema.field(name).type) for name in not_named(schema.names, wanted)}


def check_types(schema: Any, columns: list[str], where: str) -> None:
    """Raises ValueError where a column of scalars holds no numbers: before any row is read."""
    for name in columns:
        kind = schema.field(name).type
        if len(columns) > 1 and not (_is_number(kind) or is_text(kind)):
            raise _no_numbers(where, name, kind)


def rows_of(batch: Any, columns: list[str], wanted: Wanted, where: str) -> Found:
    """The rows (rows, *input_shape) that columns of a batch hold.

    Raises:
        ValueError: a column is of a type that holds no numbers; `where` says whose.
    """
    if not columns:
        return np.zeros((batch.num_rows, 0)), {}
    kind = batch.schema.field(columns[0]).type
    if len(columns) == 1 and _is_list_like(kind):
        return _of_lists(batch.column(columns[0]), wanted, f"{where}: column {columns[0]!r}")
    x, bad = _of_scalars(batch, columns, wanted, where)
    shape = wanted.shape or ()
    if x.shape[1:] != shape:
        raise ValueError(
            f"{where}: expected lists of shape {shape} in column {columns[0]!r}. Received: {kind}."
        )
    return x, bad


def machines_of(column: Any, bad: dict[int, str]) -> NDArray[np.str_]:
    """The name of each row's machine; a row without one goes to `bad`."""
    import pyarrow as pa
    import pyarrow.types as types

    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if types.is_integer(column.type) and column.null_count:  # as floats they might be rounded
        column = column.cast(pa.string()).fill_null("")
    return names_or_bad(column.to_numpy(zero_copy_only=False), bad)


def without_rows(schema: Any, wanted: Wanted) -> Columns:
    """The columns of a file that are kept, of their types."""
    if wanted.keep:
        settle_pandas()
    table = schema.empty_table()
    return {name: table[name].combine_chunks() for name in wanted.keep}


def block_of(batch: Any, file: str, first: int, wanted: Wanted, columns: list[str]) -> Block:
    """A record batch as a block, whose first row has this number in the file."""
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


def _of_scalars(batch: Any, columns: list[str], wanted: Wanted, where: str) -> Found:
    """Columns of numbers, as float32 where all are, else float64; rows without a value are bad."""
    import pyarrow as pa

    bad: dict[int, str] = {}
    format = CellFormat(missing=wanted.reading.codes)
    found = [_numbers(batch.column(name), name, where, format, bad) for name in columns]
    if any(column.type != pa.float32() for column in found):
        # not safe: a whole number beyond 2**53 is rounded, as it would be in any table of floats
        found = [column.cast(pa.float64(), safe=False) for column in found]
    tensor = pa.record_batch(found, names=columns).to_tensor(null_to_nan=True, row_major=True)
    x = np.asarray(tensor.to_numpy())
    if format.numbers:
        x = np.where(np.isin(x, list(format.numbers)), np.nan, x).astype(x.dtype)
    for row, place in () if wanted.allow_missing else _holes(x):
        bad.setdefault(row, no_value(columns[place], batch.column(columns[place])[row].as_py()))
    if bad:
        x = x.copy()
        x[list(bad)] = 0
    return x, bad


def _holes(x: NDArray[Any]) -> list[tuple[int, int]]:
    """The rows that lack a value, each with the first place that does."""
    with np.errstate(invalid="ignore", over="ignore"):
        if not np.isnan(x.sum(dtype=np.float64)):  # one pass, and most blocks are whole
            return []
    holes = np.isnan(x)
    return [(row, int(holes[row].argmax())) for row in np.flatnonzero(holes.any(1)).tolist()]


def _numbers(column: Any, name: str, where: str, format: CellFormat, bad: dict[int, str]) -> Any:
    import pyarrow as pa
    import pyarrow.types as types

    kind = column.type
    if types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if types.is_boolean(kind):
        return column.cast(pa.uint8())
    if is_text(kind):
        return _of_text(column, name, format, bad)
    if not _is_number(kind):
        raise _no_numbers(where, name, kind)
    return column


def _of_text(column: Any, name: str, format: CellFormat, bad: dict[int, str]) -> Any:
    """A column of text as numbers; adds to `bad` where a cell is text."""
    import pyarrow as pa

    found = numbers_of_text(column, format)
    if found is None:
        found = np.full(len(column), np.nan)
        for i, cell in enumerate(column.to_pylist()):
            try:
                found[i] = number_or_hole(cell or "", format)
            except ValueError:
                bad.setdefault(i, f"expected a number in column {name!r}. Received: {cell!r:.60}.")
    return pa.array(found)


def is_text(kind: Any) -> bool:
    """True for a type of text, also of a dictionary (pandas' categories)."""
    import pyarrow.types as types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _is_number(kind: Any) -> bool:
    import pyarrow.types as types

    tests = (types.is_boolean, types.is_integer, types.is_floating, types.is_decimal)
    return any(test(kind) for test in tests)


def _no_numbers(where: str, name: str, kind: Any) -> ValueError:
    return ValueError(f"{where}: expected numbers in column {name!r}. Received: {kind}.")


def _of_lists(column: Any, wanted: Wanted, where: str) -> Found:
    """A column of lists or tensors: fast where all are whole, else one by one."""
    shape = wanted.shape or ()
    if hasattr(column.type, "storage_type"):  # an extension type, as of tensors
        column = column.storage
    lengths, values = _unnested(column)
    if not _is_plain(values.type):
        raise ValueError(f"{where}: expected lists of numbers. Received: {column.type}.")
    if lengths in (shape, (math.prod(shape),)):
        return values.to_numpy(zero_copy_only=False).reshape(len(column), *shape), {}
    # of no values: `to_pandas_dtype` wants pandas in old versions
    return _one_by_one(column, shape, values[:0].to_numpy(zero_copy_only=False).dtype)


def _unnested(column: Any) -> tuple[tuple[int, ...] | None, Any]:
    """Flattens nested lists; gives their length at each level, and the values.

    The lengths are None where they differ within a level, or where a list or value is missing.
    """
    import pyarrow.compute as pc

    lengths: list[int] = []
    is_even = column.null_count == 0
    while _is_list(column.type):
        found = pc.unique(pc.list_value_length(column))
        column = column.flatten()
        is_even &= len(found) == 1 and column.null_count == 0
        lengths.append(found[0].as_py() if is_even else 0)
    return tuple(lengths) if is_even else None, column


def _one_by_one(column: Any, shape: tuple[int, ...], dtype: Any) -> Found:
    x, bad = np.zeros((len(column), *shape), dtype), dict[int, str]()
    for i, row in enumerate(column):
        values = row.as_py()
        try:
            x[i] = _row(values, shape, x.dtype)
        except ValueError as error:
            bad[i] = str(error)
    return x, bad


def _row(values: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    expected = f"expected numbers of shape {shape}"
    if values is None:
        raise ValueError(f"{expected}. Received: no value.")
    try:
        row = np.asarray(values, None if dtype.kind in "iu" else np.float64)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{expected}. Received: lists of several lengths.") from error
    if row.shape not in (shape, (math.prod(shape),)):
        raise ValueError(f"{expected}. Received: lists of {row.shape}.")
    if row.dtype == object:  # None among whole numbers
        raise ValueError("expected a number in each place. Received: no value.")
    return row.reshape(shape)


def _is_list(kind: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _is_list_like(kind: Any) -> bool:
    return _is_list(kind) or hasattr(kind, "storage_type")


def _shape_of(column: Any, where: str, name: str) -> tuple[int, ...]:
    """The shape of the first list of a column, or of the first tensor."""
    kind = column.type
    if hasattr(kind, "shape"):
        return tuple(kind.shape)
    for value in column.to_pylist():
        if value is not None:
            return tuple(np.shape(value))
    raise ValueError(f"{where}: expected lists of numbers in column {name!r}. Received: none.")


def _is_plain(kind: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_integer(kind) or types.is_floating(kind))


def _check_alone(columns: list[str], names: list[str], where: str) -> None:
    for name in columns:
        if names.count(name) != 1:
            raise ColumnError(
                f"{where}: expected the column {name!r}. Received: several columns of that name in "
                f"{some(names)}."
            )
