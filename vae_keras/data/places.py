"""Places that rows and windows are from: rows of a table, times, recordings, names of files."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from vae_keras._base.arrays import Array


@dataclass(frozen=True)
class Places:
    """Places in a source that examples are from, each (rows,); None where a source has none such.

    Args:
        first, last: numbers of the first and the last row of the source.
        time: of the last row, as it was read.
        recording: the name of the recording, text.
        file: the name of the file that each is alone in, as of images, text.

    >>> Places.of_rows(3, time=np.array([0.0, 0.5, 1.0]))[[0, 2]].time.tolist()
    [0.0, 1.0]
    """

    first: Array
    last: Array
    time: Array | None = None
    recording: Array | None = None
    file: Array | None = None

    @classmethod
    def of_rows(cls, rows: int, **columns: Array | None) -> "Places":
        """Places of rows that are examples by themselves."""
        recording = columns.pop("recording", None)
        names = None if recording is None else np.asarray(recording).astype(str)
        return cls(np.arange(rows), np.arange(rows), recording=names, **columns)

    def __getitem__(self, which: Any) -> "Places":
        """Selects places by index or mask."""
        each = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: a[which] for name, a in each.items() if a is not None})

    def of_windows(self, starts: Array, ends: Array) -> "Places":
        """Places of windows, given the numbers of their first and last rows: each (windows,)."""
        last = self[ends]
        return Places(self.first[starts], last.last, last.time, last.recording, last.file)
