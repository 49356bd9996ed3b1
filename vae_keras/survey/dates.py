"""Dates and clocks written as text: in which format, and how many seconds they are."""

from typing import Any

import numpy as np

from vae_keras._base.arrays import Array
from vae_runtime.rows.times.written_dates import FORMS, NAT, describe, parse_form, parse_format

from .steps import Steps

ISO = "ISO"
CLOCK = "%H:%M:%S"
# As written dates are met, ISO first; the day before the month and behind it are told apart below.
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y")
_CLOCKS = (" %H:%M:%S", "T%H:%M:%S", " %H:%M", "")
FORMATS = (*(d + c for d in _DATES for c in _CLOCKS), CLOCK, "%H.%M.%S", "%H:%M")
FINE_CLOCKS = ("%H:%M:%S.%f", "%H:%M:%S,%f", "%I:%M:%S %p", "%I:%M %p")  # read more slowly
LOOKED_AT = 1_000
EARLIEST = -8_520_336_000  # seconds of 1700
GOOD = 0.9  # share of the cells that are times, in a column of times


class Dates:
    """Times of a column of text, block by block."""

    def __init__(self) -> None:
        self.formats: list[str] = []  # those that fit all texts so far
        self.steps = Steps()
        self.good = self.bad = 0
        self.first = self.last = ""
        self.seconds: Array = np.empty(0)  # of the last block

    def begin(self) -> None:
        """Begins a file."""
        self.steps.begin()

    @property
    def has_date(self) -> bool:
        """Whether the texts say the day."""
        return self.formats[0] == ISO or "%d" in self.formats[0]

    @property
    def has_clock(self) -> bool:
        """Whether the texts say the time of day."""
        return self.formats[0] == ISO or any(code in self.formats[0] for code in ("%H", "%I"))

    def add(self, texts: Any, there: Array) -> bool:
        """Adds a block; returns False where the texts are no times.

        Args:
            texts: pyarrow's strings (rows,).
            there: bool (rows,), the cells with a text.
        """
        import pyarrow as pa

        if not self.formats:
            some = texts.filter(pa.array(there))[:LOOKED_AT]
            self.formats = [f for f in (ISO, *FORMATS) if _share(some, f) >= GOOD]
            self.formats = self.formats or _others(some)
            if not self.formats:
                return False
            if ISO in self.formats:
                self.formats = [ISO]
        best = max(self.formats, key=lambda f: _share(texts, f))
        if len(self.formats) > 1:
            top = _share(texts, best)
            self.formats = [f for f in self.formats if _share(texts, f) == top]
        seconds = seconds_of(texts, self.formats[0])
        known = ~np.isnan(seconds)
        self.good += int(known.sum())
        self.bad += int((there & ~known).sum())
        self.seconds = seconds
        self.steps.add(seconds)
        if known.any():
            rows = np.flatnonzero(known)
            self.first = self.first or texts[int(rows[0])].as_py()
            self.last = texts[int(rows[-1])].as_py()
        return self.good >= GOOD * (self.good + self.bad)


def seconds_of(texts: Any, format: str) -> Array:
    """Seconds since 1970 of texts in this format: float64 (rows,), NaN where they are not in it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if format == ISO:
        return _iso(texts)
    if format not in FORMATS:
        instants = parse_format(_as_numpy(texts), format)
        return np.where(instants == NAT, np.nan, instants / 1e9)
    found = pc.strptime(texts, format, "us", error_is_null=True)
    whole = found.cast(pa.int64()).cast(pa.float64(), safe=False)
    seconds = whole.to_numpy(zero_copy_only=False) / 1e6
    return np.where(seconds < EARLIEST, np.nan, seconds)  # "26" is no year 26


def _others(texts: Any) -> list[str]:
    """Formats of dates and clocks that are written in other ways, as training reads them."""
    some = _as_numpy(texts)
    found = [format for format in FINE_CLOCKS if _share(texts, format) >= GOOD]
    for form in () if found else FORMS:
        fits = parse_form(some, form) != NAT
        if len(some) and fits.mean() >= GOOD:
            found.append(describe(str(some[int(np.argmax(fits))]), form))
    return found


def _as_numpy(texts: Any) -> Array:
    return np.array([text or "" for text in texts.to_pylist()], str)


def _iso(texts: Any) -> Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    # a year, a month and a day: "12" alone is no date
    fits = pc.match_substring_regex(texts, r"^\d{4}-\d{2}-\d{2}([T ]\d{2}(:\d{2}){0,2})?")
    some = pc.if_else(fits, texts, pa.scalar(None, texts.type))
    zone = pc.match_substring_regex(some, r"\d(Z|[+-]\d{2}:?(\d{2})?)$")
    has_clock = pc.match_substring_regex(some, r":\d{2}")
    zoned = pc.and_(pc.fill_null(zone, False), pc.fill_null(has_clock, False))
    kind = pa.timestamp("us", "UTC") if pc.any(zoned).as_py() else pa.timestamp("us")
    try:
        found = some.cast(kind)
    except pa.ArrowInvalid:
        return np.array([_seconds(text) for text in some.to_pylist()])
    return found.cast(pa.int64()).cast(pa.float64()).to_numpy(zero_copy_only=False) / 1e6


def _seconds(text: str | None) -> float:
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return np.nan
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _share(texts: Any, format: str) -> float:
    found = seconds_of(texts, format)
    return float((~np.isnan(found)).mean()) if len(found) else 0.0
