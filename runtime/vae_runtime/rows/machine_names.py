"""Names of the machines that rows are of, as columns of tables and callers give them."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import plain_array
from .names.name_texts import name_texts

NAMELESS = "expected the name of a machine. Received: none."


def names_of(values: ArrayLike, rows: int) -> NDArray[np.str_]:
    """The name of each row's machine, from text or whole numbers; see `name_texts`, `check_name`.

    Args:
        values: (rows,).
        rows: as many as there must be.

    Raises:
        ValueError: they are something else, or some row has none.
    """
    given = plain_array(values, "machines")
    if given.shape != (rows,):
        raise ValueError(
            f"machines: expected a name for each of {rows} rows. Received: shape {given.shape}."
        )
    names = name_texts(given)
    unnamed = np.flatnonzero(names == "")
    if len(unnamed) or not _can_be_names(given):
        received = f"none in row {unnamed[0]} ({len(unnamed)} such rows)" if len(unnamed) else given
        raise ValueError(
            "machines: expected the name of a machine, text or a whole number, for each row. "
            f"Received: {received!s:.60}."
        )
    return names


def _can_be_names(given: NDArray[Any]) -> bool:
    """True for text and whole numbers; these are floats once one cell of their column is empty."""
    if given.dtype.kind == "f":
        return bool((np.isfinite(given) & (given == np.rint(given))).all())
    return given.dtype.kind in "iuUO"


def of_windows(names: NDArray[np.str_]) -> NDArray[np.str_]:
    """The machine of each window, by names (windows, window); ValueError where rows are of two."""
    mixed = np.flatnonzero((names != names[:, :1]).any(axis=1))
    if len(mixed):
        both = " and ".join(np.unique(names[mixed[0]])[:2])
        raise ValueError(
            f"expected windows of one machine each. Received: a window over rows of {both} "
            f"({len(mixed)} such windows). Name the column of machines as --recording too."
        )
    return names[:, 0]


def names_or_bad(values: NDArray[Any], bad: dict[int, str]) -> NDArray[np.str_]:
    """Names from text or whole numbers, (rows,); "" of a row without one, which goes to `bad`.

    Raises:
        ValueError: they can be no names at all, as numbers that are not whole.
    """
    named = name_texts(values) != ""
    for place in np.flatnonzero(~named).tolist():
        bad.setdefault(place, NAMELESS)
    if named.all():
        return names_of(values, len(values))
    known = names_of(values[named], int(named.sum())) if named.any() else np.array([], "U1")
    names = np.zeros(len(values), known.dtype)
    names[named] = known
    return names
