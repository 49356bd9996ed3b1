"""Rows that do not fit in memory: read again in every epoch, block by block.

A stream has the `shape` and `dtype` of the array that it stands for. What it keeps in memory is a
block, and a byte for each row of its source (while rows are dealt out, some twenty).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vae_keras._base.arrays import Array, Shape
from vae_runtime.rows.blocks import BLOCK_VALUES, SHARD_BLOCKS, Wanted
from vae_runtime.rows.input_files import Inputs, plan

# Rows that are shuffled together, at least: whole shards, in an order that each epoch draws.
BLOCK_ROWS = 131_072


class Stream(ABC):
    """Rows that are read in blocks, as often as needed."""

    shape: Shape
    dtype: np.dtype[Any] = np.dtype(np.float32)

    def __len__(self) -> int:
        return self.shape[0]

    @abstractmethod
    def in_order(self) -> Iterator[Array]:
        """Iterates over all rows once, in blocks, in the order of the source."""

    @abstractmethod
    def shuffled(self, seed: int, epoch: int) -> Iterator[Array]:
        """Iterates over all rows once, in blocks, in an order that seed and epoch decide."""

    def take(self, rows: Array) -> Array:
        """Reads the rows with these numbers, in this order."""
        order = np.argsort(rows)
        found, start = np.empty((len(rows), *self.shape[1:]), self.dtype), 0
        for block in self.in_order():
            inside = order[slice(*np.searchsorted(rows, (start, start + len(block)), sorter=order))]
            found[inside] = block[rows[inside] - start]
            start += len(block)
        return found


def with_small_shards(wanted: Wanted) -> Wanted:
    """The same, in shards of `BLOCK_ROWS` rows at most, or of one row group that has more."""
    return wanted._replace(values=BLOCK_VALUES * SHARD_BLOCKS // BLOCK_ROWS)


class FileStream(Stream):
    """Stream of the columns of files that are read in shards, as float32.

    Args:
        inputs: the files, and which columns of them.
        keep: bool (rows of the files,), those that belong to the stream; all where None.
    """

    def __init__(self, inputs: Inputs, keep: Array | None = None) -> None:
        self.inputs, self.names = inputs, inputs.wanted.features
        self._starts = np.cumsum([0, *(shard.rows for shard in inputs.shards)])
        self._keep = np.ones(self._starts[-1], bool) if keep is None else keep
        self.shape = (int(self._keep.sum()), *(inputs.wanted.shape or ()))

    @classmethod
    def of(cls, source: Path, names: Sequence[str], keep: Array | None = None) -> "FileStream":
        """Stream of these columns of a file or folder."""
        wanted = with_small_shards(Wanted(tuple(names), (len(names),)))
        return cls(plan([str(source)], wanted), keep)

    def in_order(self) -> Iterator[Array]:
        """Iterates over all rows once, a shard at a time."""
        return (self._read(i) for i in range(len(self.inputs.shards)))

    def shuffled(self, seed: int, epoch: int) -> Iterator[Array]:
        """Iterates over shards in random order; rows of a few shards are shuffled together."""
        rng = np.random.default_rng((seed, epoch))
        block: list[Array] = []
        for i in rng.permutation(len(self.inputs.shards)):
            block.append(self._read(i))
            if sum(map(len, block)) >= BLOCK_ROWS:
                yield rng.permutation(np.concatenate(block))
                block = []
        if block:
            yield rng.permutation(np.concatenate(block))

    def select(self, rows: Array) -> "FileStream":
        """Stream of the rows with these numbers, in the order of the files."""
        keep = np.zeros_like(self._keep)
        keep[np.flatnonzero(self._keep)[rows]] = True
        return FileStream(self.inputs, keep)

    def _read(self, i: int) -> Array:
        """The rows of a shard that belong; ValueError for a bad row among them."""
        parts: list[Array] = []
        first = self._starts[i]
        for block in self.inputs.read(self.inputs.shards[i]):
            keep = self._keep[first : first + len(block.x)]
            for place, reason in block.bad.items():
                if keep[place]:
                    raise ValueError(f"{block.file}: expected rows without faults. {reason}")
            parts.append(block.x[keep])
            first += len(block.x)
        return np.concatenate(parts).astype(self.dtype)


class DatasetStream(Stream):
    """Stream of the batches of a `tf.data.Dataset` of x alone, in that dataset's own order.

    (A run on one that shuffles goes on after a kill in another order than it would have had.)

    Args:
        dataset: finite; every pass over it gives the same rows.
    """

    def __init__(self, dataset: Any) -> None:
        spec: Any = getattr(dataset, "element_spec", None)
        shape = getattr(spec, "shape", None)
        if shape is None or (shape.rank or 0) < 2 or None in shape[1:]:
            raise ValueError(
                "expected an array, or a tf.data.Dataset of batches of x alone, (batch, "
                f"*input_shape). Received: {type(dataset).__name__} of {spec}."
            )
        self._dataset, self.dtype = dataset, np.dtype(spec.dtype.as_numpy_dtype)
        self.shape = (sum(map(len, self.in_order())), *shape[1:])

    def in_order(self) -> Iterator[Array]:
        """Iterates over all rows once, one batch at a time."""
        return iter(self._dataset.as_numpy_iterator())

    def shuffled(self, seed: int, epoch: int) -> Iterator[Array]:
        """Iterates over all rows once; the `tf.data.Dataset` itself decides the order."""
        return self.in_order()
