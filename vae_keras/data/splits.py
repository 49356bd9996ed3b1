"""Splits rows into sets for training, early stopping, the alarm threshold and the final test."""

from typing import Any

import numpy as np

from vae_keras._base.arrays import Array, Arrays
from vae_keras.configs import DataConfig

from . import labels, recordings
from .balanced_shares import deal_segments
from .datasets import Dataset, Rows, Split, counted, select
from .places import Places
from .streams import FileStream

MOST_HELD_BACK = (
    10_000  # rows at most for calibration, and for test: more do not sharpen an alarm level
)

# With fewer normal rows than this none is held back for calibration. A fifth of them would be fewer
# than 200, of which the two highest would decide on an alarm in a hundred; and a model learns from
# 90 % of the rows instead of 60 %. Beyond, six trainings cost more than that is worth.
ENOUGH_TO_HOLD_BACK = 1_000
FOLDS = 5

HELD_BACK_ROLES = ("validation", "calibration", "test")
MACHINE_ROLES = ("calibration", "test")  # of rows that are judged

ADVICE = " Shorter windows or more recordings leave more to deal out (--window, --recording)."


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
        return _by_fold(dataset, config, folds, rng)
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
        machines=_machines(dataset, rows),
        recordings=recordings.of_sets(dataset, rows, [*normal.values()]),
        places=_places(dataset, rows["test"]),
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
        segments = [len(rows) for rows in _normal_by_machine(dataset)]
    else:
        segments = [len(np.flatnonzero(sizes)) for sizes in _sizes_by_machine(dataset)]
    return FOLDS if min(segments) > FOLDS else 1


def _by_fold(dataset: Dataset, config: DataConfig, folds: int, rng: Any) -> Split:
    """Splits off test rows; all others are trained on, and calibrate by the fold they are in."""
    into_folds = _rows_into_folds if dataset.segments is None else _segments_into_folds
    normal, dealt, stopping = into_folds(dataset, config, folds, rng)
    _check_folds(dataset, normal, dealt, folds)
    anomalies = _anomalies(dataset, rng)
    validates = stopping & (dealt == 1)
    learns, test = (dealt > 0) & ~validates, _counted(dataset, normal[dealt == 0])
    if dataset.recordings is not None and len(test) > MOST_HELD_BACK:
        test = rng.permutation(test)[:MOST_HELD_BACK]
    order = np.concatenate([np.flatnonzero(learns), np.flatnonzero(validates)])
    rows = {
        "train": normal[learns],
        "validation": normal[validates],
        "calibration": normal[order],
        "test": np.concatenate([test, anomalies]),
    }
    return Split(
        **{role: select(dataset.x, rows[role]) for role in ("train", "validation", "calibration")},
        test=dataset.x[rows["test"]],
        test_y=np.arange(len(test) + len(anomalies)) >= len(test),
        labels=labels.split_labels(dataset, rows, config),
        machines=_machines(dataset, rows),
        recordings=recordings.of_sets(
            dataset, rows, [normal[dealt == part] for part in range(folds + 1)]
        ),
        folds=dealt[order] - 1,
        stopping=stopping[order],
        calibrates=_calibrates(dataset, normal[order], rng),
        places=_places(dataset, rows["test"]),
    )


def _calibrates(dataset: Dataset, rows: Array, rng: Any) -> Array | None:
    """Mask of the rows whose scores calibrate, where recordings have more than are of use."""
    if dataset.recordings is None or dataset.stride is not None or len(rows) <= MOST_HELD_BACK:
        return None
    own = np.zeros(len(rows), int) if dataset.machines is None else dataset.machines[rows]
    mask = np.zeros(len(rows), bool)
    for machine in np.unique(own):
        mask[rng.permutation(np.flatnonzero(own == machine))[:MOST_HELD_BACK]] = True
    return mask


def _rows_into_folds(
    dataset: Dataset, config: DataConfig, folds: int, rng: Any
) -> tuple[Array, Array, Array]:
    """Numbers of normal rows; fold of each, 0 for the test; mask of those for early stopping."""
    parts = []
    for rows in map(rng.permutation, _normal_by_machine(dataset)):
        held_back = min(max(round(len(rows) * config.test), 1), MOST_HELD_BACK, len(rows))
        turn, role = np.divmod(np.arange(len(rows) - held_back), folds)
        dealt = np.append(np.zeros(held_back, int), 1 + role)
        stops = turn < max(round(len(turn) * config.validation), 1)
        parts.append((rows, dealt, np.append(np.zeros(held_back, bool), stops)))
    rows, dealt, stopping = map(np.concatenate, zip(*parts, strict=True))
    return rows, dealt, stopping


def _segments_into_folds(
    dataset: Dataset, config: DataConfig, folds: int, rng: Any
) -> tuple[Array, Array, Array]:
    """Puts whole segments into folds; returns as `_rows_into_folds`, -1 for rows in no fold."""
    normal = np.flatnonzero(~dataset.y)
    first, last = np.asarray(dataset.segments)[normal].T
    role = _deal_by_machine(dataset, [config.test, *[(1 - config.test) / folds] * folds], rng)
    dealt = np.where(role[first] == role[last], role[first], -1)
    return normal, dealt, np.ones(len(normal), bool)  # to cut a fold would lose windows of it


