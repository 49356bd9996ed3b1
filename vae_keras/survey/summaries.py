"""Summaries of columns and of times, from what was gathered block by block."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np

from .columns import ColumnStatistics
from .dates import Dates
from .kinds import UNITS, Kind, is_text, unit_of
from .records import SENSOR, Column, Times
from .steps import Steps

MOST_WORDS = 50  # texts of a column that are kept, the most frequent ones


def column_of(column: ColumnStatistics, kind: Kind, normal: str | None) -> Column:
    """Summary of a column.

    Args:
        column: after its last block.
        kind: of it.
        normal: of a label in words, the word for normal rows.
    """
    text = is_text(column)
    sample = column.sample.values()
    can_have_codes = not text and kind.name == SENSOR
    codes = column.extremes.codes(sample, column.rows) if can_have_codes else ()
    ends = None if text else column.extremes.range(codes)
    coded = sum(code.count for code in codes)
    total = column.sum - sum(code.value * code.count for code in codes)
    words = dict((column.texts.counts or Counter()).most_common(MOST_WORDS))
    return Column(
        name=column.name,
        kind=kind.name,
        why=kind.why,
        rows=column.rows,
        missing=column.missing,
        strange={} if text else words,
        distinct=column.texts.distinct if text else column.values.distinct,
        low=None if ends is None else ends[0],
        high=None if ends is None else ends[1],
        mean=None if ends is None else total / (column.numbers - coded),
        codes=codes,
        words=words if text else {},
        ones=_ones(column, words, normal),
        runs=column.runs,
        sample=np.where(np.isin(sample, [c.value for c in codes]), np.nan, sample),
    )


def _ones(column: ColumnStatistics, words: Mapping[str, int], normal: str | None) -> int:
    if normal is not None:
        return column.rows - column.missing - words[normal]
    return int((column.values.counts or Counter())[1.0]) if column.is_flag else 0


def times_of(column: ColumnStatistics) -> Times:
    """Times in one column."""
    dates = column.dates
    if dates is not None and dates.formats:
        ends = [dates.first, dates.last]
        return times_by(
            (column.name,), dates.formats[0], unclear(dates), ends, dates.steps, 1.0, dates.bad
        )
    unit = "dates" if column.has_dates else unit_of(column) or "numbers"
    ends_of = column.extremes.range(()) or (0.0, 0.0)
    ends = [_text(value, unit) for value in ends_of]
    bad = column.missing
    return times_by((column.name,), unit, None, ends, column.steps, UNITS.get(unit, 1.0), bad)


def times_by(
    columns: tuple[str, ...],
    format: str,
    unclear: str | None,
    ends: list[str],
    steps: Steps,
    size: float,
    bad: int,
) -> Times:
    """Times of one column or two; `size` is how many units of its steps are a second."""
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


def unclear(dates: Dates) -> str | None:
    """Another format that the dates are in as well."""
    return dates.formats[1] if len(dates.formats) > 1 else None


def is_whole_date(dates: Dates | None) -> bool:
    """True for dates with a time of day."""
    return dates is not None and bool(dates.formats) and dates.has_date and not days_only(dates)


def days_only(dates: Dates) -> bool:
    """True for dates without a time of day."""
    return ":" not in dates.first


def _text(value: float, unit: str) -> str:
    if unit == "numbers":
        return f"{value:g}"
    seconds = value / UNITS.get(unit, 1.0)
    return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ").removesuffix("+00:00")
