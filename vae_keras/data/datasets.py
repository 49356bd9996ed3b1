"""Types `Dataset` and `Split`, and functions over rows in memory, streams and windows."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vae_keras._base.arrays import Array, Arrays
from vae_runtime.bundle.manifest import Clock, ImageSpec

from .offsets import Windows
from .places import Places
from .streams import Stream

BLOCK_VALUES = 2**22
KNOWN_OF_ROWS = (
    "segments",
    "labels",
    "machines",
    "recordings",
    "files",
    "places",
)  # fields of a `Dataset`, by row

Rows = Any  # an Array (rows, *input_shape), or a Stream or Windows of its shape and dtype


@dataclass(frozen=True)
class Dataset:
    """Rows, with their labels, column names and value range.

    Args:
        name: for people.
        x: float32 or uint8 (rows, *input_shape), in the data's own units; an array, a `Stream`,
            or `Windows`.
        y: bool (rows,), True for anomalies.
        value_range: the lowest and highest value that the sensor can give; None where unknown.
        feature_names: of the last axis: the columns of a table, the channels of windows.
        one_hot: sizes of the one-hot groups that the last columns are, in order.
        license: of the data, where known.
        stride: where rows are windows over a table, the rows between the starts of two when such
            tables are scored. (Training draws from windows at every offset.)
        segments: int (rows, 2), the stretches of a recording that the first and the last sample of
            each row are from: rows that share one must not be on both sides of a split.
        labels: int32 (rows,), the number of each row's class, -1 where it is not known.
        classes: the names of the classes; None, as labels, where nobody asked for them.
        machines: text (rows,), the name of the machine of each row; None where nobody asked.
        recordings: text (rows,), the name of the recording of each row; None where unknown.
        categories: columns of text that the last one-hot groups are, and their values; None
            without any.
        clock: the times of the rows; None where nobody named them.
        notes: what was done to the rows on the way, for people.
        image: how image files became rows; None where rows came otherwise.
        files: int (rows,), the number of each row's file among `file_names`; None where all are of
            one file.
        file_names: of the files, in order.
        places: where in the source each row is from; None where that is not known.
    """

    name: str
    x: Rows
    y: Array
    value_range: tuple[float, float] | None = None
    feature_names: tuple[str, ...] | None = None
    one_hot: tuple[int, ...] = ()
    license: str | None = None
    stride: int | None = None
    segments: Array | None = None
    labels: Array | None = None
    classes: tuple[str, ...] | None = None
    machines: Array | None = None
    recordings: Array | None = None
    categories: dict[str, tuple[str, ...]] | None = None
    clock: Clock | None = None
    notes: tuple[str, ...] = ()
    image: ImageSpec | None = None
    files: Array | None = None
    file_names: tuple[str, ...] | None = None
    places: Places | None = None


@dataclass(frozen=True)
class Recordings:
    """Recordings of a split.

    `names` are those of each row of calibration and test, `counts` how many recordings each set
    has; `whole` is True where none is in two sets, or in two folds.
    """

    names: Arrays
    counts: dict[str, int]
    whole: bool


@dataclass(frozen=True)
class Split:
    """Sets of rows, disjoint without folds. Only `test` holds anomalies, marked by `test_y`.

    `train` may be a `Stream` or `Windows`; the others are arrays. `labels` are those of train,
    validation, calibration and test, as training may see them, or None where there are no classes.
    `machines` name the machine of each row of calibration and test, or are None; `recordings` say
    who gets which, where they are known.

    With `folds`, int (rows of calibration,), the calibration rows are those of train, then those of
    validation, and each is scored by another model, which saw no row of its fold. `stopping`, bool
    (rows of calibration,), are those that tell such a model when to stop, some of each fold. Of a
    table of windows, train, validation and calibration are then `Windows`; those that are `counted`
    validate and calibrate. `calibrates`, bool (rows of calibration,), are those whose scores
    calibrate where these are not all. `places` are those of the test rows, None where unknown.

    >>> train, validation, calibration, test = np.split(normal, [700, 800, 1000])
    >>> rows = Split(train, validation, calibration, test, test_y=np.zeros(len(test), bool))
    >>> rows.calibration.shape
    (200, 6)
    """

    train: Rows
    validation: Array
    calibration: Array
    test: Array
    test_y: Array
    labels: Arrays | None = None
    machines: Arrays | None = None
    recordings: Recordings | None = None
    folds: Array | None = None
    stopping: Array | None = None
    calibrates: Array | None = None
    places: Places | None = None


def calibrating(rows: Split) -> Array:
    """Mask of the calibration rows whose scores calibrate: bool (rows of calibration,)."""
    some = counted(rows.calibration)
    return some if rows.calibrates is None else some & rows.calibrates


def counted(x: Rows) -> Array:
    """Mask of rows that count in costs and scores: all, but of windows some: bool (rows,)."""
    return x.counted if isinstance(x, Windows) else np.ones(len(x), bool)


def epoch_rows(x: Rows) -> int:
    """Number of rows that are trained on in one epoch."""
    return x.epoch_rows if isinstance(x, Windows) else len(x)


def evaluation_rows(dataset: Dataset) -> Dataset:
    """Rows to evaluate on: all, but of windows at every offset those that count, as an array."""
    if not isinstance(dataset.x, Windows):
        return dataset
    return where(dataset, dataset.x.counted)


def where(dataset: Dataset, some: Array) -> Dataset:
    """Rows of a `Dataset` under a mask, with all that is known of each."""
    known = {name: getattr(dataset, name) for name in KNOWN_OF_ROWS}
    chosen: dict[str, Any] = {n: None if each is None else each[some] for n, each in known.items()}
    return replace(dataset, x=dataset.x[some], y=dataset.y[some], **chosen)


def select(x: Rows, rows: Array) -> Rows:
    """Selects rows by index; of a stream or of windows nothing is copied."""
    return x[rows] if isinstance(x, np.ndarray) else x.select(rows)


def blocks(x: Rows) -> Iterator[Array]:
    """Iterates over all rows in order, a few megabytes at a time; of windows, those that count."""
    if isinstance(x, Stream):
        return x.in_order()
    x = select(x, x.counted) if isinstance(x, Windows) else x
    size = max(BLOCK_VALUES // max(math.prod(x.shape[1:]), 1), 1)
    return (x[start : start + size] for start in range(0, len(x), size))


def fingerprint(x: Rows) -> str:
    """Hash (sha256) of the rows' bytes, to recognise the rows that a model was trained on.

    Of windows, that of the table's rows that are in them, and of where they begin.
    """
    digest = hashlib.sha256()
    for block in (x.table[x.covered()], x.starts) if isinstance(x, Windows) else blocks(x):
        digest.update(np.ascontiguousarray(block).tobytes())
    return digest.hexdigest()
