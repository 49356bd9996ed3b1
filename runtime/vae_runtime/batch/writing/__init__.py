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

from collections.abc import Callable
from pathlib import Path

from vae_runtime.rows.blocks import Columns

from .arrays import NpyWriter, NpzWriter, check_arrays
from .columnar import IpcWriter, ParquetWriter, check_arrow, check_parquet
from .protocol import Opener as Opener
from .protocol import Writer as Writer
from .text import CsvWriter, JsonLinesWriter, check_json_values, check_text

WRITERS: dict[str, Opener] = {
    ".csv": CsvWriter,
    ".jsonl": JsonLinesWriter,
    ".npz": NpzWriter,
    ".npy": NpyWriter,
    ".parquet": ParquetWriter,
    ".arrow": IpcWriter,
    ".feather": IpcWriter,
}

CHECKS: dict[str, Callable[[Columns, Path], None]] = {
    ".csv": check_text,
    ".jsonl": check_text,
    ".npz": check_arrays,
    ".npy": check_arrays,
    ".parquet": check_parquet,
    ".arrow": check_arrow,
    ".feather": check_arrow,
}


VALUE_CHECKS: dict[str, Callable[[Columns, Path], None]] = {".jsonl": check_json_values}


def check_columns(columns: Columns, path: Path, ending: str) -> None:
    """Raises ValueError, before any row is read, for columns that an output cannot hold."""
    if ending in CHECKS:
        CHECKS[ending](columns, path)


def check_kept_values(columns: Columns, path: Path, ending: str) -> None:
    """Raises ValueError where an output would change a value of a column that is kept.

    Of types that the output has; what of these no writer can write, it refuses itself.
    """
    if ending in VALUE_CHECKS:
        VALUE_CHECKS[ending](columns, path)


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
