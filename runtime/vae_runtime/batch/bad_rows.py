"""Good and bad rows of a block, with a reason for each bad one, and the file that lists these."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime.backends.chunks import ArrayCheck
from vae_runtime.rows.blocks import Block


class Reject(NamedTuple):
    """A row that cannot be judged, by its number in its file, and why."""

    file: str
    row: int
    reason: str


class Sorted(NamedTuple):
    """The good rows as a model takes them, which they are of the block, and why others are not."""

    x: NDArray[Any]
    good: NDArray[np.bool_]
    reasons: dict[int, str]


def sort_out(block: Block, check: ArrayCheck) -> Sorted:
    """Tells the rows of a block apart.

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
    """Adds why rows are bad, by halving what holds some: few checks where few are."""
    try:
        check(rows, None)
    except ValueError as error:
        if len(rows) == 1:
            reasons[int(places[0])] = str(error)
            return
        half = len(rows) // 2
        _find_bad(rows[:half], places[:half], check, reasons)
        _find_bad(rows[half:], places[half:], check, reasons)


class RejectFile:
    """A list of rows that were left out, as CSV: their file, their number in it, and why.

    Args:
        path: of the file, which is written at once.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", newline="", encoding="utf-8")
        self._lines = csv.writer(self._file, lineterminator="\n")
        self._lines.writerow(Reject._fields)

    def write(self, rejects: Iterable[Reject]) -> None:
        """Adds rows."""
        self._lines.writerows(rejects)

    def close(self) -> None:
        """Ends the file."""
        self._file.close()
