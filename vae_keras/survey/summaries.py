"""Summaries of columns and of times, from what was gathered block by block."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from .columns import ColumnStatistics
from .dates import Dates, Reading, breaks_of
from .kinds import UNITS, Kind, is_text, unit_of
from .records import SENSOR, Column, Times
from .steps import Steps

MOST_WORDS = 50  # texts of a column that are kept, the most frequent ones


class Look(NamedTuple):
    """Way to look at steps in time.

    Args:
        apart: whether they are those within recordings.
        repeats_follow: whether a repeated time is the next sample, as of a logger that rounds.
        size: units of a step that are a second.
    """

    apart: bool = False
    repeats_follow: bool = False
    size: float = 1.0


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


def times_of(column: ColumnStatistics, look: Look) -> Times:
    """Times in one column."""
    dates = column.dates
    if dates is not None and dates.readings:
        left = dates.told_apart()
        ends = [left[0].first, left[0].last]
        return times_by((column.name,), _formats(left), ends, left[0].steps, dates.bad, look)
    unit = "dates" if column.has_dates else unit_of(column) or "numbers"
    ends_of = column.extremes.range(()) or (0.0, 0.0)
    ends = [_text(value, unit) for value in ends_of]
    look = look._replace(size=UNITS.get(unit, 1.0))
    return times_by((column.name,), [unit], ends, column.steps, column.missing, look)


def times_of_pair(
    date: ColumnStatistics, clock: ColumnStatistics, pairs: Mapping[str, Steps], look: Look
) -> Times:
    """Times in a column of dates and one of clocks; `pairs` are their steps, by form of dates."""
    days, clocks = date.dates, clock.dates
    if days is None or clocks is None:
        raise TypeError("expected columns of dates and of clocks")
    left = days.told_apart([breaks_of(pairs[reading.form]) for reading in days.readings])
    of_clock = clocks.readings[0]
    formats = [f"{reading.format} {of_clock.format}" for reading in left]
    steps = pairs[left[0].form]
    ends = [_text(seconds, "seconds") for seconds in (steps.low, steps.high)]
    bad = max(days.bad, clocks.bad)
    return times_by((date.name, clock.name), formats, ends, steps, bad, look)


def times_by(
    columns: tuple[str, ...],
    formats: list[str],
    ends: list[str],
    steps: Steps,
    bad: int,
    look: Look,
) -> Times:
    """Times of one column or two, in a format or in one of several."""
    steps = steps.apart if look.apart and steps.apart is not None else steps
    usual, size = steps.usual(), look.size
    near = 0 if usual is None else steps.within(0.9 * usual, 1.1 * usual)
    near += steps.same if look.repeats_follow else 0
    return Times(
        columns=columns,
        format=formats[0],
        unclear=formats[1] if len(formats) > 1 else None,
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


def is_whole_date(dates: Dates | None) -> bool:
    """True for dates with a time of day."""
    return dates is not None and bool(dates.readings) and dates.has_date and dates.has_clock


def _formats(readings: list[Reading]) -> list[str]:
    return [reading.format for reading in readings]


def _text(value: float, unit: str) -> str:
    if unit == "numbers":
        return f"{value:g}"
    seconds = value / UNITS.get(unit, 1.0)
    return datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ").removesuffix("+00:00")
