"""Data whose columns have names: matched by name, as those of files are, never by position.

A data frame (pandas, Polars), a table or record batch of Arrow, a structured array of numpy, a
mapping of columns, a row with names (a series, a named tuple, a row of Spark), and sequences of any
of these: none of these libraries is imported, their objects are asked for what they have.
"""

import math
import numbers
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .names.categories import Categories, encode_column, numbers_of
from .names.missing_names import meant, quoted
from .names.name_texts import name_text

# Where an object says its columns; the last two are of named tuples and of Spark's rows.
NAMES = ("column_names", "columns", "keys", "_fields", "__fields__")

PLAIN = frozenset((int, float, bool, str, np.float32, np.float64, np.int64))  # have no names

BUFFERS = (str, bytes, bytearray, memoryview)  # sequences that are no lists of rows


def leaves(x: Any) -> Iterator[Any]:
    """Yields `x`, or of a list all that is in it, lists of lists too, except plain numbers."""
    if not _is_list(x):
        yield x
    elif not PLAIN.issuperset(map(type, x)):
        for each in x:
            if type(each) is not list or not PLAIN.issuperset(map(type, each)):
                yield from leaves(each)


def has_names(x: Any) -> bool:
    """True where the columns of `x` have names, or those of any row in a list of rows."""
    return any(map(names_columns, leaves(x)))


def names_columns(x: Any) -> bool:
    """True where one of `leaves` has columns with names."""
    if isinstance(x, np.ndarray | np.generic):
        return x.dtype.names is not None
    return _says_names(x) or hasattr(x, "__dataframe__") or _is_labelled(x)


def named_array(
    x: Any,
    wanted: Sequence[str] | None,
    name: str = "x",
    categories: Categories = MappingProxyType({}),
    *,
    allow_missing: bool = False,
) -> NDArray[Any]:
    """Takes the columns of a model by their names, in its order.

    Args:
        x: with named columns, see `has_names`; others than these are left alone.
        wanted: the names; None of a model whose features have none.
        name: of x, for errors.
        categories: columns of text that the last of the wanted are made of, where they are there.
        allow_missing: whether a value may be None or what libraries put in its place; it is NaN.

    Returns:
        (..., columns), of the shape that each column has; float64 but for columns of floats.

    Raises:
        ValueError: a column is missing, there twice, or holds anything but numbers.
    """
    if _is_list(x):
        read = partial(
            named_array, wanted=wanted, categories=categories, allow_missing=allow_missing
        )
        return _stack([*_rows(x, read, name)], name, 0)
    names = _names(x, name)
    places = _places(names)
    if wanted is not None and categories and places.keys() >= {*categories}:
        plain = numbers_of(wanted, categories)
        groups = [_group(x, places, (column, categories[column]), name) for column in categories]
        numbers = [named_array(x, plain, name, allow_missing=allow_missing)] if plain else []
        return np.concatenate([*numbers, *groups], axis=-1)
    is_known = wanted is not None and places.keys() >= set(wanted)
    if names == [*range(len(names))] and not (is_known or isinstance(x, Mapping)):
        _check_not_transposed(x, wanted or (), name)
        return _by_position(np.asarray(x), name)  # what pandas calls the columns of an array
    if wanted is None:
        raise _without_names(x, names, name)
    if not is_known:
        raise _missing(x, places, [*numbers_of(wanted, categories), *categories], name)
    columns = (_column(x, places, each, name) for each in wanted)
    found = [
        _numbers(column, each, name, allow_missing=allow_missing)
        for column, each in zip(columns, wanted, strict=True)
    ]
    return _stack(found, name, -1, wanted)


def type_of(x: Any) -> str:
    """Type of `x`, for errors: `a pandas DataFrame`, `a dict`."""
    module = type(x).__module__.split(".")[0]
    return f"a {type(x).__name__}" if module == "builtins" else f"a {module} {type(x).__name__}"


def _rows(x: Sequence[Any], read: Callable[..., NDArray[Any]], name: str) -> Iterator[NDArray[Any]]:
    """Yields each row of a list as an array, by names where the row has any."""
    for i, row in enumerate(x):
        if has_names(row):
            yield read(row, name=f"{name}[{i}]")
        else:
            yield np.asarray(row)


def _group(
    x: Any, places: Mapping[str, list[Any]], category: tuple[str, Sequence[str]], name: str
) -> NDArray[np.float32]:
    """One-hot group of a column with these known values: (..., values); NaN without a value."""
    column, known = category
    values = _column(x, places, column, name)
    if isinstance(values, np.ma.MaskedArray):
        raise ValueError(f"{name}: expected text in {column!r}. Received: a masked array.")
    found = encode_column(values, column, known)
    if found.bad:
        place, reason = next(iter(found.bad.items()))
        where = f" (row {place}; {len(found.bad)} such rows)" if np.ndim(values) else ""
        raise ValueError(f"{name}: {reason.removesuffix('.')}{where}.")
    return found.x.reshape(*np.shape(values), len(known))


def _stack(
    parts: list[NDArray[Any]], name: str, axis: int, names: Sequence[str] | None = None
) -> NDArray[Any]:
    """Stacks parts of one shape; ValueError, which says where, for parts that differ."""
    for i, part in enumerate(parts):
        if part.shape != parts[0].shape:
            first, other = (0, i) if names is None else (names[0], names[i])
            what = "rows" if names is None else "columns"
            raise ValueError(
                f"{name}: expected {what} of one shape. Received: {parts[0].shape} in {first!r}, "
                f"{part.shape} in {other!r}."
            )
    return np.stack(parts, axis)


