"""Windows over a table of sensor channels, and which of them must stay together in a split."""

from dataclasses import replace

import numpy as np

from vae_keras.arrays import Array
from vae_keras.configs import DataConfig
from vae_runtime.data.windows import window_rows
from vae_runtime.units import of_windows

from . import labels
from .datasets import Dataset

# With as many recordings as this, whole recordings are held back: the threshold is then set on
# recordings that training never saw, as those on the device will be. With fewer, each is cut into
# stretches, about SEGMENTS in all.
MIN_RECORDINGS = 10
SEGMENTS = 40
MIN_WINDOWS = 4  # a stretch is as long as so many windows, at least: those across its ends are lost


def cut(
    table: Dataset, config: DataConfig, *, good: Array, group: Array | None, time: Array | None
) -> Dataset:
    """The windows of a table whose rows are in time order.

    A window is an anomaly where any of its rows is, and of a class where all are. Its unit is that
    of its rows.

    Args:
        table: rows (rows, channels); or windows of that length, which are taken as they are.
        config: window and stride.
        good: bool (rows,); a window with a row that is not good is left out.
        group, time: (rows,), see `window_rows`.
    """
    window = config.window or 1
    stride = max(window // 4, 1) if config.stride is None else config.stride
    if table.x.ndim == 3 and table.x.shape[1] == window and time is None:
        return _cut_already(replace(table, stride=stride), good, group)
    if table.x.ndim != 2:
        raise ValueError(
            f"expected a table (rows, channels) to cut into windows, or windows of {window} rows "
            f"without times. Received: rows of shape {table.x.shape[1:]}."
        )
    rows = window_rows(len(table.x), window, stride, group=group, time=time)
    rows = rows[np.all(good[rows], axis=1)]
    if not len(rows):
        raise ValueError(
            f"expected a stretch of {window} rows without missing values. Received: none in "
            f"{table.name}."
        )
    is_unit = config.unit is not None and config.unit == config.group
    segment = _segments(len(table.x), group, window, each=is_unit)
    outside = len(table.x) - len(np.unique(rows))
    note = f"{outside:,} of {len(table.x):,} rows are in no window: ends of recordings, gaps"
    return replace(
        table,
        notes=(*table.notes, note) if outside else table.notes,
        x=table.x[rows],
        y=np.asarray(table.y[rows].any(axis=1)),
        stride=stride,
        segments=segment[rows[:, [0, -1]]],
        labels=None if table.labels is None else labels.of_windows(table.labels[rows]),
        units=None if table.units is None else of_windows(table.units[rows]),
    )


def _cut_already(table: Dataset, good: Array, group: Array | None) -> Dataset:
    """Windows as they are, those of a recording on one side of a split, where that is known."""
    windows = replace(
        table,
        x=table.x[good],
        y=table.y[good],
        labels=None if table.labels is None else table.labels[good],
        units=None if table.units is None else table.units[good],
    )
    if group is None:
        note = "windows are dealt out one by one: if they overlap, name their recordings (--group)"
        return replace(windows, notes=(*table.notes, note))
    recording = np.unique(group.astype(str), return_inverse=True)[1][good]
    return replace(windows, segments=np.stack([recording, recording], axis=1))


def _segments(rows: int, group: Array | None, window: int, *, each: bool) -> Array:
    """The number of the segment that each row belongs to: int (rows,).

    Args:
        rows: of the table.
        group: (rows,), their recordings.
        window: rows in a window.
        each: whether rows of each recording must be held back, as they are all that a unit has.
    """
    names = np.zeros(rows, int) if group is None else group.astype(str)
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
