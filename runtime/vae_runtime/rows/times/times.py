"""Times of rows, from columns as files have them: dates as text, epochs, plain numbers.

Dates become int64 nanoseconds since 1970 in UTC (they are in UTC where they say no zone). Numbers
that may be seconds, milli-, micro- or nanoseconds of an epoch from 2000 to 2100 become that, by
their magnitude; other numbers stay what they are, in a unit of their own.

03/01/2026 is in March or in January. A whole column mostly tells: a number above 12 is a day, and
rows are in time order without holes. Dots have the day first (DIN 5008). Else both are named.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.name_lists import split_names

from .gaps import GAP
from .written_dates import FORMS, NAT, Instants, Text, describe, parse_form, parse_format

EPOCH = (946_684_800, 4_102_444_800)  # seconds of 2000 and of 2100
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}  # parts of a second
MISSING = ("", "nat", "nan", "na", "n/a", "none", "null", "<na>", "-", "?")


class TimeError(ValueError):
    """Error for times that cannot be read."""


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
                f"{_begin(where)}row {bad[0]}: {self.reason(int(bad[0]))[:-1]} ({len(bad):,} such "
                "rows). Fill it, or leave such rows out (--on-bad-row reject)."
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
        return _of_numbers(given, given)
    text = np.char.strip(given.astype(str, copy=False))
    present = ~_missing(text)
    if len(text) and not present.any():
        raise TimeError(f"{_begin(where)}expected times. Received: none in any row.")
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


def _of_numbers(numbers: NDArray[Any], given: NDArray[Any]) -> Times:
    good = np.isfinite(numbers)
    low, high = (numbers[good].min(), numbers[good].max()) if good.any() else (0, 0)
    for parts in UNITS.values():
        if EPOCH[0] * parts <= low and high < EPOCH[1] * parts:
            return Times(_nanoseconds(np.where(good, numbers, low), parts), good, given)
    return Times(np.where(good, numbers, 0).astype(np.float64), good, given)


def _nanoseconds(numbers: NDArray[Any], parts: int) -> Instants:
    """Nanoseconds of epochs in parts of a second; floats are rounded to what they can say."""
    if numbers.dtype.kind in "iu":
        return numbers.astype(np.int64) * (10**9 // parts)
    exact = 10**6 if parts <= 10**6 else parts  # a float has microseconds of an epoch, no more
    found: Instants = np.rint(numbers * (exact // parts)).astype(np.int64) * (10**9 // exact)
    return found


def _of_text(
    text: Text, present: NDArray[np.bool_], format: str | None, hint: str | None, where: str
) -> Times:
    if format is None and _is_number(str(text[present][0])):
        numbers = _as_numbers(text, present)
        return _of_numbers(numbers, text)
    values = np.full(len(text), NAT)
    some = text[present]
    if format is not None:
        values[present] = parse_format(some, format)
        found: str | None = format
    else:
        values[present], found = _by_form(some, hint, where)
    good = values != NAT
    if not good.any():
        raise _none_is_read(some, format, where)
    return Times(np.where(good, values, 0), good, text, found)


def _by_form(text: Text, hint: str | None, where: str) -> tuple[Instants, str | None]:
    """Instants of dates without a given format, and the format that was found."""
    if hint is not None:
        known = parse_format(text, hint)
        if (known != NAT).all():
            return known, hint
    found = {}
    for form in FORMS:
        values = parse_form(text, form)
        if (values != NAT).all() and form.startswith("ymd"):
            return values, None if "-" in str(text[0])[:5] else describe(str(text[0]), form)
        found[form] = values
    most = max(int((values != NAT).sum()) for values in found.values())
    if not most:
        return found["ymd"], None
    best = [form for form, values in found.items() if int((values != NAT).sum()) == most]
    form = best[0] if len(best) == 1 else _told_apart(text, found, best, hint, where)
    values = found[form]
    example = str(text[int(np.argmax(values != NAT))])
    iso = form == "ymd" and "-" in example[:5]
    return values, None if iso else describe(example, form)


def _told_apart(
    text: Text, found: dict[str, Instants], forms: list[str], hint: str | None, where: str
) -> str:
    """Form of dates that several could be: the training's, by dots, or by the order of the rows."""
    example = str(text[int(np.argmax(found[forms[0]] != NAT))])
    formats = {form: describe(example, form) for form in forms}
    for form, format in formats.items():
        if hint is not None and _date_of(format) == _date_of(hint):
            return form
    breaks = {form: _breaks(found[form]) for form in forms}
    fewest = min(breaks.values())
    even = [form for form in forms if breaks[form] == fewest]
    if len(even) == 1:
        return even[0]
    if "dmy" in even and "." in _date_of(example):
        return "dmy"
    choices = " or ".join(f"--time-format '{format}'" for format in formats.values())
    raise TimeError(
        f"{_begin(where)}expected dates that say which number is the day. Received: {example!r}, "
        f"and in no row a day above 12 or an order that tells. Give {choices}."
    )


def _breaks(values: Instants) -> int:
    """Number of steps that go back or are holes; dates that are read wrongly have more of them."""
    steps = np.diff(values[values != NAT])
    forward = steps[steps > 0]
    usual = np.sort(forward)[(len(forward) - 1) // 2] if len(forward) else math.inf
    return int(((steps < 0) | (steps > GAP * usual)).sum())


def _date_of(text: str) -> str:
    """First word of a date or of a format of one."""
    return text.split(" ")[0].split("T")[0]


def _as_numbers(text: Text, present: NDArray[np.bool_]) -> NDArray[Any]:
    """Numbers of texts; NaN for others. Whole ones stay whole: nanoseconds are beyond a float."""
    if present.all():
        for kind in (np.int64, np.float64):
            try:
                return text.astype(kind)
            except (ValueError, OverflowError):
                continue
    return np.array([float(cell) if _is_number(cell) else math.nan for cell in text.tolist()])


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _none_is_read(text: Text, format: str | None, where: str) -> TimeError:
    if format is not None:
        return TimeError(
            f"{_begin(where)}expected times as --time-format says, {format}. Received: "
            f"{str(text[0])!r:.60}. Mend the format; without it common ones are tried."
        )
    return TimeError(
        f"{_begin(where)}expected times as numbers, or as 2026-01-31 23:59:59 or 31.01.2026 "
        f"23:59:59. Received: {str(text[0])!r:.60}. Say how they are written: --time-format "
        "'%d.%m.%Y %H:%M:%S'."
    )


def _begin(where: str) -> str:
    return f"{where}: " if where else ""
