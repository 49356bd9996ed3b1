"""Statistics of columns before training: each column's range, and what decides it."""

from collections.abc import Sequence

import numpy as np

from vae_keras._base.arrays import Array, Shape

from . import one_hot

# A column's standard deviation over the range of its middle half, above which a few values make it
# up: 0.74 of normal values, some 2 of a lognormal of sigma 1.5.
OUTLIER_RATIO = 20.0


class ColumnStats:
    """Range of each column over the usable rows, gathered block by block.

    Args:
        names: of the columns, None where they have none.
        groups: sizes of the one-hot groups that the last columns are.
    """

    def __init__(self, names: Sequence[str] | None, groups: Shape = ()) -> None:
        self._names, self._groups = names, groups
        self.low: Array = np.array(np.inf)  # each of a row's shape
        self.high: Array = np.array(-np.inf)
        self._normal_low, self._normal_high = self.low, self.high

    def add(self, x: Array, y: Array) -> None:
        """Adds a block: x (rows, ...) of usable rows, y True for anomalies."""
        self.low, self.high = _widened(self.low, self.high, x)
        self._normal_low, self._normal_high = _widened(self._normal_low, self._normal_high, x[~y])

    def constant(self) -> list[int]:
        """Indices of the columns that never change in normal rows; one-hot columns are left out."""
        free = self.low.size - sum(self._groups)
        same = np.broadcast_to(self._normal_low == self._normal_high, self.low.shape)
        return np.flatnonzero(same[:free]).tolist()

    def check_kinds(self) -> None:
        """Raises ValueError where a kind of a one-hot group is in no row."""
        if self._groups and self._names:
            one_hot.check_kinds(self._normal_high > 0, self._names, self._groups)


def outlier_warnings(x: Array, names: Sequence[str]) -> list[str]:
    """Warnings about columns whose scale is decided by a few outliers, such as -999 for "missing".

    Args:
        x: normal rows (rows, columns).
        names: of the columns.
    """
    low, middle, high = np.quantile(x, (0.25, 0.5, 0.75), axis=0)
    usual, deviation = high - low, x.astype(np.float64).std(axis=0)
    outliers = np.flatnonzero((usual > 0) & (deviation > OUTLIER_RATIO * usual)).tolist()
    worst = np.abs(x - middle).argmax(axis=0)
    return [
        f"column {names[i]!r} has values far beyond all others, {x[worst[i], i]:g} beside "
        f"{low[i]:g} to {high[i]:g}, which decide its scale: what is usual will look the same in "
        "every row. Leave such rows out if they are no readings."
        for i in outliers
    ]


def _widened(low: Array, high: Array, x: Array) -> tuple[Array, Array]:
    if not len(x):
        return low, high
    return np.minimum(low, x.min(0)), np.maximum(high, x.max(0))
