"""Blocks of rows of files, as the survey takes them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vae_keras._base.arrays import Array

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


def arrays_of(file: Path) -> dict[str, Array]:
    """Arrays of a file whose rows have more than one axis, x among them; none of other files."""
    if file.suffix not in (".npz", ".npy"):
        return {}
    found = _load(file)
    return found if found["x"].ndim > 2 else {}


def _load(file: Path) -> dict[str, Array]:
    found = np.load(file, allow_pickle=False)
    if isinstance(found, np.ndarray):
        return {"x": found}
    return {("x" if key == "X" else key): found[key] for key in found.files}


def _arrays(file: Path) -> dict[str, Any]:
    found = _load(file)
    x = found.pop("x")
    columns = {str(i + 1): x[:, i] for i in range(x.shape[1])}
    return columns | {key: values for key, values in found.items() if values.shape == x.shape[:1]}
