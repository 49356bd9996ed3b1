"""Steps from row to row: of a column that may be a counter, and of times."""

import math

import numpy as np

from vae_keras._base.arrays import Array
from vae_runtime.rows.times.gaps import GAP

FINE = 200  # sizes of steps that are told apart, between one and e times it


class Steps:
    """Steps of a column's values, counted block by block.

    `up`, `same` and `down` are how many steps are above, at and below 0, `low` and `high` the least
    and the largest value. `apart` are the steps
    within recordings, which may be interleaved; None where nothing names these.
    """

    def __init__(self) -> None:
        self.up = self.same = self.down = 0
        self.longest = 0.0
        self.low, self.high = math.inf, -math.inf
        self.apart: Steps | None = None
        self._last: dict[int, float] = {}  # by the number of a recording
        self._sizes: dict[int, tuple[int, float]] = {}  # by its logarithm: count, one of them

    def begin(self) -> None:
        """Begins a file: from the last row of one to the first of another is no step."""
        self._last = {}
        if self.apart is not None:
            self.apart.begin()

    def add(self, values: Array, names: Array | None = None) -> None:
        """Adds the values of a block (rows,); those that are NaN are passed over.

        Args:
            values: of the column.
            names: int (rows,), the number of the recording that each row is of.
        """
        known = np.flatnonzero(~np.isnan(values))
        self._add(values[known], np.zeros(len(known), int))
        if names is not None:
            self.apart = Steps() if self.apart is None else self.apart
            order = known[np.argsort(names[known], kind="stable")]
            self.apart._add(values[order], names[order])

    def _add(self, values: Array, names: Array) -> None:
        """Adds values, recording by recording."""
        if not len(values):
            return
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))
        first = np.flatnonzero(np.diff(names, prepend=names[0] - 1))
        before = np.concatenate([values[:1], values[:-1]])
        before[first] = [self._last.get(name, np.nan) for name in names[first].tolist()]
        steps = (values - before)[~np.isnan(before)]
        ends = np.append(first[1:], len(values)) - 1
        self._last.update(zip(names[ends].tolist(), values[ends].tolist(), strict=True))
        self.same += int((steps == 0).sum())
        self.down += int((steps < 0).sum())
        rising = steps[steps > 0]
        self.up += len(rising)
        if len(rising):
            self.longest = max(self.longest, float(rising.max()))
            self._count(rising)

    @property
    def total(self) -> int:
        """Number of steps."""
        return self.up + self.same + self.down

    def usual(self) -> float | None:
        """The median of the steps above 0; None where there are none."""
        seen = 0
        for size in sorted(self._sizes):
            count, step = self._sizes[size]
            seen += count
            if 2 * seen >= self.up:
                return step
        return None

    def gap_of(self, usual: float) -> float:
        """The longest step that is no hole, as the reader of times has it."""
        return usual * GAP * (1 + 1 / FINE)

    def within(self, low: float, high: float = math.inf) -> int:
        """Number of steps from `low` to `high`, to half a percent."""
        return sum(count for count, step in self._sizes.values() if low <= step <= high)

    def _count(self, rising: Array) -> None:
        sizes, first, counts = np.unique(
            np.rint(np.log(rising) * FINE).astype(int), return_index=True, return_counts=True
        )
        for size, one, count in zip(sizes.tolist(), first.tolist(), counts.tolist(), strict=True):
            known, step = self._sizes.get(size, (0, float(rising[one])))
            self._sizes[size] = (known + count, step)
