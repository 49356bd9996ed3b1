"""Times of rows, from columns as files have them: dates as text, epochs, plain numbers.

Dates become int64 nanoseconds since 1970 in UTC (they are in UTC where they say no zone). Numbers
that may be seconds, milli-, micro- or nanoseconds of an epoch from 2000 to 2100 become that, by
their magnitude, 20260301 and its like dates; other numbers stay what they are, in a unit of their
own (`epochs`).

03/01/2026 is in March or in January: see `day_order`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.name_lists import split_names

from .day_order import TimeError as TimeError
from .day_order import begin_of, dates_of
from .epochs import as_numbers, is_number, of_numbers
from .written_dates import NAT, Text, parse_format

MISSING = ("", "nat", "nan", "na", "n/a", "none", "null", "<na>", "-", "?")


class Times(NamedTuple):
    """Times of rows.

    `values` are int64 nanoseconds since 1970, or float64 numbers of a unit of their own. `good`
    is False for a row without a time; `given` are the times as they came. `format` is that of
    strftime by which dates were read, None where none was needed: ISO dates, numbers.
    """

    values: NDArray[Any]
    good: NDArray[np.bool_]
    given: NDArray[Any]
    format: str | None = None

    @property
    def are_dates(self) -> bool:
        """True where the times are points in time, False for numbers of an unknown unit."""
        return self.values.dtype.kind == "i"

    def steps(self, order: NDArray[np.int64]) -> NDArray[np.float64]:
        """Seconds from one row to the next, in this order: (rows - 1,); 0 to a row without a time.

        >>> read_times(np.array(["08:00", "08:01"]), format="%H:%M").steps(np.arange(2))
        array([60.])
        """
        known = np.where(self.good[order], np.arange(len(order)), -1)
        at = np.maximum(np.maximum.accumulate(known), 0) if len(known) else known
        steps = np.diff(self.values[order][at])  # from the last time that is known
        if len(known):
            begun = np.maximum.accumulate(known) >= 0
            steps = np.where(begun[:-1], steps, 0)
        return steps / 1e9 if self.are_dates else steps.astype(np.float64)

    def reason(self, row: int) -> str:
        """Sentence about a row without a time, which begins with "expected"."""
        wanted = "a time" if self.format is None else f"a time as {self.format}"
        if not self.are_dates:
            wanted = "a time as a number"
        return f"expected {wanted}. Received: {str(self.given[row])!r:.60}."

    def check(self, good: NDArray[np.bool_] | None = None, where: str = "") -> None:
        """Raises TimeError for the first row without a time, but those that are not good anyway."""
        bad = np.flatnonzero(~self.good & (True if good is None else good))
        if len(bad):
            raise TimeError(
                f"{begin_of(where)}row {bad[0]}: {self.reason(int(bad[0]))[:-1]} ({len(bad):,} "
                "such rows). Fill it, or leave such rows out (--on-bad-row reject)."
            )

    def at(self, rows: NDArray[np.int64]) -> "Times":
        """Selects rows by their numbers."""
        return Times(self.values[rows], self.good[rows], self.given[rows], self.format)

    def row(self, number: int) -> str:
        """Time of a row as it was given."""
        return str(self.given[number])


def time_columns(option: str | None) -> tuple[str, ...]:
    """Names of columns in the option --time: one, or a date and a clock with a comma between.

    >>> time_columns("date,clock")
    ('date', 'clock')
    """
    names = () if not option else split_names(option)
    if len(names) > 2 or "" in names or len(set(names)) < len(names):
        raise ValueError(
            f"expected a column of times, or two of dates and clocks, as in --time date,clock. "
            f"Received: {option!r:.60}."
        )
    return names


def read_times(
    *columns: NDArray[Any], format: str | None = None, hint: str | None = None, where: str = ""
) -> Times:
    """Reads a column of times, or one of dates and one of clocks.

    Args:
        columns: (rows,) each: text, numbers, datetime64, or objects that print as dates.
        format: of strftime, of all times.
        hint: format of the times of training, which says what order of day and month is meant.
        where: the file, for messages.

    Raises:
        TimeError: no row has a time, or nothing says whether the day or the month comes first.

    >>> read_times(np.array(["03/01/2026", "13/01/2026"])).format
    '%d/%m/%Y'
    >>> read_times(np.array([1772352000000, 1772352000100])).values.tolist()
    [1772352000000000000, 1772352000100000000]
    """
    given: NDArray[Any] = columns[0] if len(columns) == 1 else _joined(columns)
    if given.dtype.kind == "M":
        values = given.astype("datetime64[ns]").astype(np.int64)
        return Times(values, ~np.isnat(given), given)
    if given.dtype.kind == "m":
        seconds = given / np.timedelta64(1, "s")
        return Times(seconds, np.isfinite(seconds), given)
    if given.dtype.kind in "iuf" and format is None:
        values, good, found = of_numbers(given, hint)
        return Times(values, good, given, found)
    text = np.char.strip(given.astype(str, copy=False))
    present = ~_missing(text)
    if len(text) and not present.any():
        raise TimeError(f"{begin_of(where)}expected times. Received: none in any row.")
    if not len(text):
        return Times(np.zeros(0), present, given)
    return _of_text(text, present, format, hint, where)


def _joined(columns: Sequence[NDArray[Any]]) -> Text:
    """Dates and clocks as one text each."""
    date, clock = columns
    if date.dtype.kind == "M":
        date = date.astype("datetime64[D]")
    parts = [np.char.strip(column.astype(str, copy=False)) for column in (date, clock)]
    joined: Text = np.char.add(np.char.add(parts[0], " "), parts[1])
    for part in parts:
        joined[_missing(part)] = ""
    return joined


def _missing(text: Text) -> NDArray[np.bool_]:
    """True for texts that say "no value"; long ones, nearly all, need no look at their letters."""
    short = np.flatnonzero(np.char.str_len(text) <= max(map(len, MISSING)))
    found = np.zeros(len(text), bool)
    found[short] = np.isin(np.char.lower(text[short]), MISSING)
    return found


def _of_text(
    text: Text, present: NDArray[np.bool_], format: str | None, hint: str | None, where: str
) -> Times:
    if format is None and is_number(str(text[present][0])):
        values, good, found = of_numbers(as_numbers(text, present), hint)
        return Times(values, good, text, found)
    values = np.full(len(text), NAT)
    some = text[present]
    if format is not None:
        values[present], found = parse_format(some, format), format
    else:
        values[present], found = dates_of(some, hint, where)
    good = values != NAT
    if not good.any():
        raise _none_is_read(some, format, where)
    return Times(np.where(good, values, 0), good, text, found)


def _none_is_read(text: Text, format: str | None, where: str) -> TimeError:
    if format is not None:
        return TimeError(
            f"{begin_of(where)}expected times as --time-format says, {format}. Received: "
            f"{str(text[0])!r:.60}. Mend the format; without it common ones are tried."
        )
    return TimeError(
        f"{begin_of(where)}expected times as numbers, or as 2026-01-31 23:59:59 or 31.01.2026 "
        f"23:59:59. Received: {str(text[0])!r:.60}. Say how they are written: --time-format "
        "'%d.%m.%Y %H:%M:%S'."
    )
