"""Rows of a .npy file, a shard at a time and without mapping it: memory stays flat."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime.rows.blocks import SHARD_BLOCKS, Block, Shard, Wanted
from vae_runtime.rows.text.tables import ColumnError

from .numpy_files import UNREADABLE, why_unreadable


class Header(NamedTuple):
    """Header of a .npy file: shape, order and type of its array, and where the numbers begin."""

    shape: tuple[int, ...]
    is_fortran: bool
    dtype: np.dtype[Any]
    begin: int

    @property
    def is_by_column(self) -> bool:
        """True for an array that is stored column by column."""
        return self.is_fortran and len(self.shape) > 1


def plan(path: Path, wanted: Wanted) -> list[Shard]:
    """Shards of rows."""
    with path.open("rb") as file:
        header = read_header(path, file)
    check_rows(path, header, wanted)
    if wanted.named:
        raise ColumnError(
            f"{path}: expected a file whose parts have names, for {', '.join(wanted.named)}. "
            "Received: a .npy file, a single array."
        )
    size = math.prod(header.shape) * header.dtype.itemsize
    if path.stat().st_size < header.begin + size:
        raise _cut(path, header)
    return _shards(path, header.shape[0], wanted)


def read(shard: Shard, wanted: Wanted) -> Iterator[Block]:
    """Reads rows, some at a time."""
    path = Path(shard.file)
    with path.open("rb") as file:
        header = read_header(path, file)
        size = math.prod(header.shape[1:]) * header.dtype.itemsize
        for start in range(shard.start, shard.stop, wanted.block_rows):
            stop = min(start + wanted.block_rows, shard.stop)
            if header.is_by_column:
                x = _by_column(path, file, header, slice(start, stop))
            else:
                file.seek(header.begin + start * size)
                x = read_array(path, file, header, stop - start)
            yield Block(shard.file, x, {"row": np.arange(start, stop)}, {})


def settle(path: Path, wanted: Wanted) -> Wanted:
    """Completes what is wanted by the shape of a row that the file has."""
    with path.open("rb") as file:
        return wanted._replace(shape=read_header(path, file).shape[1:])


def read_header(path: Path, file: IO[bytes]) -> Header:
    """The header of an array, at whose first number the file stands then."""
    try:
        version = np.lib.format.read_magic(file)
        reader = {(1, 0): np.lib.format.read_array_header_1_0}.get(
            version, np.lib.format.read_array_header_2_0
        )
        shape, is_fortran, dtype = reader(file)
    except UNREADABLE as error:
        raise ValueError(
            f"{path} is not a numpy file of plain numbers: {why_unreadable(error)}"
        ) from error
    if dtype.hasobject:
        raise ValueError(f"{path} is not a numpy file of plain numbers: it holds Python objects.")
    return Header(shape, is_fortran, dtype, file.tell())


def read_array(path: Path, file: IO[bytes], header: Header, rows: int) -> NDArray[Any]:
    """The next rows of an array; of one that lies column by column, all."""
    size = rows * math.prod(header.shape[1:]) * header.dtype.itemsize
    content = file.read(size)
    if len(content) < size:
        raise _cut(path, header)
    order: Literal["C", "F"] = "F" if header.is_by_column else "C"
    return np.frombuffer(content, header.dtype).reshape(rows, *header.shape[1:], order=order)


def _by_column(path: Path, file: IO[bytes], header: Header, rows: slice) -> NDArray[Any]:
    """Reads some rows of an array that is stored column by column."""
    n, size = rows.stop - rows.start, header.dtype.itemsize
    columns = np.empty((math.prod(header.shape[1:]), n), header.dtype)
    for number, column in enumerate(columns):
        file.seek(header.begin + (number * header.shape[0] + rows.start) * size)
        if file.readinto(memoryview(column).cast("B")) < n * size:  # type: ignore[attr-defined]
            raise _cut(path, header)
    by_rows = columns.T.reshape(n, *header.shape[1:], order="F")
    return np.ascontiguousarray(by_rows)


def check_rows(path: Path, header: Header, wanted: Wanted) -> None:
    """Raises ValueError where an array's rows cannot be the model's."""
    expected, shape = wanted.shape, header.shape
    if not shape or (expected is not None and shape[1:] != expected):
        of_batch = ", ".join(["batch", *map(str, expected or ("...",))])
        raise ValueError(f"{path}: x: expected shape ({of_batch}). Received: {shape}.")
    if header.dtype.kind not in "biuf":
        raise ValueError(f"{path}: x: expected numbers. Received: dtype {header.dtype}.")


def _shards(path: Path, rows: int, wanted: Wanted) -> list[Shard]:
    step = SHARD_BLOCKS * wanted.block_rows
    starts = range(0, rows, step)
    ends = [min(start + step, rows) for start in starts]
    return [Shard(str(path), ".npy", a, b, a, b - a) for a, b in zip(starts, ends, strict=True)]


def _cut(path: Path, header: Header) -> ValueError:
    return ValueError(
        f"{path}: expected {header.shape[0]:,} rows, as its header says. Received: a file that "
        "ends before. Copy it again."
    )
