"""Sample of rows at even distances, of a table whose length nobody knows beforehand."""

import numpy as np

from vae_keras._base.arrays import Array

MOST = 8_192  # rows that are kept; half of them and more, once there were so many


class Sample:
    """Every n-th value of a column, in order; n doubles when there are too many.

    Columns of one table that are given the same rows keep the same rows.
    """

    def __init__(self) -> None:
        self._step, self._rows = 1, 0
        self._kept: list[Array] = []
        self._count = 0

    def add(self, values: Array) -> None:
        """Adds a block of values (rows,), which follow on those before."""
        kept = values[-self._rows % self._step :: self._step]
        self._kept.append(kept)
        self._count += len(kept)
        self._rows += len(values)
        while self._count > MOST:
            every_other = np.concatenate(self._kept)[::2]
            self._kept, self._count = [every_other], len(every_other)
            self._step *= 2

    def values(self) -> Array:
        """The values that are kept: (rows of the sample,)."""
        return np.concatenate(self._kept) if self._kept else np.empty(0)
