"""Tables that a model of windows cuts: a window may end anywhere behind where it begins.

Recordings may be interleaved, and a hole in time is one of the whole table, so that it is held in
memory, unlike what `formats` reads. The windows themselves are made some at a time. A window over a
bad row is bad.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vae_runtime.rows.names.name_texts import plain_column

from .blocks import Block, Shard, Wanted
from .formats import csv, registry
from .formats.npz import MARKS
from .in_memory import Rows, at, rows_of
from .machine_names import of_windows
from .names.marks import marks_of
from .text.tables import ColumnError
from .times.gaps import tell
from .times.times import Times, read_times, time_columns
from .windows.windowing import Cut, Windowing
from .windows.windows import UNNAMED, covered_rows, find_segments, one_of, starts_in

NO_VALUES = "expected a value in some column. Received: none."
WINDOWS = "windows"  # in place of a file's ending


def is_table(path: Path, wanted: Wanted) -> bool:
    """Tells whether a file is a table of single readings, not of windows that are cut already."""
    if wanted.cut is None or path.is_dir():
        return False
    settle = registry.FORMATS[registry.format_of(path)].settle
    if settle is csv.settle:
        return True
    found = settle(path, Wanted(column=wanted.column))
    shape = found.shape or ()
    return len(shape) == 1 and (
        found.features is not None or shape != (math.prod(wanted.shape or ()),)
    )


def plan(path: Path, wanted: Wanted) -> list[Shard]:
    """One shard of all windows; the table is read to count them, and again by `read`."""
    windows = len(CutTable.of(path, wanted))
    return [Shard(str(path), WINDOWS, 0, windows, 0, windows)]


def read(shard: Shard, wanted: Wanted) -> Iterator[Block]:
    """Its windows, some at a time."""
    cut = CutTable.of(Path(shard.file), wanted)
    for start in range(0, len(cut), wanted.block_rows):
        yield cut.part(slice(start, start + wanted.block_rows))


@dataclass(frozen=True)
class CutTable:
    """Rows of a file, and the places where windows begin.

    Args:
        path: of the file.
        rows: of it.
        order: numbers of rows, recording by recording.
        first: (windows,) the places in that order at which windows begin.
        window: rows in a window.
        lost: bool (rows,), bad rows that do not say of which recording they are.
    """

    path: Path
    rows: Rows
    order: NDArray[np.int64]
    first: NDArray[np.int64]
    window: int
    lost: NDArray[np.bool_]

    @classmethod
    def of(cls, path: Path, wanted: Wanted) -> "CutTable":
        """Reads a file.

        Raises:
            ValueError: it does not hold what is wanted, or cannot be cut so.
        """
        cut = wanted.cut
        if cut is None:
            raise ValueError(f"{path}: expected a model of windows. Received: one of single rows.")
        rows, settings = _read(path, wanted, cut), cut.settings
        recording = plain_column(rows.extra[settings.recording]) if settings.recording else None
        times = _times(path, rows, cut)
        if times is not None:
            rows = _without_times(rows, times)
        if wanted.allow_missing:
            rows = _without_values(rows)
        lost = _lost(rows, recording)
        there = np.flatnonzero(~lost)
        good = np.ones(len(rows.x), bool)
        good[list(rows.bad)] = False
        found = find_segments(
            len(there),
            recording=None if recording is None else recording[there],
            time=None if times is None else times.at(there),
            gap=settings.gap,
            good=good[there],
            where=str(path),
        )
        for note in found.notes:
            tell(str(path), note)
        stride = 1 if settings.stride is None else settings.stride
        first = starts_in(found, cut.window, 1 if cut.every_offset else stride)
        if cut.every_offset:
            first = first[one_of(len(first), stride)]
        return cls(path, rows, there[found.order], first, cut.window, lost)

    def __len__(self) -> int:
        return len(self.first)

    def part(self, which: slice) -> Block:
        """Block of some of the windows; the first says how many rows of the file are in none."""
        rows, start = self.rows, which.indices(len(self))[0]
        numbers = self.order[self.first[which, None] + np.arange(self.window)]
        bad = self._bad(which, numbers)
        last = numbers[:, -1]
        kept = {name: at(column, last) for name, column in rows.kept.items()}
        machines = None if rows.machines is None else _machines(rows.machines[numbers], bad)
        extra = {}
        if MARKS in rows.extra:
            marked, _ = marks_of(rows.extra[MARKS], MARKS)
            extra[MARKS] = marked[numbers].any(axis=1)
        where = {"first_row": numbers[:, 0], "last_row": last}
        x = rows.x[numbers]
        x[list(bad)] = 0
        left_out = self.left_out if start == 0 else 0
        return Block(str(self.path), x, where, kept, machines, bad, left_out, extra)

    @cached_property
    def left_out(self) -> int:
        """Number of rows of the file that are in no window."""
        covered = covered_rows(len(self.order), self.first, self.window)
        return len(self.rows.x) - int(covered.sum())

    def _bad(self, which: slice, numbers: NDArray[np.int64]) -> dict[int, str]:
        """Why windows are bad: the first of their rows that is, or one that is lost among them."""
        if not self.rows.bad:
            return {}
        bad = np.zeros(len(self.rows.x), bool)
        bad[list(self.rows.bad)] = True
        lost = np.concatenate([[0], np.cumsum(self.lost)])
        low, high = numbers.min(axis=1), numbers.max(axis=1)
        found = {}
        for i in np.flatnonzero(bad[numbers].any(axis=1) | (lost[high] > lost[low])).tolist():
            inside = numbers[i][bad[numbers[i]]]
            row = int(inside[0]) if len(inside) else low[i] + int(self.lost[low[i] :].argmax())
            found[i] = f"row {row}: {self.rows.bad[row]}"
        return found


def _read(path: Path, wanted: Wanted, cut: Cut) -> Rows:
    """All rows of a file, with the columns that tell windows apart.

    Raises:
        ValueError: a column is not there that training had; says which options name another.
    """
    plain = wanted._replace(shape=(wanted.shape or ())[1:], windowing=Windowing(), cut=None)
    every = dict.fromkeys((*wanted.extra, *cut.settings.columns))
    try:
        shards = registry.plan(path, plain._replace(extra=tuple(every)))
    except ColumnError as error:
        registry.plan(path, plain._replace(extra=(*wanted.extra, *cut.said.columns)))
        raise ValueError(f"{error} {_advice(cut)}") from error
    if not shards:
        raise ValueError(f"{path}: expected rows. Received: none.")
    asked = plain._replace(extra=tuple(every))
    rows = rows_of(block for shard in shards for block in registry.read(shard, asked))
    if rows.x.dtype.kind in "biu" and wanted.dtype == "float32":
        return rows._replace(x=rows.x.astype(np.float32))
    return rows


def _times(path: Path, rows: Rows, cut: Cut) -> Times | None:
    """Times of the rows; None where no column holds them."""
    settings = cut.settings
    names = time_columns(settings.time)
    if not names:
        return None
    columns = (plain_column(rows.extra[name]) for name in names)
    return read_times(*columns, format=settings.time_format, hint=cut.time_hint, where=str(path))


def _without_times(rows: Rows, times: Times) -> Rows:
    """Rows of which those without a time are bad."""
    none = {int(row): times.reason(int(row)) for row in np.flatnonzero(~times.good)}
    return rows._replace(bad=dict(sorted({**none, **rows.bad}.items())))


def _without_values(rows: Rows) -> Rows:
    """Rows of which those without any value are bad, as no other value of theirs is there."""
    empty = np.flatnonzero(np.isnan(rows.x).all(axis=1)) if rows.x.dtype.kind == "f" else ()
    none = dict.fromkeys(map(int, empty), NO_VALUES)
    return rows._replace(bad=dict(sorted({**none, **rows.bad}.items())))


def _lost(rows: Rows, recording: NDArray[np.generic] | None) -> NDArray[np.bool_]:
    """Marks the bad rows that do not say of which recording they are."""
    lost, bad = np.zeros(len(rows.x), bool), list(rows.bad)
    if recording is not None:
        lost[bad] = np.isin(np.char.strip(recording[bad].astype(str)), UNNAMED)
    return lost


def _machines(names: NDArray[np.str_], bad: dict[int, str]) -> NDArray[np.str_]:
    """The machine of each window; that of its last row, where it is bad."""
    found = names[:, -1].copy()
    good = np.ones(len(names), bool)
    good[list(bad)] = False
    if good.any():
        found[good] = of_windows(names[good])
    return found


def _advice(cut: Cut) -> str:
    kept = {
        "--recording": (cut.trained.recording, cut.said.recording),
        "--time": (cut.trained.time, cut.said.time),
    }
    own = {option: name for option, (name, given) in kept.items() if name and given is None}
    none = " ".join(f"{option} ''" for option in own)
    return (
        f"In training, windows were kept apart by {' and '.join(own.values())}. Name the columns "
        f"of this file ({', '.join(own)}), or say that it has none: {none}."
    )
