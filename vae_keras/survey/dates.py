"""Dates and clocks in a column: how they are written, and the steps between them.

They are read as training and devices read them (`vae_runtime.rows.times`). Where a date may be
read in several ways, each is followed through all blocks, and told apart at the end.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vae_keras._base.arrays import Array
from vae_runtime.rows.times.day_order import first_by_order
from vae_runtime.rows.times.epochs import DIGITS, digit_dates
from vae_runtime.rows.times.written_dates import FORMS, NAT, describe, parse_form, parse_format

from .steps import Steps

ISO = "ISO"
LOOKED_AT = 1_000
GOOD = 0.9  # share of the cells that are times, in a column of times
DAY = DIGITS[8]  # says that a few such numbers are dates, too
ANY_DAY = "1970-01-01 "  # before a clock, which then reads as a date with a clock
CLOCK = "clock"


class Reading:
    """One way to read a column's dates.

    `seconds` are those of the last block, NaN where a cell is no such date; `first` and `last` are
    the earliest and the latest date as written.
    """

    def __init__(self, form: str, example: str) -> None:
        self.form, self.format = form, _format_of(example, form)
        self.steps = Steps()
        self.good = 0
        self.first = self.last = ""
        self.seconds: Array = np.empty(0)
        self._ends = (np.inf, -np.inf)

    @property
    def breaks(self) -> int:
        """Steps that go back or are holes, of which dates that are read wrongly have more."""
        return breaks_of(self.steps)

    def add(self, text: Array, names: Array | None) -> None:
        """Adds texts of a block, and the recording of each."""
        self.seconds = seconds_of(text, self.form)
        known = np.flatnonzero(~np.isnan(self.seconds))
        self.good += len(known)
        self.steps.add(self.seconds, names)
        if len(known):
            low, high = (int(known[f(self.seconds[known])]) for f in (np.argmin, np.argmax))
            ends = float(self.seconds[low]), float(self.seconds[high])
            self.first = str(text[low]) if ends[0] < self._ends[0] else self.first
            self.last = str(text[high]) if ends[1] > self._ends[1] else self.last
            self._ends = min(ends[0], self._ends[0]), max(ends[1], self._ends[1])


class Dates:
    """Times of a column of text or of digits, block by block."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []  # of those that fit most texts so far, ISO first
        self.cells = 0  # with a text

    def begin(self) -> None:
        """Begins a file."""
        for reading in self.readings:
            reading.steps.begin()

    def add(self, texts: Any, there: Array, names: Array | None = None) -> bool:
        """Adds a block; returns False where the texts are no times.

        Args:
            texts: pyarrow's strings (rows,).
            there: bool (rows,), the cells with a text.
            names: (rows,), numbers of the recordings that the rows are of.
        """
        text = np.char.strip(texts.fill_null("").to_numpy(zero_copy_only=False).astype(str))
        return self._add(np.where(there, text, ""), there, names)

    def add_numbers(self, numbers: Array, names: Array | None = None) -> bool:
        """Adds a block of numbers; returns False where they are no dates of digits alone."""
        there = np.isfinite(numbers)
        if not there.any():
            return True
        if not self.readings and digit_dates(numbers, hint=DAY) is None:
            return False
        text = np.where(there, np.where(there, numbers, 0).astype(np.int64).astype(str), "")
        return self._add(text, there, names)

    def _add(self, text: Array, there: Array, names: Array | None) -> bool:
        if not self.readings:
            self.readings = _begin(text[there][:LOOKED_AT])
            if not self.readings:
                return False
        for reading in self.readings:
            reading.add(text, names)
        self.cells += int(there.sum())
        most = max(reading.good for reading in self.readings)
        self.readings = [reading for reading in self.readings if reading.good == most]
        return most >= GOOD * self.cells

    @property
    def bad(self) -> int:
        """Cells with a text that is no such date."""
        return self.cells - self.readings[0].good

    @property
    def has_date(self) -> bool:
        """True where the texts say the day."""
        return self.readings[0].form != CLOCK

    @property
    def has_clock(self) -> bool:
        """True where the texts say the time of day."""
        reading = self.readings[0]
        return any(code in reading.format for code in ("%H", "%I")) or ":" in reading.first

    def told_apart(self, breaks: Sequence[int] | None = None) -> list[Reading]:
        """Readings that are left once dots or the order of rows have told, the best one first.

        Args:
            breaks: of each reading, where another column says more about the steps.
        """
        forms = [reading.form for reading in self.readings]
        breaks = [reading.breaks for reading in self.readings] if breaks is None else breaks
        left = first_by_order(self.readings[0].first, dict(zip(forms, breaks, strict=True)))
        return [reading for reading in self.readings if reading.form in left]


def breaks_of(steps: Steps) -> int:
    """Steps that go back or are holes, as the reader of times counts them."""
    usual = steps.usual()
    return steps.down + (0 if usual is None else steps.within(steps.gap_of(usual)))


def seconds_of(text: Array, form: str) -> Array:
    """Seconds since 1970 of texts in this form: float64 (rows,), NaN where they are not in it."""
    if form == CLOCK:
        instants = parse_form(np.char.add(ANY_DAY, text), "ymd")
        instants = np.where(text == "", NAT, instants)
    else:
        instants = parse_form(text, form) if form in FORMS else parse_format(text, form)
    return np.where(instants == NAT, np.nan, instants / 1e9)


def _begin(some: Array) -> list[Reading]:
    """The readings that fit the first texts."""
    for forms in ([*FORMS], [*DIGITS.values()], [CLOCK]):
        found = {form: ~np.isnan(seconds_of(some, form)) for form in forms} if len(some) else {}
        fits = [form for form in found if found[form].mean() >= GOOD]
        iso = [form for form in fits if form.startswith("ymd")]
        if fits:
            return [Reading(form, str(some[int(found[form].argmax())])) for form in iso or fits]
    return []


def _format_of(example: str, form: str) -> str:
    if form == CLOCK:
        return describe(ANY_DAY + example, "ymd")[len("%Y-%m-%d ") :]
    if form not in FORMS:
        return form
    return ISO if form == "ymd" and "-" in example[:5] else describe(example, form)
