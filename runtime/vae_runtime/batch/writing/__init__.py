"""Results to files, by format.

    .csv               numbers and text with a header line; lists become columns of their own
    .jsonl             an object a line
    .npz               an array for each column
    .npy               one column alone
    .parquet           row groups of a million rows; needs pyarrow
    .arrow, .feather   Arrow's IPC file; needs pyarrow

Rows are written as they come and never gathered beyond a row group, so memory stays flat. Equal
tables in equal order give equal bytes. But for .arrow and .feather it does not matter either how
the rows are cut into tables.
"""

from pathlib import Path

from .arrays import NpyWriter, NpzWriter
from .columnar import IpcWriter, ParquetWriter
from .protocol import Opener as Opener
from .protocol import Writer as Writer
from .text import CsvWriter, JsonLinesWriter

WRITERS: dict[str, Opener] = {
    ".csv": CsvWriter,
    ".jsonl": JsonLinesWriter,
    ".npz": NpzWriter,
    ".npy": NpyWriter,
    ".parquet": ParquetWriter,
    ".arrow": IpcWriter,
    ".feather": IpcWriter,
}


def open_writer(path: Path, ending: str) -> Writer:
    """A writer of a new file at `path`, in the format of an ending, which its own may differ from.

    Raises:
        ValueError: there is no such format, or it needs a package that is not installed.
    """
    if ending not in WRITERS:
        known = ", ".join(WRITERS)
        raise ValueError(
            f"{path}: expected an output of {known}. Received: {ending or 'no ending'}."
        )
    return WRITERS[ending](path)
