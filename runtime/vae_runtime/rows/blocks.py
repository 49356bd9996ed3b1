"""Shards of files, blocks of shards, and what to read of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vae_runtime.bundle.records import ImageSpec, RowSpec

from .names.categories import Categories
from .text.dialect import Reading
from .windows.windowing import Cut, Windowing

# A column of results or of a file: an array (rows, ...), or one of pyarrow's as it was read. An
# array of objects holds values of JSON.
Column: TypeAlias = Any
Columns: TypeAlias = Mapping[str, Column]

BLOCK_ROWS = 65_536  # at most; also a multiple of what backends are given at a time
BLOCK_VALUES = 2**20
SHARD_BLOCKS = 4  # of a shard at most; a run that was killed reads so many again


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
    """Description of what to read of files: columns by their use, and the shape of a row.

    `Wanted()` takes all columns as they are; `formats.registry.settle` finds out which these are.

    Args:
        features: columns that become x, in this order; None for all that are not named otherwise,
            or for rows as lists.
        shape: of a row; None for that of the file.
        keep: columns, or keys of an .npz, that are passed through as they are.
        machine_column: the column that names the machine that each row is of.
        column: that holds rows as lists, where features have no names; the key of an .npz.
        extra: columns that are read to be looked at: labels, recordings, times, classes.
        windowing: how a user says that tables are cut into windows.
        cut: windows of the model; None where it takes each row alone.
        dtype: of the model's rows, "float32" or "uint8".
        marked: whether the key y of an .npz is looked at, where there is one.
        values: of what is computed of a row, where they are more than its own.
        categories: columns of text that the last features are made of, where a file has them.
        allow_missing: whether a missing value is NaN in x; else its row is bad.
        reading: of text, and what means "no value" in files of any format.
        image: how image files become rows; None where nothing is said.

    >>> Wanted(("flow", "speed"), (2,), keep=("time",)).named
    ('time',)
    """

    features: tuple[str, ...] | None = None
    shape: tuple[int, ...] | None = None
    keep: tuple[str, ...] = ()
    machine_column: str | None = None
    column: str = "x"
    extra: tuple[str, ...] = ()
    windowing: Windowing = Windowing()
    cut: Cut | None = None
    dtype: str = "float32"
    marked: bool = False
    values: int = 0
    categories: Categories = MappingProxyType({})
    allow_missing: bool = False
    reading: Reading = Reading()
    image: ImageSpec | None = None

    @classmethod
    def of(
        cls,
        spec: RowSpec,
        *,
        keep: tuple[str, ...] = (),
        machine_column: str | None = None,
        column: str = "x",
        windowing: Windowing = Windowing(),  # noqa: B008 - immutable
        reading: Reading | None = None,
    ) -> Self:
        """Rows that a model takes: features, shape, windows, text as it was in training."""
        return cls(
            features=spec.feature_names,
            shape=spec.input_shape,
            keep=keep,
            machine_column=machine_column,
            column=column,
            windowing=windowing,
            cut=Cut.of(spec, windowing),
            dtype=spec.input_dtype,
            categories=spec.categories or {},
            reading=Reading(recorded=spec.dialect) if reading is None else reading,
            image=spec.image,
        )

    @classmethod
    def columns(cls, names: tuple[str, ...]) -> Self:
        """Columns as the file has them, and no features: rows are of shape (0,).

        >>> Wanted.columns(("flow", "mode")).named
        ('flow', 'mode')
        """
        return cls(features=(), shape=(0,), keep=names)

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that are read beside x, each once."""
        machine = () if self.machine_column is None else (self.machine_column,)
        return tuple(dict.fromkeys((*self.keep, *self.extra, *machine)))

    @property
    def size(self) -> int:
        """Number of values of a row; 1 where the shape is not known."""
        return int(np.prod(self.shape or ()))

    @property
    def block_rows(self) -> int:
        """Number of rows to read at a time, so that they and their results fit into a cache."""
        values = max(self.size, self.values, 1)
        rows = min(BLOCK_ROWS, max(BLOCK_VALUES // values, 1))
        return rows // 512 * 512 or rows

    def some(self, columns: Columns) -> tuple[dict[str, Column], dict[str, Column]]:
        """Columns that are kept, and columns that are looked at."""
        kept = {name: columns[name] for name in self.keep}
        return kept, {name: columns[name] for name in self.extra}


class Block(NamedTuple):
    """Rows of a shard that follow on each other.

    Args:
        file: that they are of.
        x: (rows, *input_shape), as the file has them.
        where: of which rows of the file they are, by names for a table of results, each (rows,);
            numbers first.
        kept: columns that are passed through, each (rows,).
        machines: (rows,), where a column names them.
        bad: reasons of bad rows, by their place here; x is 0 there.
        left_out: rows of the file that are in no window.
        extra: columns that are looked at, each (rows,).
    """

    file: str
    x: NDArray[Any]
    where: dict[str, NDArray[Any]]
    kept: Columns
    machines: NDArray[np.str_] | None = None
    bad: Mapping[int, str] = {}
    left_out: int = 0
    extra: Mapping[str, Column] = {}


def shards_of(path: Path, format: str, rows: Sequence[int], wanted: Wanted) -> list[Shard]:
    """Shards of a file that is in parts: row groups, record batches. Small parts go together.

    Args:
        path: of the file.
        format: the ending that says how it is read.
        rows: of each part. `start` and `stop` of a shard are numbers of parts that have rows.
        wanted: what to read; a shard has a few blocks of it, or one part that has more.

    >>> [(s.start, s.stop) for s in shards_of(Path("x.arrow"), ".arrow", [3, 0, 5], Wanted())]
    [(0, 3)]
    """
    shards: list[Shard] = []
    start = stop = first = count = 0
    for number, more in enumerate(rows):
        if not more:
            continue
        if count and count + more > SHARD_BLOCKS * wanted.block_rows:
            shards.append(Shard(str(path), format, start, stop, first, count))
            first, count = first + count, 0
        start = start if count else number
        stop, count = number + 1, count + more
    return [*shards, Shard(str(path), format, start, stop, first, count)] if count else shards
