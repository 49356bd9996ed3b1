"""Windows over a table of sensor channels: rows in time order become examples of many rows.

No window reaches across a gap: from one recording into the next, over a hole in time, or to a row
before which the clock was set back. See `gaps` for what a hole is.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime.rows.names.name_texts import UNNAMED as UNNAMED
from vae_runtime.rows.names.name_texts import name_texts, natural_order
from vae_runtime.rows.times import gaps
from vae_runtime.rows.times.times import Times, read_times


class Segments(NamedTuple):
    """Rows of a table, recording by recording, and where stretches without a gap begin.

    `order` are row numbers, int64 (rows,); `new` is True, by place in that order, where another
    stretch begins, bool (rows,). `steps` are findings about times, None without; `notes` what was
    done about them, a sentence each.
    """

    order: NDArray[np.int64]
    new: NDArray[np.bool_]
    steps: gaps.Steps | None = None
    notes: tuple[str, ...] = ()


def window_rows(
    rows: int,
    window: int,
    stride: int,
    *,
    recording: NDArray[np.generic] | None = None,
    time: NDArray[Any] | Times | None = None,
    gap: float | None = None,
) -> NDArray[np.int64]:
    """Numbers of the rows in each window, so that `x[window_rows(...)]` are the windows.

    Args:
        rows: of the table, in time order.
        window: rows in a window.
        stride: rows between the starts of two windows.
        recording: (rows,) names the recording of each row; recordings may be interleaved.
        time: (rows,) numbers, datetime64, or text of either; see `times.read_times`.
        gap: seconds above which a step is a hole; by default, see `gaps`.

    Returns:
        int64 (windows, window): row numbers, recording by recording.

    Raises:
        ValueError: there is no stretch of `window` rows without a gap, or a row without a time.
    """
    order, first = window_starts(rows, window, stride, recording=recording, time=time, gap=gap)
    chosen: NDArray[np.int64] = order[first[:, None] + np.arange(window)]
    return chosen


def window_starts(
    rows: int,
    window: int,
    stride: int,
    *,
    recording: NDArray[np.generic] | None = None,
    time: NDArray[Any] | Times | None = None,
    gap: float | None = None,
    good: NDArray[np.bool_] | None = None,
    where: str = "",
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First rows of windows in a table that is sorted by recordings; see `window_rows`.

    Args:
        rows, window, stride, recording, time, gap: as there.
        good: bool (rows,); windows over another row are left out, and told with their number.
        where: the file, for what is told of its times and of such windows.

    Returns:
        int64 (rows,): row numbers, recording by recording; int64 (windows,): the places among them
        at which the windows begin.
    """
    found = find_segments(rows, recording=recording, time=time, gap=gap, good=good, where=where)
    for note in found.notes:
        gaps.tell(where, note)
    starts = starts_in(found, window, stride)
    if good is not None and not good.all():
        over = windows_with(~good[found.order], starts, window)
        starts = starts[~over]
        if over.any():
            gaps.tell(where, f"left out {int(over.sum()):,} windows over rows that are not good")
    return found.order, starts


def find_segments(
    rows: int,
    *,
    recording: NDArray[np.generic] | None = None,
    time: NDArray[Any] | Times | None = None,
    gap: float | None = None,
    good: NDArray[np.bool_] | None = None,
    where: str = "",
) -> Segments:
    """Stretches of a table without a gap.

    Args:
        rows, recording, time, gap, good, where: see `window_starts`.

    Raises:
        ValueError: a row that is good has no time, or no name of a recording.
    """
    order, new = _recordings(rows, recording)
    if time is None or not rows:
        return Segments(order, new)
    times = time if isinstance(time, Times) else read_times(time, where=where)
    times.check(good, where)
    steps = gaps.look_at(times.steps(order), new[1:], gap=gap)
    _check_order(steps, new[1:], times, order)
    first_back = ""
    if steps.back.any():
        at = int(np.argmax(steps.back))
        before, after = int(order[at]), int(order[at + 1])
        first_back = f"in row {after}, from {times.row(before)} to {times.row(after)}"
    new[1:] |= steps.breaks
    notes = [] if times.format is None else [f"times are read as {times.format}"]
    return Segments(order, new, steps, (*notes, *gaps.sentences(steps, first_back)))


def starts_in(found: Segments, window: int, stride: int) -> NDArray[np.int64]:
    """Places at which windows begin: int64 (windows,).

    Raises:
        ValueError: there is no stretch of `window` rows.
    """
    if window < 1 or stride < 1:
        raise ValueError(f"expected window and stride from 1. Received: {window} and {stride}.")
    rows = len(found.order)
    ends = [*np.flatnonzero(found.new).tolist(), rows]
    starts = [0, *ends[:-1]]
    first = [np.arange(a, b - window + 1, stride) for a, b in zip(starts, ends, strict=True)]
    places: NDArray[np.int64] = np.concatenate(first)
    if not len(places):
        longest = max(b - a for a, b in zip(starts, ends, strict=True))
        raise ValueError(
            f"expected a stretch of {window} rows without a gap. Received: {rows} rows, of which "
            f"the longest stretch has {longest}.{_why_short(found.steps)}"
        )
    return places


def windows_with(
    marks: NDArray[np.bool_], starts: NDArray[np.int64], window: int
) -> NDArray[np.bool_]:
    """Mask of the windows with a marked row: bool (windows,).

    Args:
        marks: (rows,), in the order in which `starts` counts.
        starts: where windows begin.
        window: rows in a window.
    """
    before = np.concatenate([[0], np.cumsum(marks)])
    found: NDArray[np.bool_] = before[starts + window] > before[starts]
    return found


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


def _check_order(
    steps: gaps.Steps, new: NDArray[np.bool_], times: Times, order: NDArray[np.int64]
) -> None:
    """Raises ValueError where most times fall: the newest row is first, or rows are shuffled."""
    backs, all_steps = int(steps.back.sum()), int((~new).sum())
    if 2 * backs > all_steps:
        at = int(np.argmax(steps.back))
        before, after = int(order[at]), int(order[at + 1])
        raise ValueError(
            f"expected rows in time order. Received: {times.row(after)} in row {after} after "
            f"{times.row(before)} in row {before}, and {backs:,} of {all_steps:,} steps go back. "
            "Sort the rows, or name the column that tells recordings apart (--recording)."
        )


def _why_short(steps: gaps.Steps | None) -> str:
    if steps is None or not steps.holes:
        return ""
    above = "" if steps.gap is None else f", steps of more than {gaps.seconds(steps.gap)}"
    usual = "" if steps.step is None else f"; usual are {gaps.seconds(steps.step)}"
    return (
        f" Holes in time: {steps.holes:,}{above}, the longest "
        f"{gaps.seconds(steps.longest)}{usual}. Say which steps are still no hole (--gap "
        "SECONDS), if the rows are those of one sensor at one pace."
    )
