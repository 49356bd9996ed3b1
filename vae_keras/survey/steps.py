"""Steps from row to row: of a column that may be a counter, and of times."""

import math

import numpy as np

from vae_keras._base.arrays import Array

FINE = 200  # sizes of steps that are told apart, between one and e times it


class Steps:
    """Steps of a column's values, counted block by block.

    `up`, `same` and `down` are how many steps are above, at and below 0; `begun` how many files.
    """

    def __init__(self) -> None:
        self.up = self.same = self.down = 0
        self.longest = 0.0
        self._last: float | None = None
        self._sizes: dict[int, tuple[int, float]] = {}  # by its logarithm: count, one of them

    def begin(self) -> None:
        """Begins a file: from the last row of one to the first of another is no step."""
        self._last = None

    def add(self, values: Array) -> None:
        """Adds the values of a block (rows,); those that are NaN are passed over."""
        values = values[~np.isnan(values)]
        if not len(values):
            return
        before = values[:1] if self._last is None else [self._last]
        steps = np.diff(np.concatenate([before, values]))
        steps = steps[1:] if self._last is None else steps
        self._last = float(values[-1])
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
