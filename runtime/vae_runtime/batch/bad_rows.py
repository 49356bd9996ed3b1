"""File that lists bad rows."""

import csv
from collections.abc import Iterable
from pathlib import Path

from vae_runtime.rows.bad_rows import Reject


class RejectFile:
    """A list of rows that were left out, as CSV: their file, their number in it, and why.

    Args:
        path: of the file, which is written at once.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", newline="", encoding="utf-8")
        self._lines = csv.writer(self._file, lineterminator="\n")
        self._lines.writerow(Reject._fields)

    def write(self, rejects: Iterable[Reject]) -> None:
        """Adds rows."""
        self._lines.writerows(rejects)

    def close(self) -> None:
        """Ends the file."""
        self._file.close()
