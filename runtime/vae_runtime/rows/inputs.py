"""Rows of files for a bundle, all at once: columns by name, tables cut into windows."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.paths import path_of
from vae_runtime.bundle.manifest import Model

from .arrays import RowCheck
from .bad_rows import Reject, all_rejected, rejects_of, sort_out
from .blocks import Block, Wanted
from .formats.npz import MARKS
from .in_memory import at, rows_of
from .input_files import plan
from .names.marks import marks_of
from .text.dialect import Reading
from .windows.windowing import Windowing


class Input(NamedTuple):
    """Rows to run a model on.

    Args:
        x: (batch, *input_shape), as the model takes them.
        where: of which rows of its file each one is, by names for a table of results: `row`, or
            `first_row` and `last_row` of a window, each (batch,).
        left_out: how many rows are in no window.
        anomalies: how many of `x` are marked as such, by y of an .npz.
        machines: (batch,), the names of the machines that they are of, where a column says it.
        rejects: rows, or windows, that cannot be judged.
    """

    x: NDArray[Any]
    where: dict[str, NDArray[np.int64]]
    left_out: int = 0
    anomalies: int = 0
    machines: NDArray[np.str_] | None = None
    rejects: tuple[Reject, ...] = ()

    @property
    def summary(self) -> str:
        """Number of rows or windows, for people."""
        words = _counted(len(self.x), "row" if "row" in self.where else "window")
        if self.left_out:
            verb = "is" if self.left_out == 1 else "are"
            words += f"; {_counted(self.left_out, 'row')} {verb} in no window"
        if self.rejects:
            file, row, reason = self.rejects[0]
            words += f"; {len(self.rejects):,} rejected, the first is row {row} of {file}: {reason}"
        return words


def read_input(
    given: str | Path | Sequence[str],
    model: Model,
    windowing: Windowing = Windowing(),  # noqa: B008 - immutable
    *,
    machine_column: str | None = None,
    every_offset: bool = False,
    reject: bool = False,
    name: str | None = None,
    allow_missing: bool = False,
    reading: Reading | None = None,
) -> Input:
    """Reads files for a model; whole numbers are taken as training took them.

    Args:
        given: files, folders, globs; or one of these.
        model: that will run on them.
        windowing: how to cut tables into windows.
        machine_column: the column, or key of an .npz, that names the machine that each row is of.
        every_offset: whether windows begin at any row, one of so many as the stride has rows, at
            random: alarm levels are set on these, since a device may begin anywhere.
        reject: whether bad rows are left out; else the first one is an error.
        name: of the only file, in errors; None for its path.
        allow_missing: whether a missing value is NaN; else its row is bad.
        reading: of text; as training read it where None.

    Raises:
        ValueError: they do not hold what the model takes.
        OSError: they cannot be read.
    """
    names = [str(path_of(given, "an input"))] if isinstance(given, str | Path) else list(given)
    wanted = Wanted.of(model, machine_column=machine_column, windowing=windowing, reading=reading)
    wanted = wanted._replace(marked=True, allow_missing=allow_missing)
    if wanted.cut is not None:
        wanted = wanted._replace(cut=wanted.cut._replace(every_offset=every_offset))
    inputs = plan(names, wanted)._replace(name=name)
    blocks = (block for shard in inputs.shards for block in inputs.read(shard))
    return _checked(blocks, RowCheck(model, allow_missing=allow_missing), reject=reject)


def _checked(blocks: Iterable[Block], check: RowCheck, *, reject: bool) -> Input:
    """The good rows of blocks, as the model takes them."""
    good_blocks: list[Block] = []
    rejects: list[Reject] = []
    for block in blocks:
        x, good, reasons = sort_out(block, check)
        rejects += rejects_of(block, reasons)
        if rejects and not reject:
            raise rejects[0].error()
        good_blocks.append(_only(block, x, good))
    rows = rows_of(good_blocks)
    if not len(rows.x):
        raise all_rejected(rejects)
    marked = rows.extra.get(MARKS)
    anomalies = 0 if marked is None else int(marks_of(marked, MARKS)[0].sum())
    return Input(rows.x, rows.where, rows.left_out, anomalies, rows.machines, tuple(rejects))


def _only(block: Block, x: NDArray[np.generic], good: NDArray[np.bool_]) -> Block:
    """The good rows of a block, as the model takes them."""
    if good.all():
        return block._replace(x=x)
    rows = np.flatnonzero(good)
    return block._replace(
        x=x,
        where={name: column[rows] for name, column in block.where.items()},
        kept={name: at(column, rows) for name, column in block.kept.items()},
        extra={name: at(column, rows) for name, column in block.extra.items()},
        machines=None if block.machines is None else block.machines[rows],
        bad={},
    )


def _counted(n: int, one: str) -> str:
    return f"{n:,} {one if n == 1 else one + 's'}"
