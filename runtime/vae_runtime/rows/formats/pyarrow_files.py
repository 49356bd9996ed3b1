"""Opener of Parquet files and of Arrow's, through pyarrow, an extra; errors name the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vae_runtime._base.libraries import need

INDEX = "__index_level_"  # pandas keeps a row index under such names; it is no measurement


def open_parquet(file: Path, metadata: Any = None) -> Any:
    """Opens the file as pyarrow's `ParquetFile`; `metadata` is its footer, if known already."""
    pq = reader_of(file, "Parquet", "pyarrow.parquet")
    with naming(file):
        return pq.ParquetFile(file, metadata=metadata, pre_buffer=False)


def reader_of(file: Path, format: str, module: str = "pyarrow") -> Any:
    """Imports pyarrow, or a module of it, to read a file; ValueError for a missing pyarrow."""
    return need(module, f"{file}: reading {format}", "give the rows as .npy or .csv")


@contextmanager
def naming(file: Path, format: str = "Parquet") -> Iterator[None]:
    """Context that turns pyarrow's errors into a ValueError that names the damaged file."""
    import pyarrow as pa

    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        first_line = str(error).strip().split("\n")[0]
        raise ValueError(f"{file} is not a readable {format} file: {first_line}") from error
