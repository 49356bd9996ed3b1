"""Windows at every offset of a table, cut only when they are read.

A device may begin anywhere in a series: a model that has seen every fourth offset knows a fourth of
the phases that a period has, and alarms on the others. So training draws from the windows at every
offset. As an array these would take `window` times the memory of the table, and neighbours among
them hardly differ: an epoch, and each set that is held back, has as many as there would be at a
stride, so that neither costs more.
"""

from typing import Any

import numpy as np

from vae_keras._base.arrays import Array, Shape
from vae_runtime.rows.windows.windows import covered_rows


class Windows:
    """Array-like (windows, window, channels) of the windows at every offset of a table.

    Args:
        table: (rows, channels), one recording after the other.
        starts: int64 (windows,), the row of the table at which each begins.
        window: rows in a window.
        counted: bool (windows,), those that stand for their neighbours where each window costs or
            is judged, see `vae_runtime.rows.windows.windows.one_of`; how many an epoch draws.

    >>> x = Windows(np.arange(10.0)[:, None], np.arange(8), 3, np.arange(8) % 4 == 0)
    >>> x.shape, x.epoch_rows
    ((8, 3, 1), 2)
    >>> x[:2, ..., 0].tolist()
    [[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]]
    """

    def __init__(self, table: Array, starts: Array, window: int, counted: Array) -> None:
        self.table, self.starts, self.window, self.counted = table, starts, window, counted
        self.dtype: np.dtype[Any] = table.dtype

    @property
    def shape(self) -> Shape:
        """Shape of the array: (windows, window, channels)."""
        return (len(self.starts), self.window, *self.table.shape[1:])

    @property
    def epoch_rows(self) -> int:
        """Number of windows that are drawn for one epoch."""
        return int(self.counted.sum())

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, which: Any) -> Array:
        """Cuts the windows at this numpy index."""
        first, *rest = which if isinstance(which, tuple) else (which,)
        starts = np.asarray(self.starts[first])
        found = self.table[starts[..., None] + np.arange(self.window)]
        return found[(slice(None), *rest)] if rest else found

    def select(self, which: Any) -> "Windows":
        """Selects windows by index without cutting them."""
        return Windows(self.table, self.starts[which], self.window, self.counted[which])

    def covered(self) -> Array:
        """Mask of the table's rows that are in some window: bool (rows,)."""
        return covered_rows(len(self.table), self.starts, self.window)
