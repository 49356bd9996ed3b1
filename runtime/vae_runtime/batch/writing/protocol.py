"""Interface of all writers of results."""

from pathlib import Path
from typing import Protocol

from vae_runtime.rows.blocks import Columns


class Writer(Protocol):
    """A file of results that is being written: of equal tables in equal order, equal bytes."""

    def write(self, columns: Columns) -> None:
        """Adds rows: columns of one length, always of the same names and kinds."""

    def close(self) -> None:
        """Ends the file, which is whole then, or gives it up where a write has failed."""


class Opener(Protocol):
    """Opens a new file at a path."""

    def __call__(self, path: Path, /) -> Writer:
        """The writer."""
