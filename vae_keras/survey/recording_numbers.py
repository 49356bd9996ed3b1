"""Numbers of the recordings or machines that rows are of, by a column's name."""

from collections.abc import Mapping

import numpy as np

from vae_keras._base.arrays import Array

from .cells import Cells

MOST = 100_000  # names; more are no recordings


class RecordingNumbers:
    """Numbers names of recordings in the order in which they are met.

    Args:
        column: that names recordings; None where there is none.
    """

    def __init__(self, column: str | None) -> None:
        self.column = column
        self._known: dict[str | float, int] = {}

    def numbers(self, cells: Mapping[str, Cells]) -> Array | None:
        """Numbers of a block's rows, int (rows,); None where nothing names recordings."""
        if self.column is None:
            return None
        column = cells[self.column]
        if column.texts is None:
            numbers = np.nan_to_num(column.numbers, nan=np.inf)  # one name for none
            different, places = np.unique(numbers, return_inverse=True)
            found = different.tolist()
        else:
            coded = column.texts.fill_null("").dictionary_encode()
            found = coded.dictionary.to_pylist()
            places = coded.indices.to_numpy(zero_copy_only=False)
        each = [self._known.setdefault(name, len(self._known)) for name in found]
        if len(self._known) > MOST:
            self.column = None
            return None
        return np.asarray(each, int)[places]
