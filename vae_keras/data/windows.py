"""Windows over a table of sensor channels, and the segments that a split keeps whole."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from vae_keras._base.arrays import Array
from vae_keras.configs import DataConfig
from vae_runtime.bundle.manifest import Clock
from vae_runtime.rows.machine_names import of_windows
from vae_runtime.rows.names.name_texts import name_texts
from vae_runtime.rows.times.gaps import Steps, look_at
from vae_runtime.rows.times.times import Times, read_times
from vae_runtime.rows.windows.windows import UNNAMED, find_segments, one_of, starts_in, windows_with

from . import labels
from .datasets import Dataset, where
from .offsets import Windows

# With as many recordings as this, whole recordings are held back: the threshold is then set on
# recordings that training never saw, as those on the device will be. With fewer, each is cut into
# stretches, about SEGMENTS in all.
MIN_RECORDINGS = 10
SEGMENTS = 40
MIN_WINDOWS = 4  # a stretch is as long as so many windows, at least: those across its ends are lost


def times_of(columns: Mapping[str, Array], config: DataConfig) -> Times | None:
    """Times of a table's rows, from the columns that were read; None where none are asked for."""
    if not config.time_columns:
        return None
    each = (columns[name] for name in config.time_columns)
    return read_times(*each, format=config.time_format, where=config.source)


def with_times(good: Array, times: Times, config: DataConfig, notes: list[str]) -> Array:
    """Mask of the good rows that have a time; ValueError for others, where none is to be dropped.

    Args:
        good: bool (rows,).
        times: of the rows.
        config: says whether bad rows are dropped.
        notes: gets a sentence on those that are.
    """
    if config.on_bad_row != "reject":
        times.check(good, config.source)
    lacking = int((good & ~times.good).sum())
    if lacking:
        rows = "row" if lacking == 1 else "rows"
        notes.append(f"left out {lacking:,} {rows} without a time that can be read")
    return np.asarray(good & times.good)


def clock_of(
    config: DataConfig, times: Times | None = None, steps: Steps | None = None
) -> Clock | None:
    """Description of the times, for devices; `steps` are found from times without recordings."""
    if not config.time_columns:
        return None
    if steps is None and times is not None and len(times.values) > 1:
        order = np.arange(len(times.values))
        steps = look_at(times.steps(order), np.zeros(len(order) - 1, bool))
    return Clock(
        config.time_columns,
        None if times is None else times.format,
        None if steps is None else steps.step,
        None if steps is None or config.window is None else steps.gap,
    )


