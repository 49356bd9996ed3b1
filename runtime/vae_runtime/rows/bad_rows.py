"""Good and bad rows of a block, with a reason for each bad one."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arrays import ArrayCheck
from .blocks import Block


class Reject(NamedTuple):
    """A row that cannot be judged, by its number in its file, and why."""

    file: str
    row: int
    reason: str

    def error(self) -> ValueError:
        """Error for this row, where bad rows are not rejected."""
        return ValueError(
            f"{self.file}, row {self.row}: {self.reason} To go on beside such rows, have them "
            "rejected (--on-bad-row reject)."
        )


class Sorted(NamedTuple):
    """Good rows as a model takes them, a mask of these, and reasons of the others by place."""

    x: NDArray[Any]
    good: NDArray[np.bool_]
    reasons: dict[int, str]


def sort_out(block: Block, check: ArrayCheck) -> Sorted:
    """Separates good and bad rows of a block.

    Raises:
        ValueError: no row can be of the model's shape, whatever its values.
    """
    x, reasons = block.x, dict(block.bad)
    if x.dtype.kind in "biu" and check.dtype.kind == "f":
        x = x.astype(check.dtype)  # as training took them
    good = np.ones(len(x), bool)
    good[list(reasons)] = False
    rows = x if good.all() else x[good]
    if len(rows) == 0:
        return Sorted(rows, good, reasons)
    try:
        return Sorted(check(rows), good, reasons)
    except ValueError:
        if x.shape[1:] != check.shape:
            raise
    _find_bad(rows, np.flatnonzero(good), check, reasons)
    good[list(reasons)] = False
    return Sorted(check(x[good]) if good.any() else x[good], good, reasons)


def _find_bad(
    rows: NDArray[Any], places: NDArray[np.int64], check: ArrayCheck, reasons: dict[int, str]
) -> None:
    """Adds the reason of each bad row; halves the rows to find them with few checks."""
    try:
        check(rows, None)
    except ValueError as error:
        if len(rows) == 1:
            reasons[int(places[0])] = str(error)
            return
        half = len(rows) // 2
        _find_bad(rows[:half], places[:half], check, reasons)
        _find_bad(rows[half:], places[half:], check, reasons)


def all_rejected(rejects: Sequence[Reject]) -> ValueError:
    """Error for rows that are all bad."""
    file, row, reason = rejects[0]
    return ValueError(
        f"expected a row that can be judged. Received: {len(rejects):,}, all of them rejected; the "
        f"first is row {row} of {file}: {reason}"
    )


def rejects_of(block: Block, reasons: dict[int, str]) -> tuple[Reject, ...]:
    """The bad rows of a block by their numbers in the file; of windows, those of their first."""
    numbers = next(iter(block.where.values()))
    return tuple(Reject(block.file, int(numbers[i]), reasons[i]) for i in sorted(reasons))
