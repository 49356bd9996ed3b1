"""Columns of any library as arrays of numpy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def plain_column(column: Any) -> NDArray[Any]:
    """A column as an array of numpy; of pyarrow, None or NaN where there is no value."""
    if isinstance(column, np.ndarray) or not hasattr(column, "type"):
        return np.asarray(column)
    if hasattr(column.type, "index_type"):  # a dictionary
        column = column.cast(column.type.value_type)
    chunked = hasattr(column, "chunks")
    values: NDArray[Any] = column.to_numpy() if chunked else column.to_numpy(zero_copy_only=False)
    return values
