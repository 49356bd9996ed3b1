"""Survey of a table that is read block by block; what is kept of it does not grow with its rows."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from vae_keras._base.arrays import Array
from vae_runtime.rows.text.cells import PLAIN, CellFormat

from . import names
from .cells import Cells, read_cells
from .columns import ColumnStatistics
from .dates import Dates
from .kinds import Kind, is_text, kind_of
from .recording_numbers import RecordingNumbers
from .records import CATEGORY, FLAG, LABEL, RECORDING, TIME, Survey, Times
from .roles import label_in_words, label_of, other_labels
from .steps import Steps
from .summaries import Look, column_of, is_whole_date, times_of, times_of_pair

MOST_PATTERNS = 1_000  # sets of columns without a value that are told apart
SHOWN = 3  # reasons of rows that cannot be read
MOST_FLAGS = 64  # that are compared with each other


class RawBlock(NamedTuple):
    """Rows of a file that follow on each other, as the file has them.

    Args:
        file: that they are of.
        columns: by name, each (rows,), of numpy or pyarrow; text where the file has no types.
        bad: why rows cannot be read, by their place here.
        format: of numbers in text, and what means "no value".
    """

    file: str
    columns: Mapping[str, Any]
    bad: Mapping[int, str] = {}
    format: CellFormat = PLAIN


def survey(blocks: Iterable[RawBlock], *, has_names: bool = True, is_array: bool = False) -> Survey:
    """Finds out what each column of a table is.

    Args:
        blocks: of rows, file by file.
        has_names: whether the columns have names of their own.
        is_array: whether the rows are those of an array.

    Raises:
        ValueError: a file has other columns than the first.

    >>> block = RawBlock("a.csv", {"flow": np.array(["1.5", "2.5"]), "mode": np.array(["on", ""])})
    >>> [column.kind for column in survey([block]).columns]
    ['sensor', 'constant']
    """
    table = _Table()
    for block in blocks:
        table.add(block)
    return replace(table.survey(has_names), is_array=is_array)


class _Table:
    def __init__(self) -> None:
        self.files: dict[str, int] = {}
        self.columns: dict[str, ColumnStatistics] = {}
        self.patterns: Counter[tuple[int, ...]] = Counter()
        self.both: Counter[tuple[str, str]] = Counter()
        self.bad: list[str] = []  # the first reasons
        self.bad_rows = 0
        self.pairs: dict[str, Steps] = {}  # of a date and a clock in two columns, by form of dates
        self.recordings = RecordingNumbers(None)

    def add(self, block: RawBlock) -> None:
        self._begin(block)
        self.bad.extend(f"{block.file}, {why}" for why in list(block.bad.values())[:SHOWN])
        self.bad_rows += len(block.bad)
        readable = _readable(block)
        cells = {name: read_cells(values, block.format) for name, values in readable.items()}
        numbers = self.recordings.numbers(cells)
        for name, column in cells.items():
            self.columns[name].add(column, numbers)
        self.files[block.file] += len(next(iter(block.columns.values()))) if cells else 0
        self._add_pair(numbers)
        self._add_patterns(list(cells.values()))
        self._add_flags(cells)

    def survey(self, has_names: bool) -> Survey:
        rows = sum(self.files.values())
        kinds = {
            name: kind_of(column, has_names=has_names) for name, column in self.columns.items()
        }
        flags = {name: self._ones(name) for name, kind in kinds.items() if kind.name == FLAG}
        label = label_of(flags, rows)
        normal = None
        if label is None and (found := label_in_words(self._texts(kinds), rows)):
            label, normal = found
        others = other_labels(label, [*kinds], flags, self.both) if label in flags else ()
        for name in (*others, *([label] if label else [])):
            why = "1 for anomalies" if normal is None else f"{normal} for normal rows"
            kinds[name] = Kind(LABEL, why)
        columns = tuple(
            column_of(column, kinds[name], normal if name == label else None)
            for name, column in self.columns.items()
        )
        recordings = [c.name for c in columns if c.kind == RECORDING]
        order = [*self.columns]
        look = Look(
            apart=bool(recordings) and recordings[0] == self.recordings.column,
            repeats_follow=not any(c.kind in (CATEGORY, RECORDING) for c in columns),
        )
        return Survey(
            files=self.files,
            columns=columns,
            has_names=has_names,
            times=self._times([c.name for c in columns if c.kind == TIME], look),
            label=label,
            normal=normal,
            other_labels=others,
            recording=recordings[0] if recordings else None,
            bad_rows=self.bad_rows,
            bad=tuple(self.bad[:SHOWN]),
            patterns={tuple(order[i] for i in k): n for k, n in self.patterns.items()},
        )

    def _begin(self, block: RawBlock) -> None:
        if not self.columns:
            self.columns = {name: ColumnStatistics(name) for name in block.columns}
            named = filter(names.names_recording, block.columns)
            self.recordings = RecordingNumbers(next(named, None))
        if block.file not in self.files:
            if [*block.columns] != [*self.columns] and set(block.columns) != set(self.columns):
                missing = [n for n in self.columns if n not in block.columns]
                more = [n for n in block.columns if n not in self.columns]
                raise ValueError(
                    f"{block.file}: expected the columns of the files before it. Received: "
                    f"{_difference(missing, more)}. Inspect such files one by one."
                )
            self.files[block.file] = 0
            for pair in self.pairs.values():
                pair.begin()
            for column in self.columns.values():
                column.begin()

    def _add_pair(self, numbers: Array | None) -> None:
        dates, clocks = self._halves()
        if dates and clocks:
            clock = clocks[next(iter(clocks))].readings[0].seconds
            for reading in dates[next(iter(dates))].readings:
                pair = self.pairs.setdefault(reading.form, Steps())
                pair.add(reading.seconds + clock, numbers)

    def _halves(self) -> tuple[dict[str, Dates], dict[str, Dates]]:
        """Columns of dates without a clock, and of clocks without a date."""
        known = {
            n: c.dates for n, c in self.columns.items() if c.dates is not None and c.dates.readings
        }
        days = {n: d for n, d in known.items() if d.has_date and not d.has_clock}
        return days, {n: d for n, d in known.items() if not d.has_date}

    def _add_patterns(self, columns: list[Cells]) -> None:
        """Counts rows by the columns in which they have no number, where the column has some."""
        order = list(self.columns.values())
        absent = [
            ~np.isfinite(c.numbers)
            if s.numbers and not is_text(s)
            else np.zeros(len(c.numbers), bool)
            for c, s in zip(columns, order, strict=True)
        ]
        if not absent:
            return
        masks = np.stack(absent, axis=1)
        masks = masks[masks.any(axis=1)]
        if not len(masks):
            return
        found, counts = np.unique(masks, axis=0, return_counts=True)
        for mask, count in zip(found, counts.tolist(), strict=True):
            key = tuple(np.flatnonzero(mask).tolist())
            if key not in self.patterns and len(self.patterns) >= MOST_PATTERNS:
                key = (key[0],)
            self.patterns[key] += count

    def _add_flags(self, cells: Mapping[str, Cells]) -> None:
        flags = [n for n, c in self.columns.items() if c.is_flag and c.numbers][:MOST_FLAGS]
        ones = {name: cells[name].numbers == 1 for name in flags}
        for label in flags:
            if names.has_word(label, names.LABELS):
                for name in flags:
                    self.both[name, label] += int((ones[name] & ones[label]).sum())

    def _texts(self, kinds: Mapping[str, Kind]) -> dict[str, dict[str, int]]:
        """Columns of text of few kinds, and how often each text occurs."""
        few = [name for name, kind in kinds.items() if kind.name == CATEGORY]
        return {name: dict(self.columns[name].texts.counts or {}) for name in few}

    def _ones(self, name: str) -> int:
        counts = self.columns[name].values.counts
        return 0 if counts is None else counts[1.0]

    def _times(self, columns: list[str], look: Look) -> Times | None:
        """Times of the rows, of the column that says most: dates with a clock before all others."""
        days, clocks = self._halves()
        whole = [
            n for n in columns if self.columns[n].has_dates or is_whole_date(self.columns[n].dates)
        ]
        if whole:
            return times_of(self.columns[whole[0]], look)
        if days and clocks:
            date, clock = (self.columns[next(iter(each))] for each in (days, clocks))
            return times_of_pair(date, clock, self.pairs, look)
        return times_of(self.columns[columns[0]], look) if columns else None


def _readable(block: RawBlock) -> Mapping[str, Any]:
    """Columns of the rows of a block that can be read."""
    if not block.bad or not block.columns:
        return block.columns
    import pyarrow as pa

    good = np.ones(len(next(iter(block.columns.values()))), bool)
    good[[*block.bad]] = False
    return {
        name: values.filter(pa.array(good)) if hasattr(values, "filter") else values[good]
        for name, values in block.columns.items()
    }


def _difference(missing: list[str], more: list[str]) -> str:
    parts = [f"no {', '.join(missing[:5])}"] if missing else []
    return " and ".join([*parts, *([f"also {', '.join(more[:5])}"] if more else [])])