def cut(
    table: Dataset,
    config: DataConfig,
    *,
    good: Array,
    recording: Array | None,
    time: Array | Times | None,
) -> Dataset:
    """Cuts windows at every offset of a table whose rows are in time order.

    A window is an anomaly where any of its rows is, and of a class where all are. Its machine is
    that of its rows. As many are counted, see `Windows`, as there are at the stride, or at a
    quarter of a window where that is less.

    Args:
        table: rows (rows, channels); or windows of that length, which are taken as they are.
        config: window, stride and seed.
        good: bool (rows,); a window with a row that is not good is left out.
        recording, time: (rows,), see `window_rows`; a row without a time must not be good.
    """
    window = config.window or 1
    quarter = max(window // 4, 1)
    stride = quarter if config.stride is None else config.stride
    if table.recordings is None and recording is not None:
        table = replace(table, recordings=name_texts(recording))
    if table.x.ndim == 3 and table.x.shape[1] == window and time is None:
        return _cut_already(replace(table, stride=stride), good)
    if table.x.ndim != 2:
        raise ValueError(
            f"expected a table (rows, channels) to cut into windows, or windows of {window} rows "
            f"without times. Received: rows of shape {table.x.shape[1:]}."
        )
    if time is not None and not isinstance(time, Times):
        time = read_times(time, format=config.time_format, where=config.source)
    recording = _recordings(table, recording)
    there = _known(good, recording)
    found = find_segments(
        len(there),
        recording=None if recording is None else recording[there],
        time=None if time is None else time.at(there),
        gap=config.gap,
        good=good[there],
        where=table.name,
    )
    order, starts = there[found.order], starts_in(found, window, 1)
    starts = starts[~windows_with(~good[order], starts, window)]
    lost = np.concatenate([[0], np.cumsum(~np.isin(np.arange(len(table.x)), there))])
    starts = starts[lost[order[starts]] == lost[order[starts + window - 1]]]
    if not len(starts):
        raise ValueError(
            f"expected a stretch of {window} rows without missing values. Received: none in "
            f"{table.name}."
        )
    is_machine = config.machine is not None and config.machine == config.recording
    segment = _segments(len(table.x), recording, window, each=is_machine)[order]
    counted = one_of(len(starts), min(stride, quarter), seed=config.seed)
    x = Windows(table.x[order], starts, window, counted)
    outside = int((~x.covered()).sum())
    note = f"{outside:,} of {len(table.x):,} rows are in no window: ends of recordings, gaps"
    return replace(
        table,
        notes=(*table.notes, *found.notes, *([note] if outside else [])),
        clock=clock_of(config, time, found.steps),
        x=x,
        y=windows_with(table.y[order], starts, window),
        stride=stride,
        segments=np.stack([segment[starts], segment[starts + window - 1]], axis=1),
        labels=None if table.labels is None else _labels(table.labels[order], starts, window),
        places=None
        if table.places is None
        else table.places.of_windows(order[starts], order[starts + window - 1]),
        machines=None
        if table.machines is None
        else _machines(table.machines[order], starts, window),
        recordings=None if table.recordings is None else table.recordings[order][starts],
        files=None if table.files is None else table.files[order][starts],
    )


def _recordings(table: Dataset, recording: Array | None) -> Array | None:
    """Recordings by name, each file with its own: (rows,), or None for one recording."""
    if table.files is None:
        return recording
    if recording is None:
        return table.files
    return np.char.add(np.char.add(table.files.astype(str), "/"), name_texts(recording))


def _known(good: Array, recording: Array | None) -> Array:
    """Numbers of the rows but for bad ones that do not say of which recording they are."""
    lost = np.zeros(len(good), bool)
    if recording is not None and not good.all():
        lost = ~good & np.isin(np.char.strip(recording.astype(str)), UNNAMED)
    return np.flatnonzero(~lost)


def _mixed(values: Array, starts: Array, window: int) -> Array:
    """Mask of the windows whose rows have different values: bool (windows,)."""
    changes = np.append(values[1:] != values[:-1], False)  # behind which row
    return windows_with(changes, starts, window - 1)


def _labels(values: Array, starts: Array, window: int) -> Array:
    """Class of each window whose rows are all of one class, else -1: int32 (windows,)."""
    mixed = _mixed(values, starts, window)
    return np.where(mixed, labels.UNKNOWN, values[starts]).astype(np.int32)


def _machines(names: Array, starts: Array, window: int) -> Array:
    """The machine that all rows of a window are of; ValueError where they are of two."""
    mixed = starts[_mixed(names, starts, window)]
    if len(mixed):
        of_windows(names[mixed[:, None] + np.arange(window)])  # says which
    return np.asarray(names[starts])


def _cut_already(table: Dataset, good: Array) -> Dataset:
    """Windows as they are, those of a recording on one side of a split, where that is known."""
    windows = where(table, good)
    if windows.recordings is None:
        note = (
            "windows are dealt out one by one: if they overlap, name their recordings (--recording)"
        )
        return replace(windows, notes=(*table.notes, note))
    segments = np.unique(windows.recordings, return_inverse=True)[1]
    return replace(windows, segments=np.stack([segments, segments], axis=1))


def _segments(rows: int, recording: Array | None, window: int, *, each: bool) -> Array:
    """Segment number of each row: int (rows,).

    Args:
        rows: of the table.
        recording: (rows,), their recordings.
        window: rows in a window.
        each: whether rows of each recording must be held back, as they are all that a machine has.
    """
    names = np.zeros(rows, int) if recording is None else name_texts(recording)
    _, recording, sizes = np.unique(names, return_inverse=True, return_counts=True)
    if len(sizes) >= MIN_RECORDINGS and not each:
        return recording
    order = np.argsort(recording, kind="stable")
    rank = np.empty(rows, int)  # of a row within its recording
    rank[order] = np.arange(rows) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    most = SEGMENTS if each else -(-SEGMENTS // len(sizes))
    parts = np.clip(sizes // (MIN_WINDOWS * window), 1, most)
    first = np.cumsum(parts) - parts
    return first[recording] + rank * parts[recording] // sizes[recording]
