"""Blocks of rows of files, as the survey takes them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .table import RawBlock

BLOCK = 2**22  # bytes


def blocks_of(files: Sequence[Path]) -> Iterator[RawBlock]:
    """Rows of files, block by block."""
    for file in files:
        yield from (RawBlock(str(file), columns) for columns in _columns(file))


def _columns(file: Path) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.csv as csv
    import pyarrow.parquet as parquet

    if file.suffix == ".parquet":
        for batch in parquet.ParquetFile(file).iter_batches():
            yield dict(zip(batch.schema.names, batch.columns, strict=True))
        return
    if file.suffix in (".npz", ".npy"):
        yield _arrays(file)
        return
    names = csv.open_csv(file).schema.names
    convert = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    options = csv.ReadOptions(block_size=BLOCK)
    for batch in csv.open_csv(file, read_options=options, convert_options=convert):
        yield dict(zip(batch.schema.names, batch.columns, strict=True))


def _arrays(file: Path) -> dict[str, Any]:
    found = np.load(file, allow_pickle=False)
    x = found if isinstance(found, np.ndarray) else found["X" if "X" in found else "x"]
    columns = {str(i + 1): x[:, i] for i in range(x.shape[1])}
    return columns | (
        {} if isinstance(found, np.ndarray) or "y" not in found else {"y": found["y"]}
    )
