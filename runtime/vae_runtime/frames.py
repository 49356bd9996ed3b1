"""Data whose columns have names: matched by name, as those of files are, never by position.

A data frame (pandas, Polars), a table or record batch of Arrow, a structured array of numpy, a
mapping of columns, a row with names (a series, a named tuple): none of these libraries is imported,
their objects are asked for what they have.
"""

import numbers
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAMES = ("column_names", "columns", "keys", "_fields")  # where an object says its columns

SHOWN = 5  # names in an error


def has_names(x: Any) -> bool:
    """Whether the columns of `x` have names; or of each of its rows, where it is a list of rows."""
    if _is_list(x):
        return bool(x) and has_names(x[0])
    if isinstance(x, np.ndarray | np.generic):
        return x.dtype.names is not None
    is_stream = hasattr(x, "__arrow_c_stream__") and not hasattr(x, "__array__")
    return is_stream or any(hasattr(x, attribute) for attribute in (*NAMES, "__dataframe__"))


def named_array(x: Any, wanted: Sequence[str] | None, name: str = "x") -> NDArray[Any]:
    """The columns that a model takes, by their names and in its order.

    Args:
        x: with named columns, see `has_names`; others than these are left alone.
        wanted: the names; None of a model whose features have none.
        name: of x, for errors.

    Returns:
        (..., columns), of the shape that each column has; float64 but for columns of floats.

    Raises:
        ValueError: a column is missing, there twice, or holds what is no number.
    """
    if _is_list(x):
        return np.stack([named_array(row, wanted, f"{name}[{i}]") for i, row in enumerate(x)])
    names = _names(x, name)
    if names == [*range(len(names))]:  # what pandas calls the columns of an array
        return np.asarray(x)
    if wanted is None:
        raise ValueError(
            f"{name}: expected an array, as the features of this model have no names. Received: "
            f"{_type(x)} with the columns {_some(names)}. Pass its values in the order of training "
            "(.to_numpy())."
        )
    return np.stack([_numbers(_column(x, names, each, name), each, name) for each in wanted], -1)


def _names(x: Any, name: str) -> list[Any]:
    """The names of its columns."""
    if isinstance(x, np.ndarray | np.generic):
        return [*(x.dtype.names or ())]
    for attribute in NAMES:
        if hasattr(x, attribute):
            found = getattr(x, attribute)
            return [*(found() if callable(found) else found)]
    raise ValueError(
        f"{name}: expected an array, or a table whose columns can be taken by name. Received: "
        f"{_type(x)}. Make a pandas, Polars or pyarrow table of it first, or an array with the "
        "columns in the order of training."
    )


def _column(x: Any, names: Sequence[Any], wanted: str, name: str) -> Any:
    """One column, or its value in a single row."""
    found = [each for each in names if str(each) == wanted]
    if len(found) != 1:
        had = f"{len(found)} of that name" if found else f"{_type(x)} with {_some(names)}"
        raise ValueError(f"{name}: expected a column {wanted!r}. Received: {had}.")
    if hasattr(x, "_fields"):
        return getattr(x, found[0])
    try:
        return x[found[0]]
    except TypeError as error:  # of a query that is still to be run
        raise ValueError(
            f"{name}: expected a table in memory. Received: {_type(x)}, whose columns cannot be "
            "read. Load it first (.collect(), .compute(), .to_pandas())."
        ) from error


def _numbers(column: Any, called: str, name: str) -> NDArray[Any]:
    """A column as numbers; whole ones as float64, as they are read from files."""
    if isinstance(column, np.ma.MaskedArray):
        raise ValueError(f"{name}: expected numbers in {called!r}. Received: a masked array.")
    values = np.asarray(column)
    if values.dtype.kind in "biu":
        return values.astype(np.float64)
    if values.dtype.kind == "f":
        return values
    if values.dtype.kind == "O":
        flat = [_number(cell) for cell in values.reshape(-1)]
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


def _number(cell: Any) -> float | None:
    return float(cell) if isinstance(cell, numbers.Real | Decimal) else None


def _type(x: Any) -> str:
    return f"a {type(x).__module__.split('.')[0]} {type(x).__name__}"


def _some(names: Sequence[Any]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(f"{str(each)!r:.60}" for each in names[:SHOWN]) + more


def _is_list(x: Any) -> bool:
    """Whether it is a list of rows, and no row with names."""
    return isinstance(x, list | tuple) and not hasattr(x, "_fields")
