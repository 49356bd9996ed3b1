"""Rows from a table: its feature columns, its usable rows, its value range.

A column that is constant or text, a row with a missing or infinite value: an error that names it,
or left out where the configuration says so, and said aloud.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vae_keras._base.arrays import Array
from vae_keras.configs import DataConfig
from vae_runtime.bundle.records import Dialect
from vae_runtime.rows import input_files
from vae_runtime.rows.bad_rows import Reject, all_rejected
from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.input_files import Inputs
from vae_runtime.rows.names.categories import part_names
from vae_runtime.rows.names.name_texts import plain_column
from vae_runtime.rows.text.dialect import open_dialect, recorded
from vae_runtime.rows.text.endings import format_ending

from . import labels, recordings, windows
from .categories import grouped
from .column_choice import reading_of, resolve
from .column_stats import ColumnStats, outlier_warnings
from .datasets import Dataset, where
from .file_rows import Checked, Reading, checked_blocks, labels_of, rows_of
from .places import Places
from .streams import FileStream, with_small_shards

Names = tuple[str, ...] | None

SHOWN = 3  # rejected rows that are told


def load_table(config: DataConfig) -> Dataset:
    """Loads files of rows; ValueError says what is wrong and where."""
    notes: list[str] = []
    if config.columns is None:
        config, chosen = resolve(config)
        notes += chosen
    if config.time_columns and config.window is None:
        notes.append(f"no feature, as it says when rows were: {', '.join(config.time_columns)}")
    wanted = _wanted(config)
    inputs = input_files.plan([config.source], wanted)
    known = labels_of(config, inputs)
    inputs, groups = grouped(config, inputs, known)
    read = _streamed if config.stream else _in_memory
    return read(config, inputs, Reading(known, groups), notes)


def dialect_of(config: DataConfig) -> Dialect | None:
    """The dialect of the first file of a source, where that is text; None of others."""
    files = input_files.files_of([config.source], Wanted())
    if not files or not files[0].is_file() or format_ending(files[0]) != ".csv":
        return None
    return recorded(open_dialect(files[0], reading_of(config)))


def _wanted(config: DataConfig) -> Wanted:
    """What to read of the files: the columns asked for, or all of files without names."""
    known = config.category_values
    others = [config.label, config.recording, *config.time_columns, config.classes]
    others += () if known is not None else config.categories or ()
    extra = tuple(dict.fromkeys(name for name in others if name is not None))
    columns = config.columns
    if columns is not None and config.categories is not None:
        columns = tuple(name for name in columns if name not in config.categories)
    wanted = Wanted(
        columns,
        machine_column=config.machine,
        extra=extra,
        marked=config.label is None,
        reading=reading_of(config),
    )
    if config.stream:
        wanted = with_small_shards(wanted)
    if known is not None:
        names = (*(columns or ()), *part_names(known))
        return wanted._replace(features=names, shape=(len(names),), categories=known)
    return wanted


def _in_memory(config: DataConfig, inputs: Inputs, given: Reading, notes: list[str]) -> Dataset:
    groups = given.groups
    checked = rows_of(checked_blocks(inputs, *given))
    rows, x, names = checked.rows, checked.rows.x, inputs.wanted.features
    _check_kind(x)
    good = _good(config, checked, notes)
    times = windows.times_of({n: plain_column(rows.extra[n]) for n in config.time_columns}, config)
    if times is not None:
        good = windows.with_times(good, times, config, notes)
    stats = ColumnStats(names, groups)
    stats.add(x[good], checked.y[good])
    kept = _varying(config, stats, names, notes)
    if names is None and dialect_of(config) is not None:
        notes.append(f"{config.source} has no header line: its first line is taken as a row")
    if x.ndim == 2:
        normal = x[good & ~checked.y]
        if len(normal):
            notes += outlier_warnings(normal, names or [str(i) for i in range(x.shape[1])])
        x, names = x[:, kept], tuple(names[i] for i in kept) if names else None
    limits = value_range(config, x.dtype, *_extremes(stats, kept))
    dataset = Dataset(
        _name(config),
        x,
        checked.y,
        limits,
        names,
        groups if config.window is None else (),  # in windows they are channels of 0 and 1
        machines=rows.machines,
        categories=dict(inputs.wanted.categories) or None,
        files=rows.file if len(rows.files) > 1 else None,
        file_names=rows.files if len(rows.files) > 1 else None,
        notes=tuple(notes),
    )
    if config.classes is not None:
        known = plain_column(rows.extra[config.classes])
        dataset = labels.with_labels(dataset, known, column=config.classes)
    recording = plain_column(rows.extra[config.recording]) if config.recording else None
    dataset = replace(dataset, recordings=recordings.named(dataset, recording, good=good))
    given_times = None if times is None else times.given
    places = Places.of_rows(len(x), time=given_times, recording=dataset.recordings)
    dataset = replace(dataset, places=places)
    if config.window is None:
        return replace(only(dataset, good), clock=windows.clock_of(config, times))
    return windows.cut(dataset, config, good=good, recording=recording, time=times)


def _streamed(config: DataConfig, inputs: Inputs, given: Reading, notes: list[str]) -> Dataset:
    names, groups, aside = inputs.wanted.features or (), given.groups, 0
    stats = ColumnStats(names, groups)
    goods, marks, rejects = list[Array](), list[Array](), list[Reject]()
    for block in checked_blocks(inputs, *given):
        _check_kind(block.block.x)
        good = block.good
        stats.add(block.block.x[good], block.y[good])
        goods.append(good)
        marks.append(block.y)
        rejects += block.rejects
        aside += block.aside
        _refuse(config, rejects)
    good = np.concatenate(goods)
    _tell(rejects, good, notes)
    if len(inputs.files) > 1:
        notes.append("rows of all files are dealt out one by one, as they are streamed (--stream)")
    _tell_aside(aside, notes)
    kept = _varying(config, stats, names, notes)
    y = np.concatenate(marks)[good]
    stream = FileStream(inputs.with_features([names[i] for i in kept]), keep=good)
    limits = value_range(config, stream.dtype, *_extremes(stats, kept))
    dataset = Dataset(_name(config), stream, y, limits, stream.names, groups, notes=tuple(notes))
    return replace(
        dataset,
        categories=dict(inputs.wanted.categories) or None,
        clock=windows.clock_of(config),
    )


def _name(config: DataConfig) -> str:
    """Name of the rows, for people: that of the file or folder; of a glob, of its folder."""
    path = Path(config.source)
    return path.stem if path.exists() else path.parent.name or "rows"


def only(dataset: Dataset, good: Array) -> Dataset:
    """The good rows of a `Dataset`, with all that is known of them."""
    return where(dataset, good)


def _good(config: DataConfig, checked: Checked, notes: list[str]) -> Array:
    """Mask of the rows that can be used; tells how many are not, and why."""
    _refuse(config, checked.rejects)
    _tell(checked.rejects, checked.good, notes)
    _tell_aside(checked.aside, notes)
    return checked.good


def _refuse(config: DataConfig, rejects: Sequence[Reject]) -> None:
    if rejects and config.on_bad_row == "fail":
        raise rejects[0].error()


def _tell(rejects: Sequence[Reject], good: Array, notes: list[str]) -> None:
    """Notes how many rows are rejected, and the first reasons; ValueError where all are."""
    if not rejects:
        return
    if not good.any():
        raise all_rejected(rejects)
    first = " ".join(f"Row {row} of {file}: {reason}" for file, row, reason in rejects[:SHOWN])
    notes.append(f"{len(rejects):,} of {len(good):,} rows rejected. {first}")


def _tell_aside(anomalies: int, notes: list[str]) -> None:
    if anomalies:
        word = "anomaly" if anomalies == 1 else "anomalies"
        notes.append(f"left out {anomalies:,} {word} of a category that no normal row has")


def _check_kind(x: Array) -> None:
    """Raises ValueError where there is no feature, or no number."""
    if x.dtype.kind not in "biuf" or x.ndim < 2 or 0 in x.shape:
        raise ValueError(
            "expected rows of numbers, (rows, features) or (rows, height, width, channels). "
            f"Received: {x.dtype} of shape {x.shape}."
        )


def _varying(config: DataConfig, stats: ColumnStats, names: Names, notes: list[str]) -> list[int]:
    """Numbers of the columns to keep; notes those that are left out as they never change."""
    if config.category_values is None:  # else training saw each kind, and these rows need not
        stats.check_kinds()
    constant = stats.constant() if config.bad_columns == "drop" else []
    if constant:
        called = [names[i] if names else str(i) for i in constant]
        notes.append(f"left out as they never change: {', '.join(called)}")
    kept = [i for i in range(stats.low.shape[0]) if i not in constant]
    if not kept:
        raise ValueError(f"{config.source}: expected columns that vary. Received: none.")
    return kept


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
