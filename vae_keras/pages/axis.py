"""Horizontal axis of a series: times as they came in, else numbers of rows, and its gaps."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from vae_keras._base.arrays import Array, Floats
from vae_keras.data.places import Places

GAP_STEPS = 3.0  # a step of more than so many usual (median) ones is a gap
LEAST_COVERED = 0.4  # share of the time that has rows; with less, rows stand side by side
MOST_JUMPS = 0.25  # share of rows without their neighbour; with more, rows are a sample of a file
HOLE = 0.05  # share of the axis: a longer stretch without rows of a sample is empty


@dataclass(frozen=True)
class Axis:
    """Positions of rows on a horizontal axis.

    Args:
        x: (rows,), ascending: seconds since 1970, numbers as in the file, or numbers of rows.
        kind: "date", "number" or "row".
        title: of the axis.
        broken: bool (rows,), True where a line from the row before would cross a gap, or lead into
            another recording.
        gaps: (begin, end) on the axis of each stretch without rows.
        borders: where a recording begins, and its name.
        said: (rows,) what is written of a position where `x` is not what was read.
        sampled: whether rows are a sample, such as those that training held back: nothing is known
            of what is between two of them.
    """

    x: Floats
    kind: str
    title: str
    broken: Array
    gaps: tuple[tuple[float, float], ...] = ()
    borders: tuple[tuple[float, str], ...] = ()
    said: Array | None = None
    sampled: bool = False

    @property
    def limits(self) -> tuple[float, float]:
        """Ends of the axis, half a step beyond the first and the last row."""
        half = self.half_step
        return float(self.x[0]) - half, float(self.x[-1]) + half

    @property
    def half_step(self) -> float:
        """Half of the usual step between rows."""
        steps = np.diff(self.x)
        return 0.5 * float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.5


def axis_of(places: Places | None, rows: int, noun: str) -> Axis:
    """Axis of rows that come from these places, in their order.

    Recordings that do not follow on each other, times that do not rise, or hardly any of the time
    covered: rows stand side by side then, with their times or numbers written below.
    """
    if places is None:
        return Axis(np.arange(float(rows)), "row", f"{noun}s in their order", np.zeros(rows, bool))
    borders = _borders(places.recording, rows)
    begins = np.zeros(rows, bool)
    begins[borders] = True
    read = None if places.time is None else read_times(places.time)
    if _is_sample(places, begins):
        return _of_sample(places, begins, read, noun)
    if read is not None:
        axis = _on_time(*read, begins, places.recording)
        if axis is not None:
            return axis
    elif places.time is None and len(borders) <= 1 and _rises(places.last):
        return _on_rows(places.last.astype(np.float64), begins)
    step = places.last.astype(np.float64) if read is None else read[0]
    broken, _ = _gaps(step, begins)
    axis = _side_by_side(places, borders, broken, noun)
    holes = tuple((axis.x[i - 1], axis.x[i]) for i in np.flatnonzero(broken & ~begins))
    return replace(axis, gaps=holes)


def read_times(time: Array) -> tuple[Floats, str] | None:
    """Times as numbers, with "date" or "number"; None for text that is neither.

    Dates are seconds since 1970 on the clock that they were written by, or by UTC where rows were
    written by clocks of several zones.

    >>> seconds, kind = read_times(np.array(["1970-01-01T00:01", "1970-01-01T00:02+00:00"]))
    >>> seconds.tolist(), kind
    ([60.0, 120.0], 'date')
    """
    if time.dtype.kind == "M":
        return time.astype("datetime64[us]").astype(np.int64) / 1e6, "date"
    if time.dtype.kind in "iuf":
        return time.astype(np.float64), "number"
    texts = [str(value) for value in time]
    try:
        return np.array([float(text) for text in texts]), "number"
    except ValueError:
        pass
    try:
        moments = [datetime.fromisoformat(text) for text in texts]
    except ValueError:
        return None
    zones = {moment.utcoffset() for moment in moments}
    if len(zones) == 1:
        moments = [moment.replace(tzinfo=UTC) for moment in moments]
    read = (m if m.tzinfo else m.replace(tzinfo=UTC) for m in moments)
    return np.array([moment.timestamp() for moment in read]), "date"


def _is_sample(places: Places, begins: Array) -> bool:
    """True where many single rows of a file are missing between those that there are."""
    inside = np.diff(places.last)[~begins[1:]]
    single = bool((places.first == places.last).all())
    return single and len(inside) > 0 and bool((inside > 1).mean() > MOST_JUMPS)


def _of_sample(places: Places, begins: Array, read: tuple[Floats, str] | None, noun: str) -> Axis:
    """Axis of a sample: times or numbers of rows; side by side where most of it would be empty."""
    borders = np.flatnonzero(begins)
    apart = begins | (np.diff(places.last, prepend=places.last[0] - 1) > 1)
    x, kind = (places.last.astype(np.float64), "row") if read is None else read
    steps = np.diff(x)
    empty = steps[steps > HOLE * (x[-1] - x[0])].sum()
    if not np.isfinite(x).all() or (steps < 0).any() or empty > (1 - LEAST_COVERED) * steps.sum():
        return replace(_side_by_side(places, borders, apart, noun), sampled=True)
    title = {"date": "time", "number": "time, as in the file", "row": "row of the file"}[kind]
    names = _named(x, borders, places.recording)
    return Axis(x, kind, title, apart, borders=names, sampled=True)


def _side_by_side(places: Places, borders: Array, broken: Array, noun: str) -> Axis:
    """Axis of rows side by side, with their times or numbers written below."""
    said = places.last if places.time is None else places.time
    what = "row of the file" if places.time is None else "time"
    x = np.arange(float(len(places.last)))
    names = _named(x, borders, places.recording)
    return Axis(x, "row", f"{what}; {noun}s side by side", broken, (), names, said)


def _on_time(x: Floats, kind: str, begins: Array, recording: Array | None) -> Axis | None:
    """Axis of times; None where they do not rise, or most of the time has no rows."""
    if not _rises(x) or not np.isfinite(x).all():
        return None
    broken, gaps = _gaps(x, begins, between=True)
    empty = sum(end - begin for begin, end in gaps)
    if len(x) > 1 and empty > (1 - LEAST_COVERED) * (x[-1] - x[0]):
        return None
    title = "time" if kind == "date" else "time, as in the file"
    return Axis(x, kind, title, broken, gaps, _named(x, np.flatnonzero(begins), recording))


def _on_rows(x: Floats, begins: Array) -> Axis:
    broken, gaps = _gaps(x, begins)
    return Axis(x, "row", "row of the file", broken, gaps)


def _gaps(
    x: Floats, begins: Array, *, between: bool = False
) -> tuple[Array, tuple[tuple[float, float], ...]]:
    """Mask of the rows behind a gap or a border, and the gaps; `between` recordings too."""
    broken, step = begins.copy(), np.diff(x)
    inside = step[~begins[1:] & (step > 0)]
    if len(inside):
        late = step > GAP_STEPS * np.median(inside)
        broken[1:] |= late
        found = np.flatnonzero(late if between else late & ~begins[1:])
        return broken, tuple((float(x[i]), float(x[i + 1])) for i in found)
    return broken, ()


def _borders(recording: Array | None, rows: int) -> Array:
    """Places at which a recording begins, the first among them; none without recordings."""
    if recording is None or not rows:
        return np.zeros(0, np.int64)
    return np.concatenate([[0], 1 + np.flatnonzero(recording[1:] != recording[:-1])])


def _named(x: Floats, borders: Array, recording: Array | None) -> tuple[tuple[float, str], ...]:
    if recording is None:
        return ()
    return tuple((float(x[i]), str(recording[i])) for i in borders)


def _rises(x: Array) -> bool:
    return bool((np.diff(x) >= 0).all())
