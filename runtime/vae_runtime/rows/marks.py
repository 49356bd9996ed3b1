"""Labels of rows: which are anomalies, by a column of any format."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .blocks import Column
from .tables import number


def plain_column(column: Column) -> NDArray[Any]:
    """A column as an array of numpy; None, or NaN, where there is no value."""
    if isinstance(column, np.ndarray):
        return column
    import pyarrow.types as types

    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    chunked = hasattr(column, "chunks")
    values: NDArray[Any] = column.to_numpy() if chunked else column.to_numpy(zero_copy_only=False)
    return values


def marks_of(column: Column, name: str) -> tuple[NDArray[np.bool_], dict[int, str]]:
    """Tells which rows are anomalies, and why some rows say nothing usable, by their place.

    >>> marks_of(np.array(["0", "1", "broken"]), "state")[0].tolist()
    [False, True, False]
    """
    values = [_value(cell) for cell in plain_column(column).tolist()]
    bad = {
        place: f"expected 0 (normal) or 1 (anomaly) in column {name!r}. Received: "
        f"{_shown(column, place)}."
        for place, value in enumerate(values)
        if value not in (0.0, 1.0)
    }
    return np.array([value == 1.0 for value in values], bool), bad


def _value(cell: Any) -> float | None:
    try:
        return number(cell) if isinstance(cell, str) else float(cell)
    except (ValueError, TypeError):
        return None


def _shown(column: Column, place: int) -> str:
    cell = plain_column(column)[place : place + 1].tolist()[0]
    empty = cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())
    return "no value" if empty else f"{cell!r:.60}"
