"""Statistics of columns before training: which rows are usable, and each column's range."""

from collections.abc import Sequence

import numpy as np

from vae_keras._base.arrays import Array, Shape

from . import one_hot

# A column's standard deviation over the range of its middle half, above which a few values make it
# up: 0.74 of normal values, some 2 of a lognormal of sigma 1.5.
OUTLIER_RATIO = 20.0


class ColumnStats:
    """Range of each column and the usable rows, gathered block by block.

    Args:
        names: of the columns, None where they have none.
        groups: sizes of the one-hot groups that the last columns are.
        allow_bad: whether rows with missing or infinite values are passed over; else they are an
            error that names row and column.
    """

    def __init__(
        self, names: Sequence[str] | None, groups: Shape = (), *, allow_bad: bool = False
    ) -> None:
        self._names, self._groups, self._allow_bad = names, groups, allow_bad
        self._good: list[Array] = []
        self._rows = 0
        self.low: Array = np.array(np.inf)  # of the good rows, each of a row's shape
        self.high: Array = np.array(-np.inf)
        self._normal_low, self._normal_high = self.low, self.high

    def add(self, x: Array, y: Array) -> None:
        """Adds a block: x (rows, ...), y True for anomalies; ValueError where x is not finite."""
        good = np.asarray(np.isfinite(x).all(axis=tuple(range(1, x.ndim))))
        if not (self._allow_bad or good.all()):
            self._refuse(x, good)
        if self._groups and self._names:
            numbers = self._rows + np.flatnonzero(good)
            one_hot.check_rows(x[good], self._names, self._groups, numbers)
        self.low, self.high = _widened(self.low, self.high, x[good])
        normal = x[good & ~y]
        self._normal_low, self._normal_high = _widened(self._normal_low, self._normal_high, normal)
        self._good.append(good)
        self._rows += len(x)

    def good(self) -> Array:
        """Mask of the rows that can be used: bool (rows,); ValueError where there are none."""
        good = np.concatenate(self._good)
        if not good.any():
            raise ValueError(
                f"expected rows of finite numbers. Received: {len(good)} rows, each with a missing "
                "or infinite value. Look for a column that is empty (--columns names others)."
            )
        return good

    def constant(self) -> list[int]:
        """Indices of the columns that never change in normal rows; one-hot columns are left out."""
        free = self.low.size - sum(self._groups)
        same = np.broadcast_to(self._normal_low == self._normal_high, self.low.shape)
        return np.flatnonzero(same[:free]).tolist()

    def check_kinds(self) -> None:
        """Raises ValueError where a kind of a one-hot group is in no row."""
        if self._groups and self._names:
            one_hot.check_kinds(self._normal_high > 0, self._names, self._groups)

    def _refuse(self, x: Array, good: Array) -> None:
        row, *position = np.argwhere(~np.isfinite(x))[0].tolist()
        where = (
            f"column {self._names[position[0]]!r}" if self._names else f"position {tuple(position)}"
        )
        raise ValueError(
            f"expected finite numbers that fit float32. Received: {x[(row, *position)]} in row "
            f"{self._rows + row}, {where} ({int((~good).sum())} rows have such values). Clean "
            "them, or leave such rows out: --bad-rows drop."
        )


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
