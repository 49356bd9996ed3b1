"""Columns of values of JSON, each as its line has it: to arrays of one type, or refused by name.

Such a column is an array of objects: numbers, truths, text, None for null or no value, lists and
dicts.
"""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

MARK = b"JSON"  # that packed values begin with
TYPES = {"number": (int, float), "truth": (bool,), "text": (str,), "list": (list,), "dict": (dict,)}


def is_json(column: Any) -> bool:
    """True for a column of values of JSON."""
    return isinstance(column, np.ndarray) and column.dtype.kind == "O"


def pack_json(column: NDArray[np.object_]) -> bytes:
    """The values as bytes."""
    return MARK + json.dumps(column.tolist()).encode()


def unpack_json(content: bytes) -> NDArray[np.object_]:
    """The values that `pack_json` made these bytes of."""
    values = json.loads(content[len(MARK) :])
    column = np.empty(len(values), object)
    for i, value in enumerate(values):  # not at once: numpy would look into lists
        column[i] = value
    return column


def json_to_numpy(column: NDArray[np.object_], where: str, instead: str) -> NDArray[Any]:
    """Numbers, truths or text of one kind, one in each row, as an array.

    Raises:
        ValueError: they are of several kinds, or would change; begins with `where`.
    """
    values = column.tolist()
    if not values:
        return np.empty(0, np.float64)
    if None not in values and _kinds(values) in ({"number"}, {"truth"}, {"text"}):
        found = np.array(values)
        if found.dtype.kind in "biufU" and _same(found.tolist(), values):
            return found
    raise _mixed(values, where, instead)


def json_to_arrow(column: NDArray[np.object_], where: str, instead: str) -> Any:
    """Values of one kind as an array of Arrow, where no value is null.

    Raises:
        ValueError: they are of several kinds, or would change; begins with `where`.
    """
    import pyarrow as pa

    values = column.tolist()
    if len(_kinds(values)) > 1:
        raise _mixed(values, where, instead)
    try:
        found = pa.array(values)
    except (pa.ArrowException, OverflowError) as error:
        raise _mixed(values, where, instead) from error
    if not _same(found.to_pylist(), values):
        raise _mixed(values, where, instead)
    return found


def _kinds(values: list[Any]) -> set[str]:
    found = {type(value) for value in values} - {type(None)}
    return {kind for kind, types in TYPES.items() if found & set(types)}


def _same(found: list[Any], values: list[Any]) -> bool:
    """True for equal values; NaN equals NaN."""
    pairs = zip(found, values, strict=True)
    return all(a == b or (a != a and b != b) for a, b in pairs)


def _mixed(values: list[Any], where: str, instead: str) -> ValueError:
    shown = dict.fromkeys(f"{json.dumps(value):.40}" for value in values[:1000])
    return ValueError(
        f"{where}: expected values of one type that this format has. Received: "
        f"{', '.join(list(shown)[:3])}. Write {instead}, or leave the column out."
    )
