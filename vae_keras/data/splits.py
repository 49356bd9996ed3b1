"""Splits rows into sets for training, early stopping, the alarm threshold and the final test."""

from typing import Any

import numpy as np

from vae_keras._base.arrays import Array, Arrays
from vae_keras.configs import DataConfig

from . import dealing, labels, recordings
from .datasets import Dataset, Rows, Split, counted, select
from .dealing import (
    anomalies_of,
    counted_rows,
    deal_by_machine,
    machines_of,
    normal_by_machine,
    places_of,
    sizes_by_machine,
)
from .fold_split import ADVICE, by_fold
from .streams import FileStream

# With fewer normal rows than this none is held back for calibration. A fifth of them would be fewer
# than 200, of which the two highest would decide on an alarm in a hundred; and a model learns from
# 90 % of the rows instead of 60 %. Beyond, six trainings cost more than that is worth.
ENOUGH_TO_HOLD_BACK = 1_000
FOLDS = 5

HELD_BACK_ROLES = ("validation", "calibration", "test")


def split(dataset: Dataset, config: DataConfig) -> Split:
    """Splits normal rows at random by the shares of a `DataConfig`; anomalies go to the test.

    Normal windows that overlap, or that stem from one recording, stay on one side: it is segments
    that are dealt, and a window that lies in segments of two sets goes to neither. (Anomalies are
    few: all are judged on, also those beside windows that were trained on.) Of windows at every
    offset, training gets all; of those that are held back, the counted ones stay.

    Where rows or recordings are few, all but the test are dealt out to folds instead, see
    `choose_folds`. Where there are machines, each gives its share to every set and every fold.
    """
    rng, folds = np.random.default_rng(config.seed), choose_folds(dataset, config)
    if dataset.recordings is not None and dataset.segments is None:
        needed = recordings.SETS if folds == 1 else folds + 1
        dataset = recordings.with_segments(dataset, needed)
    if folds > 1:
        return by_fold(dataset, config, folds, rng)
    deal = _by_row if dataset.segments is None else _by_segment
    normal, anomalies = deal(dataset, config, rng)
    if not all(map(len, normal.values())):
        raise ValueError(
            "expected enough normal rows to train, validate, calibrate and test on. "
            f"Received: {int((~dataset.y).sum())} in {dataset.name}, which leave "
            f"{', '.join(f'{len(rows)} for {role}' for role, rows in normal.items())}."
            f"{'' if dataset.segments is None else ADVICE}"
        )
    test = normal["test"]
    test_y = np.arange(len(test) + len(anomalies)) >= len(test)
    rows = {**normal, "test": np.concatenate([test, anomalies])}
    held_back = {role: _take(dataset.x, rows[role]) for role in HELD_BACK_ROLES}
    return Split(
        train=select(dataset.x, rows["train"]),
        **held_back,
        test_y=test_y,
        labels=labels.split_labels(dataset, rows, config),
        machines=machines_of(dataset, rows),
        recordings=recordings.of_sets(dataset, rows, [*normal.values()]),
        places=places_of(dataset, rows["test"]),
    )


def choose_folds(dataset: Dataset, config: DataConfig) -> int:
    """Number of folds for cross-conformal calibration; 1 where rows are held back instead.

    Where `DataConfig.folds` is None, there are folds if normal rows are fewer than
    `ENOUGH_TO_HOLD_BACK`, or recordings of rows than `recordings.ENOUGH_TO_HOLD_BACK`; but not
    where somebody chose the shares to hold back, nor where there is no segment for each fold, of
    each machine where there are machines.
    """
    if config.folds is not None:
        return config.folds
    if isinstance(dataset.x, FileStream) or config.has_own_shares:
        return 1
    if dataset.recordings is not None and dataset.segments is None:
        count = recordings.fewest(dataset)
        if recordings.SETS <= count < recordings.ENOUGH_TO_HOLD_BACK:
            return min(FOLDS, count - 1)
    if (~dataset.y & counted(dataset.x)).sum() >= ENOUGH_TO_HOLD_BACK:
        return 1
    if dataset.segments is None:
        segments = [len(rows) for rows in normal_by_machine(dataset)]
    else:
        segments = [len(np.flatnonzero(sizes)) for sizes in sizes_by_machine(dataset)]
    return FOLDS if min(segments) > FOLDS else 1


def _by_row(dataset: Dataset, config: DataConfig, rng: Any) -> tuple[Arrays, Array]:
    """Splits rows one by one; returns normal rows by role, and anomalies for the test."""
    each = normal_by_machine(dataset)
    dealt = [_by_share(rng.permutation(rows), dataset, config) for rows in each]
    normal = {role: np.concatenate([part[role] for part in dealt]) for role in dealt[0]}
    return normal, anomalies_of(dataset, rng)


def _by_share(normal: Array, dataset: Dataset, config: DataConfig) -> Arrays:
    """Splits row numbers by the shares, in the order given; returns them by role."""
    n = len(normal)
    calibration = min(round(n * config.calibration), dealing.MOST_HELD_BACK)
    test = min(round(n * config.test), dealing.MOST_HELD_BACK)
    validation = round(n * config.validation)
    if isinstance(dataset.x, FileStream):  # of an array, all are in memory already
        validation = min(validation, dealing.MOST_HELD_BACK)
    parts = np.split(normal, np.cumsum([calibration, test, validation]))
    return dict(zip(("calibration", "test", "validation", "train"), parts, strict=True))


def _by_segment(dataset: Dataset, config: DataConfig, rng: Any) -> tuple[Arrays, Array]:
    """Splits rows by whole segments; returns as `_by_row`."""
    shares = {
        "test": config.test,
        "validation": config.validation,
        "calibration": config.calibration,
        "train": 1 - config.test - config.validation - config.calibration,
    }
    first, last = np.asarray(dataset.segments).T
    role = deal_by_machine(dataset, list(shares.values()), rng)
    own = np.where(~dataset.y & (role[first] == role[last]), role[first], -1)
    normal = {name: np.flatnonzero(own == i) for i, name in enumerate(shares)}
    normal["validation"] = counted_rows(dataset, normal["validation"])
    for name in ("calibration", "test"):
        normal[name] = rng.permutation(counted_rows(dataset, normal[name]))[
            : dealing.MOST_HELD_BACK
        ]
    return normal, anomalies_of(dataset, rng)


def _take(x: Rows, rows: Array) -> Array:
    return x.take(rows) if isinstance(x, FileStream) else x[rows]
