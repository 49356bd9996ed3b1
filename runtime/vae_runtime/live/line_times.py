"""Reader of the time of a line, as files have it, one at a time."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from vae_runtime.rows.text.json_values import is_number, number, short
from vae_runtime.rows.times.times import read_times
from vae_runtime.rows.times.written_dates import parse_format


class LineTime(NamedTuple):
    """Time of a line: seconds to compute with, and the text or number that was given."""

    seconds: float
    given: str | int | float


class TimeReader:
    """Turns the time of a line into seconds.

    Args:
        format: of strftime, in which times are written; common ones are recognised where None.
        hint: format of the times of training.
    """

    def __init__(self, format: str | None = None, hint: str | None = None) -> None:
        self._format, self._hint = format, hint
        if format is not None:
            parse_format(np.array(["-"]), format)  # refuses an invalid one before the first line

    def __call__(self, values: Sequence[Any], names: Sequence[str]) -> LineTime:
        """Time in one value, or in a date and a clock; ValueError names the columns.

        >>> TimeReader()(["2026-03-01 08:00:00"], ["time"])
        LineTime(seconds=1772352000.0, given='2026-03-01 08:00:00')
        """
        name = ",".join(names)
        if len(values) == 1 and self._format is None:
            is_truth = isinstance(values[0], bool)
            if not is_truth and (isinstance(values[0], float | int) or is_number(str(values[0]))):
                return _of_number(values[0], name, self._hint)
        given = " ".join(map(str, values)).strip()
        if len(values) == 1 and self._format is None and _is_iso(given):
            return LineTime(_seconds_of_iso(given), given)
        if any(value is None or str(value).strip() == "" for value in values):
            raise ValueError(f"expected {name!r} as a time. Received: none.")
        columns = [np.array([str(value)]) for value in values]
        try:
            times = read_times(*columns, format=self._format, hint=self._hint)
        except ValueError as error:
            raise ValueError(f"{name!r}: {error}") from error
        if not (times.good[0] and times.are_dates):
            raise ValueError(f"expected {name!r} as a time. Received: {short(given)}.")
        return LineTime(float(times.values[0]) / 1e9, given)


def _of_number(value: Any, name: str, hint: str | None) -> LineTime:
    found = number(value, name)
    if not math.isfinite(found):
        raise ValueError(f"expected {name!r} as finite seconds. Received: {found}.")
    times = read_times(
        np.array([found]), hint=hint
    )  # an epoch in milliseconds is one here as in a file
    seconds = float(times.values[0]) / 1e9 if times.are_dates else found
    return LineTime(seconds, int(str(value)) if str(value).isdecimal() else found)


def _is_iso(text: str) -> bool:
    """True for dates as 2026-03-01 08:00:00, which need no more looking at."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return text[4:5] == "-"


def _seconds_of_iso(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