def _check_folds(dataset: Dataset, normal: Array, dealt: Array, folds: int) -> None:
    """Raises ValueError where a fold, or the test, lacks rows of a machine; or folds are large."""
    each = {"": dealt}
    if dataset.machines is not None:
        machines = dataset.machines[normal]
        each = {f" of machine {u}": dealt[machines == u] for u in np.unique(dataset.machines)}
    for whose, own in each.items():
        counts = np.bincount(own[own >= 0], minlength=folds + 1)
        if not counts.all():
            what, advice = "rows", ""
            if dataset.segments is not None:
                what, advice = "recordings, or stretches of them,", ADVICE
            raise ValueError(
                f"expected normal {what} for each of {folds} folds and for a test. Received: "
                f"{len(own)} rows{whose} in {dataset.name}, which leave none for "
                f"{(counts == 0).sum()} of them. Take fewer folds (--folds).{advice}"
            )
    count = len(_counted(dataset, normal[dealt > 0]))
    if count > MOST_HELD_BACK and (dataset.recordings is None or dataset.stride is not None):
        raise ValueError(
            f"expected {MOST_HELD_BACK:,} rows at most with folds, which are for few. Received: "
            f"{count:,}. With so many, hold some back for calibration (--folds 1)."
        )


def _by_row(dataset: Dataset, config: DataConfig, rng: Any) -> tuple[Arrays, Array]:
    """Splits rows one by one; returns normal rows by role, and anomalies for the test."""
    each = _normal_by_machine(dataset)
    dealt = [_by_share(rng.permutation(rows), dataset, config) for rows in each]
    normal = {role: np.concatenate([part[role] for part in dealt]) for role in dealt[0]}
    return normal, _anomalies(dataset, rng)


def _by_share(normal: Array, dataset: Dataset, config: DataConfig) -> Arrays:
    """Splits row numbers by the shares, in the order given; returns them by role."""
    n = len(normal)
    calibration = min(round(n * config.calibration), MOST_HELD_BACK)
    test = min(round(n * config.test), MOST_HELD_BACK)
    validation = round(n * config.validation)
    if isinstance(dataset.x, FileStream):  # of an array, all are in memory already
        validation = min(validation, MOST_HELD_BACK)
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
    role = _deal_by_machine(dataset, list(shares.values()), rng)
    own = np.where(~dataset.y & (role[first] == role[last]), role[first], -1)
    normal = {name: np.flatnonzero(own == i) for i, name in enumerate(shares)}
    normal["validation"] = _counted(dataset, normal["validation"])
    for name in ("calibration", "test"):
        normal[name] = rng.permutation(_counted(dataset, normal[name]))[:MOST_HELD_BACK]
    return normal, _anomalies(dataset, rng)


def _counted(dataset: Dataset, rows: Array) -> Array:
    """Drops the row numbers whose rows do not count, see `datasets.counted`."""
    return rows[counted(dataset.x)[rows]]


def _anomalies(dataset: Dataset, rng: Any) -> Array:
    """Numbers of the anomalies for the test."""
    return rng.permutation(_counted(dataset, np.flatnonzero(dataset.y)))[:MOST_HELD_BACK]


def _machines(dataset: Dataset, rows: Arrays) -> Arrays | None:
    """Of the rows that are judged, from row numbers by role."""
    machines = dataset.machines
    return None if machines is None else {role: machines[rows[role]] for role in MACHINE_ROLES}


def _places(dataset: Dataset, rows: Array) -> Places | None:
    return None if dataset.places is None else dataset.places[rows]


def _normal_by_machine(dataset: Dataset) -> list[Array]:
    """Numbers of normal rows, those of each machine by themselves."""
    normal, machines = ~dataset.y, dataset.machines
    if machines is None:
        return [np.flatnonzero(normal)]
    return [np.flatnonzero(normal & (machines == machine)) for machine in np.unique(machines)]


def _sizes_by_machine(dataset: Dataset) -> list[Array]:
    """Numbers of normal rows that begin in each segment, an array for each machine.

    A machine's array is 0 in the segments of other machines.
    """
    segments = np.asarray(dataset.segments)
    sizes = np.bincount(segments[~dataset.y, 0], minlength=int(segments.max()) + 1)
    if dataset.machines is None:
        return [sizes]
    own = [segments[dataset.machines == machine, 0] for machine in np.unique(dataset.machines)]
    return [np.where(np.isin(np.arange(len(sizes)), each), sizes, 0) for each in own]


def _deal_by_machine(dataset: Dataset, shares: list[float], rng: Any) -> Array:
    """The number of the share that each segment goes to; those of each machine by themselves."""
    role = np.full(int(np.asarray(dataset.segments).max()) + 1, -1)
    for sizes in _sizes_by_machine(dataset):
        role = np.where(sizes > 0, deal_segments(sizes, np.array(shares), rng), role)
    return role


def _take(x: Rows, rows: Array) -> Array:
    return x.take(rows) if isinstance(x, FileStream) else x[rows]
