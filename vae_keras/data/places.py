"""Places that rows and windows are from: rows of a table, times, recordings, names of files."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from vae_keras._base.arrays import Array, Arrays

KEY = "place_"  # what the names of arrays begin with, in files of rows


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

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Array]) -> "Places | None":
        """Places of rows among arrays that `arrays` made; None where these were not kept."""
        known = {field.name: arrays.get(KEY + field.name) for field in fields(cls)}
        first, last = known.pop("first"), known.pop("last")
        if first is None or last is None:
            return None
        return cls(first, last, **{**known, "recording": arrays.get("recording")})

    def arrays(self) -> Arrays:
        """Arrays to be kept beside the rows, by name; recordings are kept there already."""
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        del known["recording"]
        return {KEY + name: _plain(each) for name, each in known.items() if each is not None}

    @property
    def order(self) -> Array:
        """Numbers of the rows in the order of the source, a recording after the other."""
        if self.recording is None:
            return np.argsort(self.last, kind="stable")
        _, number = np.unique(self.recording, return_inverse=True)
        begin = np.full(int(number.max(initial=0)) + 1, np.iinfo(np.int64).max)
        np.minimum.at(begin, number, self.last)
        return np.lexsort((self.last, begin[number]))

    def __getitem__(self, which: Any) -> "Places":
        """Selects places by index or mask."""
        each = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: a[which] for name, a in each.items() if a is not None})

    def of_windows(self, starts: Array, ends: Array) -> "Places":
        """Places of windows, given the numbers of their first and last rows: each (windows,)."""
        last = self[ends]
        return Places(self.first[starts], last.last, last.time, last.recording, last.file)


def _plain(values: Array) -> Array:
    """Values as a file of arrays can hold them: objects as text."""
    return values.astype(str) if values.dtype.kind == "O" else values
