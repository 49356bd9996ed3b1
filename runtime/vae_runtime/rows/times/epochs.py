"""Times that are numbers: epochs, dates of digits alone, numbers of a unit of their own."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .written_dates import NAT, Instants, Text, parse_format

EPOCH = (946_684_800, 4_102_444_800)  # seconds of 2000 and of 2100
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}  # parts of a second
DIGITS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}  # dates without marks, by length
YEARS = (1900, 2100)  # of dates of digits alone
MANY = 10  # rows from which numbers that are all dates are no chance


class NumberTimes(NamedTuple):
    """Times of numbers (rows,), see `times.Times`: values, which are good, format of dates."""

    values: NDArray[Any]
    good: NDArray[np.bool_]
    format: str | None = None


def of_numbers(numbers: NDArray[Any], hint: str | None = None) -> NumberTimes:
    """Times of numbers: dates of digits alone, else an epoch by its magnitude, else as they are.

    Args:
        numbers: (rows,), NaN for a row without a time.
        hint: format of the times of training.

    >>> of_numbers(np.array([1772352000.0])).values.tolist()
    [1772352000000000000]
    >>> of_numbers(np.arange(20260301, 20260320)).format
    '%Y%m%d'
    """
    good = np.isfinite(numbers)
    if not good.any():
        return NumberTimes(np.zeros(len(numbers)), good)
    if (dates := digit_dates(numbers, hint)) is not None:
        return dates
    low, high = numbers[good].min(), numbers[good].max()
    unit = unit_of_epoch(low, high)
    if unit is not None:
        return NumberTimes(_nanoseconds(np.where(good, numbers, low), UNITS[unit]), good)
    return NumberTimes(np.where(good, numbers, 0).astype(np.float64), good)


def unit_of_epoch(low: float, high: float) -> str | None:
    """Unit in which numbers in this range are since 1970, a key of `UNITS`; None of others.

    >>> unit_of_epoch(1772352000000, 1772352000100)
    'ms'
    """
    fits = (u for u, n in UNITS.items() if EPOCH[0] * n <= low and high < EPOCH[1] * n)
    return next(fits, None)


def digit_dates(numbers: NDArray[Any], hint: str | None = None) -> NumberTimes | None:
    """Times of dates such as 20260301 or 20260301235959; None where the numbers are others.

    Few numbers may be dates by chance: they are taken as such where training did so (`hint`).

    >>> digit_dates(np.array([20260231] * 20)) is None
    True
    """
    good = np.isfinite(numbers)
    some = numbers[good]
    if not len(some) or (len(some) < MANY and hint not in DIGITS.values()):
        return None
    format = DIGITS.get(len(f"{some[0]:.0f}"))
    low, high = (int(f"{year}{'0' * 10}"[: len(f"{some[0]:.0f}")]) for year in YEARS)
    if format is None or some.min() < low or some.max() >= high or (some != np.rint(some)).any():
        return None
    instants = parse_format(some.astype(np.int64).astype(str), format)
    if (instants == NAT).any():
        return None
    values = np.zeros(len(numbers), np.int64)
    values[good] = instants
    return NumberTimes(values, good, format)


def as_numbers(text: Text, present: NDArray[np.bool_]) -> NDArray[Any]:
    """Numbers of texts; NaN for others. Whole ones stay whole: nanoseconds are beyond a float."""
    if present.all():
        for kind in (np.int64, np.float64):
            try:
                return text.astype(kind)
            except (ValueError, OverflowError):
                continue
    return np.array([float(cell) if is_number(cell) else math.nan for cell in text.tolist()])


def is_number(text: str) -> bool:
    """True for the text of a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _nanoseconds(numbers: NDArray[Any], parts: int) -> Instants:
    """Nanoseconds of epochs in parts of a second; floats are rounded to what they can say."""
    if numbers.dtype.kind in "iu":
        return numbers.astype(np.int64) * (10**9 // parts)
    exact = 10**6 if parts <= 10**6 else parts  # a float has microseconds of an epoch, no more
    found: Instants = np.rint(numbers * (exact // parts)).astype(np.int64) * (10**9 // exact)
    return found
