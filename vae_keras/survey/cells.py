"""Cells of a column in one block of rows: numbers, missing values, texts."""

from typing import Any, NamedTuple

import numpy as np

from vae_keras._base.arrays import Array
from vae_runtime.rows.text.cells import FALSE, FORTRAN, FORTRAN_AS_C, PLAIN, TRUE, CellFormat

NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"


class Cells(NamedTuple):
    """Cells of a column.

    Args:
        numbers: float64 (rows,), NaN where there is none; seconds since 1970 of dates with a type.
        missing: bool (rows,).
        texts: pyarrow's strings (rows,) without blanks around; None of a column with a type.
        dates: whether the type of the column is one of dates.
        flags: whether the cells are True and False, or words for these.
    """

    numbers: Array
    missing: Array
    texts: Any = None
    dates: bool = False
    flags: bool = False


def read_cells(values: Any, format: CellFormat = PLAIN) -> Cells:
    """Reads the cells of a column.

    Args:
        values: (rows,) an array of numpy, or pyarrow's: text, or numbers, truth values and dates.
        format: of numbers in text, and what means "no value".

    >>> read_cells(np.array(["1.5", "", "NA", "Bad"])).numbers
    array([1.5, nan, nan, nan])
    """
    import pyarrow as pa
    import pyarrow.types as types

    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else _arrow(values)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if types.is_string(array.type) or types.is_large_string(array.type):
        return _texts(array, format)
    if types.is_temporal(array.type):
        return _dates(array)
    flags = types.is_boolean(array.type)
    if not (flags or types.is_null(array.type) or _is_number(array.type)):  # lists and the like
        found = [None if value is None else str(value) for value in array.to_pylist()]
        return _texts(pa.array(found, pa.string()), format)
    plain = (array.cast(pa.uint8()) if flags else array).cast(pa.float64(), safe=False)
    numbers = plain.to_numpy(zero_copy_only=False)
    numbers = np.where(np.isin(numbers, [*format.numbers]), np.nan, numbers)
    return Cells(numbers, np.isnan(numbers), flags=flags)


def _is_number(kind: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _arrow(values: Array) -> Any:
    """An array of pyarrow; values of several kinds, as JSON may have them, become text."""
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _texts(array: Any, format: CellFormat) -> Cells:
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.utf8_trim_whitespace(array)
    lower = pc.utf8_lower(texts)
    absent = pc.or_(
        pc.is_null(texts), pc.fill_null(pc.is_in(lower, pa.array(sorted(format.words))), False)
    )
    missing = absent.to_numpy(zero_copy_only=False)
    known = pc.if_else(absent, pa.scalar(None, texts.type), texts)
    texts = pc.fill_null(texts, "")
    numbers = _numbers(known, format)
    coded = np.isin(numbers, [*format.numbers])
    numbers, missing = np.where(coded, np.nan, numbers), missing | coded
    if np.isnan(numbers[~missing]).all() and not missing.all():
        words = pc.is_in(lower, pa.array([*TRUE, *FALSE])).to_numpy(zero_copy_only=False)
        if words[~missing].all():
            is_set = pc.is_in(lower, pa.array([*TRUE]))
            found = np.where(missing, np.nan, is_set.to_numpy(zero_copy_only=False))
            return Cells(found, missing, texts, flags=True)
    return Cells(numbers, missing, texts)


def _numbers(known: Any, format: CellFormat) -> Array:
    """Numbers in texts, NaN where a text is none: float64 (rows,)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if format.grouped is not None:
        plain = pc.replace_substring(known, format.thousands, "")
        known = pc.if_else(pc.match_substring_regex(known, format.grouped), plain, known)
    if format.decimal != ".":
        known = pc.replace_substring(pc.replace_substring(known, ".", "_"), format.decimal, ".")
    try:
        found = known.cast(pa.float64())
    except pa.ArrowInvalid:
        known = pc.replace_substring_regex(known, FORTRAN, FORTRAN_AS_C)
        fits = pc.fill_null(pc.match_substring_regex(known, NUMBER), False)
        some = pc.utf8_ltrim(pc.if_else(fits, known, pa.scalar(None, known.type)), "+")
        found = some.cast(pa.float64())
    return np.array(found.to_numpy(zero_copy_only=False), np.float64)


def _dates(array: Any) -> Cells:
    import pyarrow as pa
    import pyarrow.types as types

    missing = array.is_null().to_numpy(zero_copy_only=False)
    if types.is_date(array.type):
        array = array.cast(pa.timestamp("ms"))
    if not types.is_timestamp(array.type):  # durations and clocks count from 0
        return Cells(array.cast(pa.int64()).cast(pa.float64()).to_numpy(False), missing)
    whole = array.cast(pa.timestamp("ns", array.type.tz), safe=False).cast(pa.int64())
    seconds = whole.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False) / 1e9
    return Cells(seconds, missing, dates=True)
