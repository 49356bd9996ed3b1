"""Survey of a table that is read block by block; what is kept of it does not grow with its rows."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from . import names
from .cells import Cells, read_cells
from .columns import ColumnStatistics
from .dates import Dates
from .kinds import UNITS, is_text, kind_of, unit_of
from .records import FLAG, LABEL, RECORDING, TIME, Column, Survey, Times
from .roles import label_of, other_labels
from .steps import Steps

MOST_PATTERNS = 1_000  # sets of columns without a value that are told apart
MOST_WORDS = 50  # texts of a column that are kept, the most frequent ones
MOST_FLAGS = 64  # that are compared with each other
DAY = 86_400


class RawBlock(NamedTuple):
    """Rows of a file that follow on each other, as the file has them.

    Args:
        file: that they are of.
        columns: by name, each (rows,), of numpy or pyarrow; text where the file has no types.
    """

    file: str
    columns: Mapping[str, Any]


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
        self.pair = Steps()  # of a date and a clock in two columns

    def add(self, block: RawBlock) -> None:
        self._begin(block)
        cells = {name: read_cells(values) for name, values in block.columns.items()}
        for name, column in cells.items():
            self.columns[name].add(column)
        self.files[block.file] += len(next(iter(cells.values())).numbers) if cells else 0
        self._add_pair()
        self._add_patterns(list(cells.values()))
        self._add_flags(cells)

    def survey(self, has_names: bool) -> Survey:
        rows = sum(self.files.values())
        kinds = {
            name: kind_of(column, has_names=has_names) for name, column in self.columns.items()
        }
        flags = {name: self._ones(name) for name, kind in kinds.items() if kind.name == FLAG}
        label = label_of(flags, rows)
        others = () if label is None else other_labels(label, [*kinds], flags, self.both)
        for name in (*others, *([label] if label else [])):
            ones = flags[name] / rows if name in flags else 0
            kinds[name] = kinds[name]._replace(name=LABEL, why=f"1 in {ones:.2%} of the rows")
        columns = tuple(
            _column(column, kinds[name].name, kinds[name].why)
            for name, column in self.columns.items()
        )
        recordings = [c.name for c in columns if c.kind == RECORDING]
        order = [*self.columns]
        return Survey(
            files=self.files,
            columns=columns,
            has_names=has_names,
            times=self._times([c.name for c in columns if c.kind == TIME]),
            label=label,
            other_labels=others,
            recording=recordings[0] if recordings else None,
            patterns={tuple(order[i] for i in k): n for k, n in self.patterns.items()},
        )

    def _begin(self, block: RawBlock) -> None:
        if not self.columns:
            self.columns = {name: ColumnStatistics(name) for name in block.columns}
        if block.file not in self.files:
            if [*block.columns] != [*self.columns] and set(block.columns) != set(self.columns):
                missing = [n for n in self.columns if n not in block.columns]
                more = [n for n in block.columns if n not in self.columns]
                raise ValueError(
                    f"{block.file}: expected the columns of the files before it. Received: "
                    f"{_difference(missing, more)}. Inspect such files one by one."
                )
            self.files[block.file] = 0
            self.pair.begin()
            for column in self.columns.values():
                column.begin()

    def _add_pair(self) -> None:
        dates, clocks = self._halves()
        if dates and clocks:
            both = dates[0][1].seconds + clocks[0][1].seconds % DAY
            self.pair.add(both)

    def _halves(self) -> tuple[list[tuple[str, Dates]], list[tuple[str, Dates]]]:
        """Columns of dates without a clock, and of clocks without a date."""
        known = [
            (n, c.dates) for n, c in self.columns.items() if c.dates is not None and c.dates.formats
        ]
        days = [(n, d) for n, d in known if d.has_date and _days_only(d)]
        return days, [(n, d) for n, d in known if not d.has_date]

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

    def _ones(self, name: str) -> int:
        counts = self.columns[name].values.counts
        return 0 if counts is None else counts[1.0]

    def _times(self, columns: list[str]) -> Times | None:
        """Times of the rows, of the column that says most: dates with a clock before all others."""
        days, clocks = self._halves()
        whole = [
            n for n in columns if self.columns[n].has_dates or _is_whole_date(self.columns[n].dates)
        ]
        if whole:
            return _times_of(self.columns[whole[0]])
        if days and clocks:
            (date, of_date), (clock, of_clock) = days[0], clocks[0]
            format = f"{of_date.formats[0]} {of_clock.formats[0]}"
            ends = [
                f"{a} {b}"
                for a, b in ((of_date.first, of_clock.first), (of_date.last, of_clock.last))
            ]
            bad = max(of_date.bad, of_clock.bad)
            return _times((date, clock), format, _unclear(of_date), ends, self.pair, 1.0, bad)
        return _times_of(self.columns[columns[0]]) if columns else None


def _column(column: ColumnStatistics, kind: str, why: str) -> Column:
    text = is_text(column)
    sample = column.sample.values()
    can_have_codes = not text and kind == "sensor"
    codes = column.extremes.codes(sample, column.rows) if can_have_codes else ()
    ends = None if text else column.extremes.range(codes)
    coded = sum(code.count for code in codes)
    total = column.sum - sum(code.value * code.count for code in codes)
    words = dict((column.texts.counts or Counter()).most_common(MOST_WORDS))
    return Column(
        name=column.name,
        kind=kind,
        why=why,
        rows=column.rows,
        missing=column.missing,
        strange={} if text else words,
        distinct=column.texts.distinct if text else column.values.distinct,
        low=None if ends is None else ends[0],
        high=None if ends is None else ends[1],
        mean=None if ends is None else total / (column.numbers - coded),
        codes=codes,
        words=words if text else {},
        ones=int((column.values.counts or Counter())[1.0]) if column.is_flag else 0,
        runs=column.runs,
        sample=np.where(np.isin(sample, [c.value for c in codes]), np.nan, sample),
    )


def _times_of(column: ColumnStatistics) -> Times:
    dates = column.dates
    if dates is not None and dates.formats:
        ends = [dates.first, dates.last]
        return _times(
            (column.name,), dates.formats[0], _unclear(dates), ends, dates.steps, 1.0, dates.bad
        )
    unit = "dates" if column.has_dates else unit_of(column) or "numbers"
    ends_of = column.extremes.range(()) or (0.0, 0.0)
    ends = [_text(value, unit) for value in ends_of]
    bad = column.missing
    return _times((column.name,), unit, None, ends, column.steps, UNITS.get(unit, 1.0), bad)


def _times(
    columns: tuple[str, ...],
    format: str,
    unclear: str | None,
    ends: list[str],
    steps: Steps,
    size: float,
    bad: int,
) -> Times:
    usual = steps.usual()
    near = 0 if usual is None else steps.within(0.9 * usual, 1.1 * usual)
    return Times(
        columns=columns,
        format=format,
        unclear=unclear,
        first=ends[0],
        last=ends[1],
        step=None if usual is None else usual / size,
        regular=near / steps.total if steps.total else 0.0,
        missed=0 if usual is None else steps.within(1.5 * usual),
        longest=steps.longest / size,
        repeated=steps.same,
        back=steps.down,
        bad=bad,
    )


def _unclear(dates: Dates) -> str | None:
    return dates.formats[1] if len(dates.formats) > 1 else None


def _is_whole_date(dates: Dates | None) -> bool:
    return dates is not None and bool(dates.formats) and dates.has_date and not _days_only(dates)


def _days_only(dates: Dates) -> bool:
    return ":" not in dates.first


def _text(value: float, unit: str) -> str:
    from datetime import UTC, datetime

    if unit == "numbers":
        return f"{value:g}"
    seconds = value / UNITS.get(unit, 1.0)
    return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ").removesuffix("+00:00")


def _difference(missing: list[str], more: list[str]) -> str:
    parts = [f"no {', '.join(missing[:5])}"] if missing else []
    return " and ".join([*parts, *([f"also {', '.join(more[:5])}"] if more else [])])
