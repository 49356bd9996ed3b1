"""Shards of files, blocks of shards, and what to read of them."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vae_runtime.bundle.manifest import Model
from vae_runtime.rows.dialect import Reading
from vae_runtime.rows.inputs import Windowing

# A column of results or of a file: an array (rows, ...), or one of pyarrow's as it was read.
Column: TypeAlias = Any
Columns: TypeAlias = Mapping[str, Column]

BLOCK_ROWS = 65_536  # at most; also a multiple of what backends are given at a time
BLOCK_VALUES = 2**20


class Shard(NamedTuple):
    """A piece of a file that can be read by itself, also by another process or machine.

    Args:
        file: its path.
        format: the ending that says how it is read.
        start, stop: of rows of an array, bytes of a text, row groups of a table.
        first_row: the number in the file of its first row.
        rows: how many it has.
        line: of a text, the number of its first line, from 1.
    """

    file: str
    format: str
    start: int
    stop: int
    first_row: int
    rows: int
    line: int = 0


class Wanted(NamedTuple):
    """Options of reading: the model, the columns to keep, how to cut windows.

    Args:
        model: whose rows they are; features of a table are found by its names of them.
        keep: columns, or keys of an .npz, that are passed through.
        machine_column: the column that names the machine that each row is of.
        column: that holds rows as lists, of a model without named features; the key of an .npz.
        windowing: how tables are cut into windows, where the model has such.
        values: of what is computed of a row, where they are more than its own.
        reading: of text, and what means "no value" in files of any format.
    """

    model: Model
    keep: tuple[str, ...] = ()
    machine_column: str | None = None
    column: str = "x"
    windowing: Windowing = Windowing()
    values: int = 0
    reading: Reading = Reading()

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that are read beside x, each once."""
        return tuple(
            dict.fromkeys(
                (*self.keep, *(() if self.machine_column is None else (self.machine_column,)))
            )
        )

    @property
    def block_rows(self) -> int:
        """Number of rows to read at a time, so that they and their results fit into a cache."""
        values = max(int(np.prod(self.model.input_shape)), self.values)
        rows = min(BLOCK_ROWS, max(BLOCK_VALUES // values, 1))
        return rows // 512 * 512 or rows


class Block(NamedTuple):
    """Rows of a shard that follow on each other.

    Args:
        file: that they are of.
        x: (rows, *input_shape), as the file has them.
        where: of which rows of the file they are, by names for a table of results, each (rows,);
            numbers first.
        kept: columns that are passed through, each (rows,).
        machines: (rows,), where a column names them.
        bad: why rows are none, by their place here; x is 0 there.
        left_out: rows of the file that are in no window.
    """

    file: str
    x: NDArray[Any]
    where: dict[str, NDArray[Any]]
    kept: Columns
    machines: NDArray[np.str_] | None = None
    bad: Mapping[int, str] = {}
    left_out: int = 0
