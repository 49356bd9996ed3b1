"""Rows of numbers from the columns of a record batch: columns of scalars, or one of lists."""

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.machine_names import names_or_bad
from vae_runtime.rows.text.cells import CellFormat, no_value, number_or_hole

from .csv_fast import numbers_of_text

Found: TypeAlias = tuple[NDArray[Any], dict[int, str]]  # rows, and why some are bad, by place


def rows_of(batch: Any, columns: list[str], wanted: Wanted, where: str) -> Found:
    """Rows (rows, *input_shape) that columns of a batch hold.

    Raises:
        ValueError: a column is of a type that holds no numbers; `where` says whose.
    """
    if not columns:
        return np.zeros((batch.num_rows, 0)), {}
    kind = batch.schema.field(columns[0]).type
    if len(columns) == 1 and is_list_like(kind):
        return _of_lists(batch.column(columns[0]), wanted, f"{where}: column {columns[0]!r}")
    x, bad = _of_scalars(batch, columns, wanted, where)
    shape = wanted.shape or ()
    if x.shape[1:] != shape:
        raise ValueError(
            f"{where}: expected lists of shape {shape} in column {columns[0]!r}. Received: {kind}."
        )
    return x, bad


def machines_of(column: Any, bad: dict[int, str]) -> NDArray[np.str_]:
    """Name of each row's machine; adds rows without one to `bad`."""
    import pyarrow as pa
    import pyarrow.types as types

    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if types.is_integer(column.type) and column.null_count:  # as floats they might be rounded
        column = column.cast(pa.string()).fill_null("")
    return names_or_bad(column.to_numpy(zero_copy_only=False), bad)


def is_text(kind: Any) -> bool:
    """True for a type of text, also of a dictionary (pandas' categories)."""
    import pyarrow.types as types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind))


def is_number(kind: Any) -> bool:
    """True for a type of numbers."""
    import pyarrow.types as types

    tests = (types.is_boolean, types.is_integer, types.is_floating, types.is_decimal)
    return any(test(kind) for test in tests)


def is_list_like(kind: Any) -> bool:
    """True for a type of lists or tensors."""
    return _is_list(kind) or hasattr(kind, "storage_type")


def no_numbers(where: str, name: str, kind: Any) -> ValueError:
    """Error for a column of a type that holds no numbers."""
    return ValueError(f"{where}: expected numbers in column {name!r}. Received: {kind}.")


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
    """Rows that lack a value, each with the first place that does."""
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
    if not is_number(kind):
        raise no_numbers(where, name, kind)
    return column


def _of_text(column: Any, name: str, format: CellFormat, bad: dict[int, str]) -> Any:
    """Numbers of a column of text; adds rows with other cells to `bad`."""
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


def _of_lists(column: Any, wanted: Wanted, where: str) -> Found:
    """Rows of a column of lists or tensors: at once where all have values, else one by one."""
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


def _is_plain(kind: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_integer(kind) or types.is_floating(kind))