def _check_not_transposed(x: Any, wanted: Sequence[str], name: str) -> None:
    """Raises ValueError for a data frame whose rows are called like the features."""
    rows = getattr(x, "index", ())  # of pandas; a method of others
    if np.ndim(x) != 2 or len(x) != len(wanted) or callable(rows):
        return
    if wanted and {*map(str, rows)} == {*wanted}:
        raise ValueError(
            f"{name}: expected a column for each feature. Received: {type_of(x)} with a row for "
            "each. Pass its transpose (.T)."
        )


def _by_position(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Array of columns that are called 0, 1, 2, ...; as numbers where it is one of objects."""
    if values.dtype.kind != "O" or not values.ndim or not values.size:
        return values
    columns = range(values.shape[-1])
    return _stack([_numbers(values[..., i], str(i), name) for i in columns], name, -1)


def _names(x: Any, name: str) -> list[Any]:
    """Names of the columns of `x`."""
    if isinstance(x, np.ndarray | np.generic):
        return [*(x.dtype.names or ())]
    for attribute in NAMES if hasattr(x, "__getitem__") else ():
        if hasattr(x, attribute):
            found = getattr(x, attribute)
            return [*(found() if callable(found) else found)]
    raise ValueError(
        f"{name}: expected an array, or a table whose columns can be taken by name. Received: "
        f"{type_of(x)}. Make a pandas, Polars or pyarrow table of it first, or an array with the "
        "columns in the order of training."
    )


def _places(names: Sequence[Any]) -> dict[str, list[Any]]:
    """Names of columns in the data, by the same names as text."""
    places: dict[str, list[Any]] = {}
    for each in names:
        places.setdefault(str(each), []).append(each)
    return places


def _without_names(x: Any, names: Sequence[Any], name: str) -> ValueError:
    """Error for a table where the features of a model have no names."""
    return ValueError(
        f"{name}: expected an array, as the features of this model have no names. Received: "
        f"{type_of(x)} with the columns {quoted(names) or 'none'}. Pass its values in the "
        "order of training (.to_numpy())."
    )


def _missing(
    x: Any, places: Mapping[str, list[Any]], wanted: Sequence[str], name: str
) -> ValueError:
    """Error for data that lacks columns."""
    missing = [each for each in wanted if each not in places]
    kind = "a column" if len(missing) == 1 else "the columns"
    return ValueError(
        f"{name}: expected {kind} {quoted(missing)}. Received: {type_of(x)} with "
        f"{quoted([*places]) or 'no columns'}.{meant(missing, places, wanted)}"
    )


def _column(x: Any, places: Mapping[str, list[Any]], wanted: str, name: str) -> Any:
    """One column, or its value in a single row: masked, or an array."""
    found = places[wanted]
    if len(found) != 1:
        raise ValueError(
            f"{name}: expected a column {wanted!r}. Received: {len(found)} of that name."
        )
    if hasattr(x, "_fields"):
        return np.asanyarray(getattr(x, found[0]))
    try:
        return np.asanyarray(x[found[0]])
    except TypeError as error:  # of a query that is still to be run, or on another device
        raise ValueError(
            f"{name}: expected a table in memory. Received: {type_of(x)}, whose columns cannot be "
            "read. Load it first (.collect(), .compute(), .to_pandas())."
        ) from error


def _numbers(
    column: NDArray[Any], called: str, name: str, *, allow_missing: bool = False
) -> NDArray[Any]:
    """Numbers of a column; whole ones become float64, as they do in files."""
    if isinstance(column, np.ma.MaskedArray):
        raise ValueError(f"{name}: expected numbers in {called!r}. Received: a masked array.")
    values = np.asarray(column)
    if values.dtype.kind in "biu" or not values.size:
        return values.astype(np.float64)
    if values.dtype.kind == "f":
        return values
    if values.dtype.kind == "O":
        flat = [_number(cell, allow_missing=allow_missing) for cell in values.reshape(-1)]
        if None not in flat:
            return np.array(flat, np.float64).reshape(values.shape)
        place = flat.index(None)
    else:
        place = 0
    where = f" in row {place}" if values.ndim else ""
    raise ValueError(
        f"{name}: expected numbers in column {called!r}. Received: "
        f"{values.reshape(-1)[place]!r:.60}{where}."
    )


def _number(cell: Any, *, allow_missing: bool = False) -> float | None:
    """Float of a cell; None for other things, and for numbers too large, such as 10**400."""
    if allow_missing and not name_text(cell):
        return math.nan
    try:
        return float(cell) if isinstance(cell, numbers.Real | Decimal) else None
    except (OverflowError, ValueError):
        return None


def _says_names(x: Any) -> bool:
    return any(hasattr(x, attribute) for attribute in NAMES)


def _is_labelled(x: Any) -> bool:
    """True for data with names that only its own library can read.

    A stream of Arrow, a series of structs (Polars), an array whose places are labelled (xarray).
    """
    if any(hasattr(x, f"__arrow_c_{kind}__") for kind in ("stream", "array")):
        is_struct = bool(getattr(getattr(x, "dtype", None), "fields", ()))
        return is_struct or not hasattr(x, "__array__")
    return hasattr(x, "dims") and bool(len(getattr(x, "coords", ())))


def _is_list(x: Any) -> bool:
    """True for a sequence of rows or of numbers, but no row with names."""
    if isinstance(x, list):
        return True
    return isinstance(x, Sequence) and not isinstance(x, BUFFERS) and not _says_names(x)
