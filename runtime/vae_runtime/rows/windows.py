"""Windows over a table of sensor channels: rows in time order become examples of many rows.

No window reaches across a gap: from one recording into the next, or over a hole in time.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .name_texts import UNNAMED as UNNAMED
from .name_texts import name_texts, natural_order

GAP = 1.5  # a step of more than so many usual (median) steps of its recording is a hole in time

FEW_STEPS = 3  # a recording of fewer cannot say by itself what is usual


def window_rows(
    rows: int,
    window: int,
    stride: int,
    *,
    recording: NDArray[np.generic] | None = None,
    time: NDArray[np.generic] | None = None,
) -> NDArray[np.int64]:
    """Numbers of the rows in each window, so that `x[window_rows(...)]` are the windows.

    Args:
        rows: of the table, in time order.
        window: rows in a window.
        stride: rows between the starts of two windows.
        recording: (rows,) names the recording of each row; recordings may be interleaved.
        time: (rows,) numbers, datetime64, or text of either; rises within each recording.

    Returns:
        int64 (windows, window): row numbers, recording by recording.

    Raises:
        ValueError: time does not rise, or there is no stretch of `window` rows without a gap.
    """
    order, first = window_starts(rows, window, stride, recording=recording, time=time)
    chosen: NDArray[np.int64] = order[first[:, None] + np.arange(window)]
    return chosen


def window_starts(
    rows: int,
    window: int,
    stride: int,
    *,
    recording: NDArray[np.generic] | None = None,
    time: NDArray[np.generic] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First rows of windows in a table that is sorted by recordings; see `window_rows`.

    Returns:
        int64 (rows,): row numbers, recording by recording; int64 (windows,): the places among them
        at which the windows begin.
    """
    if window < 1 or stride < 1:
        raise ValueError(f"expected window and stride from 1. Received: {window} and {stride}.")
    order, new = _recordings(rows, recording)
    if time is not None:
        new[1:] |= _holes(time, order, new[1:])
    ends = [*np.flatnonzero(new).tolist(), rows]
    starts = [0, *ends[:-1]]
    first = [np.arange(a, b - window + 1, stride) for a, b in zip(starts, ends, strict=True)]
    found: NDArray[np.int64] = np.concatenate(first)
    if not len(found):
        longest = max(b - a for a, b in zip(starts, ends, strict=True))
        raise ValueError(
            f"expected a stretch of {window} rows without a gap. Received: {rows} rows, of which "
            f"the longest stretch has {longest}."
        )
    return order, found


def covered_rows(rows: int, starts: NDArray[np.int64], window: int) -> NDArray[np.bool_]:
    """Marks the places that are in some window: bool (rows,), from where windows begin."""
    steps = np.zeros(rows + 1, np.int64)
    np.add.at(steps, starts, 1)
    np.add.at(steps, starts + window, -1)
    covered: NDArray[np.bool_] = np.cumsum(steps)[:-1] > 0
    return covered


def one_of(windows: int, neighbours: int, *, seed: int = 0) -> NDArray[np.bool_]:
    """Marks one of so many neighbouring windows, at random: bool (windows,).

    Spread out as windows at a stride are, but at every offset alike.
    """
    if neighbours < 1:
        raise ValueError(f"expected a stride of 1 row or more. Received: {neighbours}.")
    rng, first = np.random.default_rng(seed), np.arange(0, windows, neighbours)
    marked = np.zeros(windows, bool)
    marked[first + rng.integers(0, np.minimum(neighbours, windows - first))] = True
    return marked


def _recordings(
    rows: int, recording: NDArray[np.generic] | None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Row numbers, recording by recording, and before which of them a new one begins."""
    new = np.zeros(rows, bool)
    if recording is None:
        return np.arange(rows), new
    names = name_texts(recording)
    unnamed = np.flatnonzero(names == "")
    if len(unnamed):
        raise ValueError(
            "expected the name of a recording in each row. Received: none in row "
            f"{unnamed[0]} ({len(unnamed)} such rows). Fill the column that tells them apart."
        )
    each, number = np.unique(names, return_inverse=True)
    number = np.argsort(natural_order(each))[number]  # 81 before 100
    order = np.argsort(number, kind="stable")
    new[1:] = np.diff(number[order]) != 0
    return order, new


def _holes(
    time: NDArray[np.generic], order: NDArray[np.int64], new: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """True where the next row of the same recording comes late: bool (rows - 1,)."""
    step = np.diff(_as_numbers(time)[order])
    back = np.flatnonzero(~new & ~(step > 0))  # a missing time is NaN and does not rise
    if len(back):
        before, after = order[back[0]], order[back[0] + 1]
        raise ValueError(
            f"expected times that rise. Received: {time[after]} in row {after} after "
            f"{time[before]} in row {before}. Sort the rows, or name the column that tells "
            "recordings apart (--recording)."
        )
    return ~new & (step > GAP * _usual(step, new))


def _usual(step: NDArray[np.float64], new: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The median step of the recording that each step is in; of all, where it has too few."""
    usual = np.full(len(step), np.median(step[~new]) if not new.all() else np.inf)
    ends = [*np.flatnonzero(new).tolist(), len(step)]
    for start, end in zip([0, *(end + 1 for end in ends[:-1])], ends, strict=True):
        if end - start >= FEW_STEPS:
            usual[start:end] = np.median(step[start:end])
    return usual


def _as_numbers(time: NDArray[Any]) -> NDArray[np.float64]:
    """Times as numbers that rise with them; dates become seconds."""
    try:
        # since the first: nanoseconds since 1970 are beyond a float
        if time.dtype.kind in "Mi":
            time = time - time[:1]
        if time.dtype.kind == "m":
            time = time / np.timedelta64(1, "s")
        return time.astype(np.float64)
    except (ValueError, TypeError):  # dates as text, or a number that is none
        read = float if _is_number(time[0]) else _seconds
        return np.array([_parse(text, row, read) for row, text in enumerate(time.astype(str))])


def _parse(text: str, row: int, read: Callable[[str], float]) -> float:
    try:
        return read(text)
    except ValueError as error:
        raise ValueError(
            f"expected times as numbers, or as 2026-01-31T23:59:59. Received: {str(text)!r} in "
            f"row {row}."
        ) from error


def _seconds(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _is_number(text: object) -> bool:
    try:
        float(str(text))
    except ValueError:
        return False
    return True
