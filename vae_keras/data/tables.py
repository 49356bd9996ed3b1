"""Rows from a table: its feature columns, its usable rows, its value range.

A column that is constant or text, a row with a missing or infinite value: an error that names it,
or left out where the configuration says so, and said aloud.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vae_keras._base.arrays import Array, Shape
from vae_keras.configs import DataConfig
from vae_runtime.rows import parquet
from vae_runtime.rows.files import read_rows, table_format
from vae_runtime.rows.machine_names import names_of
from vae_runtime.rows.tables import CellError, ColumnChoice, check_names

from . import labels, one_hot, windows
from .column_stats import ColumnStats, outlier_warnings
from .datasets import Dataset
from .streams import ParquetStream

Names = tuple[str, ...] | None


def load_table(config: DataConfig) -> Dataset:
    """Loads a .csv, .parquet, .npz or .npy file; ValueError says what is wrong and where."""
    notes: list[str] = []
    columns = _columns(config, notes)
    if config.time_columns and config.window is None:
        notes.append(f"no feature, as it says when rows were: {', '.join(config.time_columns)}")
    try:
        return (_streamed if config.stream else _in_memory)(config, columns, notes)
    except CellError as error:
        raise ValueError(
            f"{error} Name the columns to take (--columns), or leave out those that hold text "
            "(--bad-columns drop) and the rows that lack a value (--bad-rows drop)."
        ) from error


def _in_memory(config: DataConfig, columns: Names, notes: list[str]) -> Dataset:
    others = (config.recording, *config.time_columns, config.classes, config.machine)
    extra = list(dict.fromkeys(name for name in others if name is not None))
    dropping = config.bad_rows == "drop"
    table = read_rows(
        config.source, columns=columns, label=config.label, extra=extra, missing=dropping
    )
    x, names, groups = _groups_last(_as_trainable(table.x), table.names, config)
    y = np.zeros(len(x), bool) if table.y is None else _as_labels(table.y)
    stats = ColumnStats(names, groups, allow_bad=dropping)
    stats.add(x, y)
    good, kept = _usable(config, stats, names, notes)
    times = windows.times_of(table.extra, config)
    if times is not None:
        good = windows.with_times(good, times, config, notes)
    if Path(config.source).suffix == ".csv" and names is None:
        notes.append(f"{config.source} has no header line: its first line is taken as a row")
    if x.ndim == 2:
        if (good & ~y).any():
            notes += outlier_warnings(x[good & ~y], names or [str(i) for i in range(x.shape[1])])
        x, names = x[:, kept], tuple(names[i] for i in kept) if names else None
    limits = value_range(config, x.dtype, *_extremes(stats, kept))
    dataset = Dataset(Path(config.source).stem, x, y, limits, names, groups, notes=tuple(notes))
    if config.classes is not None:
        dataset = labels.with_labels(dataset, table.extra[config.classes], column=config.classes)
    if config.machine is not None:
        dataset = replace(dataset, machines=names_of(table.extra[config.machine], len(x)))
    if config.window is None:
        known, machines = (
            None if a is None else a[good] for a in (dataset.labels, dataset.machines)
        )
        clock = windows.clock_of(config, times)
        return replace(dataset, x=x[good], y=y[good], labels=known, machines=machines, clock=clock)
    recording = table.extra.get(config.recording or "")
    return windows.cut(dataset, config, good=good, recording=recording, time=times)


def _streamed(config: DataConfig, columns: Names, notes: list[str]) -> Dataset:
    path = Path(config.source)
    header = parquet.names(path)
    wanted = ColumnChoice(columns, config.label, extra=config.time_columns)
    check_names(path, header, (*wanted.of(header), *wanted.named))
    names, groups = one_hot.groups_last(wanted.of(header), config.one_hot or ())
    stats, marks = ColumnStats(names, groups, allow_bad=config.bad_rows == "drop"), []
    for group in parquet.row_groups(path):
        part = parquet.read_row_group(group, ColumnChoice(names, config.label, missing=True))
        marks.append(np.zeros(group.rows, bool) if part.y is None else _as_labels(part.y))
        stats.add(_as_trainable(part.x), marks[-1])
    good, kept = _usable(config, stats, names, notes)
    y = np.concatenate(marks)[good]
    stream = ParquetStream(path, [names[i] for i in kept], keep=good)
    limits = value_range(config, stream.dtype, *_extremes(stats, kept))
    dataset = Dataset(path.stem, stream, y, limits, stream.names, groups, notes=tuple(notes))
    return replace(dataset, clock=windows.clock_of(config))


def _columns(config: DataConfig, notes: list[str]) -> Names:
    """The columns to take: those asked for, or all but those of text where these may be dropped."""
    table = table_format(Path(config.source))
    if config.columns is not None or config.bad_columns == "error" or table is None:
        return config.columns
    others = (config.label, config.recording, config.classes, config.machine)
    named = [*(name for name in others if name is not None), *config.time_columns]
    found = table.columns(Path(config.source), named)
    text = [name for name, is_number in found.items() if not is_number]
    if text:
        notes.append(f"left out as they hold text: {', '.join(text)}")
    if len(text) == len(found):
        raise ValueError(f"{config.source}: expected columns of numbers. Received: none.")
    return tuple(name for name in found if name not in text)


def _groups_last(x: Array, names: Names, config: DataConfig) -> tuple[Array, Names, Shape]:
    if config.one_hot is None:
        return x, names, ()
    ordered, groups = one_hot.groups_last(names or (), config.one_hot)
    return x[:, [(names or ()).index(name) for name in ordered]], ordered, groups


def _as_trainable(x: Array) -> Array:
    """Converts rows to float32 or uint8; ValueError where there is no feature."""
    if x.dtype.kind not in "biuf" or x.ndim < 2 or 0 in x.shape:
        raise ValueError(
            "expected rows of numbers, (rows, features) or (rows, height, width, channels). "
            f"Received: {x.dtype} of shape {x.shape}."
        )
    if x.dtype == np.uint8:
        return x
    with np.errstate(over="ignore"):  # becomes infinity, which ColumnStats finds
        return x.astype(np.float32)


def _as_labels(y: Array) -> Array:
    bad = np.flatnonzero(~np.isin(y, (0, 1)))
    if len(bad):
        raise ValueError(
            f"expected labels 0 (normal) and 1 (anomaly). Received: {y[bad[0]]} in row {bad[0]} "
            f"({len(bad)} such rows)."
        )
    return y.astype(bool)


def _usable(
    config: DataConfig, stats: ColumnStats, names: Names, notes: list[str]
) -> tuple[Array, list[int]]:
    """Mask of the good rows and numbers of the columns to keep; notes what is left out."""
    good = stats.good()
    stats.check_kinds()
    if not good.all():
        notes.append(f"left out {int((~good).sum()):,} rows with missing or infinite values")
    constant = stats.constant() if config.bad_columns == "drop" else []
    if constant:
        called = [names[i] if names else str(i) for i in constant]
        notes.append(f"left out as they never change: {', '.join(called)}")
    kept = [i for i in range(stats.low.shape[0]) if i not in constant]
    if not kept:
        raise ValueError(f"{config.source}: expected columns that vary. Received: none.")
    return good, kept


def _extremes(stats: ColumnStats, kept: list[int]) -> tuple[float, float]:
    return float(stats.low[kept].min()), float(stats.high[kept].max())


def value_range(
    config: DataConfig, dtype: np.dtype[Any], low: float, high: float
) -> tuple[float, float] | None:
    """Range that the sensor can give: the configured one, or that of bytes or of 0 to 1.

    Args:
        config: may tell it.
        dtype: of the rows.
        low, high: of all values.
    """
    if config.value_range is None:
        if dtype == np.uint8:
            return 0.0, 255.0
        return (0.0, 1.0) if low >= 0 and high <= 1 else None
    if low < config.value_range[0] or high > config.value_range[1]:
        raise ValueError(
            f"expected values from {config.value_range[0]:g} to {config.value_range[1]:g}, as "
            f"--value-range says. Received: {low:g} to {high:g}."
        )
    return config.value_range
