"""Places of many numbers among boundaries, without a binary search for each.

The middle of the range is cut into cells of equal width, far more than there are boundaries. Nearly
all cells hold one boundary at most: there, a comparison says what a search would. The cell of a
number never falls as the number grows, however it is rounded, so that the answer is exact.
"""

import numpy as np
from numpy.typing import NDArray

CELLS = 16  # for each boundary
MOST_CELLS = 2**16  # what they take, 9 bytes each, is to stay in a processor's cache
MIDDLE = 0.001, 0.98  # shares of boundaries; scores have a long tail above, where few numbers fall
LEAST_FOR_BUCKETS = 4096  # numbers from which on cells pay for themselves


class Steps:
    """Finds numbers among boundaries.

    Args:
        boundaries: float32 (n,), ascending.
    """

    def __init__(self, boundaries: NDArray[np.float32]) -> None:
        self._boundaries = boundaries
        self._cells: _Cells | None = None

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.intp]:
        """Number of boundaries below each value (batch,); all are below a NaN."""
        if len(values) < LEAST_FOR_BUCKETS:
            return self._boundaries.searchsorted(values)
        if self._cells is None:  # by two threads at a time it is made twice, and is the same
            self._cells = _Cells(self._boundaries)
        return self._cells(values)


class _Cells:
    def __init__(self, boundaries: NDArray[np.float32]) -> None:
        n = len(boundaries)
        self._boundaries = boundaries
        self._low, high = boundaries[[int(share * n) for share in MIDDLE]]
        self._number = min(CELLS * n, MOST_CELLS)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            self._per_unit = np.float32(self._number) / (high - self._low)
        self._is_usable = bool(np.isfinite(self._per_unit) and self._per_unit > 0)
        if self._is_usable:
            self._fill()

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.intp]:
        if not self._is_usable:  # boundaries that are nearly all the same, or infinite
            return self._boundaries.searchsorted(values)
        cell = self._cell(values)
        found = self._before.take(cell)
        found += self._boundary.take(cell) < values
        unsure = np.flatnonzero(self._is_unsure.take(cell))
        found[unsure] = self._boundaries.searchsorted(values[unsure])
        return found

    def _fill(self) -> None:
        """For each cell: boundaries before it, the first in it, and True where it has more."""
        cell, cells = self._cell(self._boundaries), np.arange(self._number)
        self._before = cell.searchsorted(cells)
        self._boundary = self._boundaries.take(self._before, mode="clip")
        self._boundary[np.bincount(cell, minlength=self._number) == 0] = np.inf
        self._is_unsure = np.bincount(cell, minlength=self._number) > 1
        self._is_unsure[[0, -1]] = True  # where all that is outside falls, and NaN

    def _cell(self, values: NDArray[np.float32]) -> NDArray[np.int32]:
        with np.errstate(over="ignore", invalid="ignore"):
            place = (values - self._low) * self._per_unit
        # fmin gives the last cell for NaN
        cell: NDArray[np.int32] = np.fmax(np.fmin(place, self._number - 1), 0).astype(np.int32)
        return cell
