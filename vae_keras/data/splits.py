"""Who sees which rows: training, early stopping, the alarm threshold, the final judgement."""

from typing import Any

import numpy as np

from vae_keras.arrays import Array, Arrays
from vae_keras.configs import DataConfig

from . import labels
from .datasets import Dataset, Rows, Split
from .streams import ParquetStream

HELD_BACK = 10_000  # rows at most for calibration, and for test: more do not sharpen an alarm level

# With fewer normal rows than this none is held back for calibration. A fifth of them would be fewer
# than 200, of which the two highest would decide on an alarm in a hundred; and a model learns from
# 90 % of the rows instead of 60 %. Beyond, six trainings cost more than that is worth.
FEW = 1_000
FOLDS = 5

HELD_BACK_ROLES = ("validation", "calibration", "test")

ADVICE = " Shorter windows or more recordings leave more to deal out (--window, --group)."


def split(dataset: Dataset, config: DataConfig) -> Split:
    """Deals the normal rows out at random by the shares of a `DataConfig`; anomalies go to test.

    Normal windows that overlap, or that stem from one recording, stay on one side: it is segments
    that are dealt, and a window that lies in segments of two sets goes to neither. (Anomalies are
    few: all are judged on, also those beside windows that were trained on.)

    Where rows are few, all but the test are dealt out to folds instead, see `choose_folds`.
    """
    rng, folds = np.random.default_rng(config.seed), choose_folds(dataset, config)
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
        train=_only(dataset.x, rows["train"]),
        **held_back,
        test_y=test_y,
        labels=labels.deal(dataset, rows, config),
    )


def choose_folds(dataset: Dataset, config: DataConfig) -> int:
    """Into how many folds the rows are cut for a calibration that holds none back; 1 for none.

    Where `DataConfig.folds` does not say it, they are where normal rows are fewer than `FEW`; but
    not where somebody chose the shares to hold back, nor where there is no segment for each fold.
    """
    if config.folds is not None:
        return config.folds
    normal = ~dataset.y
    is_streamed = isinstance(dataset.x, ParquetStream)
    if is_streamed or config.has_own_shares or normal.sum() >= FEW:
        return 1
    segments = normal.sum() if dataset.segments is None else len(_sizes(dataset).nonzero()[0])
    return FOLDS if segments > FOLDS else 1


def _by_fold(dataset: Dataset, config: DataConfig, folds: int, rng: Any) -> Split:
    """Rows to test on; all others to train and to calibrate on, each of them in a fold."""
    shares = np.array([config.test, *[(1 - config.test) / folds] * folds])
    normal = rng.permutation(np.flatnonzero(~dataset.y))
    stopping = np.ones(len(normal), bool)  # of windows, no fold can be cut without losing some
    if dataset.segments is None:
        held_back = min(max(round(len(normal) * config.test), 1), HELD_BACK)
        turn, role = np.divmod(np.arange(len(normal) - held_back), folds)
        dealt = np.append(np.zeros(held_back, int), 1 + role)
        stopping[held_back:] = turn < max(round(len(turn) * config.validation), 1)
    else:
        first, last = dataset.segments[normal].T
        role = _deal(_sizes(dataset), shares, rng)
        dealt = np.where(role[first] == role[last], role[first], -1)
    _check_folds(dataset, np.bincount(dealt[dealt >= 0], minlength=folds + 1))
    anomalies = rng.permutation(np.flatnonzero(dataset.y))[:HELD_BACK]
    validates = stopping & (dealt == 1)
    learns, test = (dealt > 0) & ~validates, normal[dealt == 0]
    order = np.concatenate([np.flatnonzero(learns), np.flatnonzero(validates)])
    rows = {
        "train": normal[learns],
        "validation": normal[validates],
        "calibration": normal[order],
        "test": np.concatenate([test, anomalies]),
    }
    return Split(
        **{role: dataset.x[numbers] for role, numbers in rows.items()},
        test_y=np.arange(len(test) + len(anomalies)) >= len(test),
        labels=labels.deal(dataset, rows, config),
        folds=dealt[order] - 1,
        stopping=stopping[order],
    )


def _check_folds(dataset: Dataset, counts: Array) -> None:
    """`counts` are the rows of the test, then of each fold."""
    if not counts.all():
        what, advice = "rows", ""
        if dataset.segments is not None:
            what, advice = "recordings, or stretches of them,", ADVICE
        raise ValueError(
            f"expected normal {what} for each of {len(counts) - 1} folds and for a test. Received: "
            f"{(~dataset.y).sum()} rows in {dataset.name}, which leave none for "
            f"{(counts == 0).sum()} of them. Take fewer folds (--folds).{advice}"
        )
    if counts[1:].sum() > HELD_BACK:
        raise ValueError(
            f"expected {HELD_BACK:,} rows at most with folds, which are for few. Received: "
            f"{counts[1:].sum():,}. With so many, hold some back for calibration (--folds 1)."
        )


def _by_row(dataset: Dataset, config: DataConfig, rng: Any) -> tuple[Arrays, Array]:
    """Normal rows by role, and anomalies for the test."""
    normal = rng.permutation(np.flatnonzero(~dataset.y))
    anomalies = rng.permutation(np.flatnonzero(dataset.y))[:HELD_BACK]
    n = len(normal)
    calibration = min(round(n * config.calibration), HELD_BACK)
    test = min(round(n * config.test), HELD_BACK)
    validation = round(n * config.validation)
    if isinstance(dataset.x, ParquetStream):  # of an array, all are in memory already
        validation = min(validation, HELD_BACK)
    parts = np.split(normal, np.cumsum([calibration, test, validation]))
    roles = ("calibration", "test", "validation", "train")
    return dict(zip(roles, parts, strict=True)), anomalies


def _by_segment(dataset: Dataset, config: DataConfig, rng: Any) -> tuple[Arrays, Array]:
    """The same where rows of one segment must stay together."""
    shares = {
        "test": config.test,
        "validation": config.validation,
        "calibration": config.calibration,
        "train": 1 - config.test - config.validation - config.calibration,
    }
    first, last = np.asarray(dataset.segments).T
    role = _deal(_sizes(dataset), np.array(list(shares.values())), rng)
    own = np.where(~dataset.y & (role[first] == role[last]), role[first], -1)
    normal = {name: rng.permutation(np.flatnonzero(own == i)) for i, name in enumerate(shares)}
    for name in ("calibration", "test"):
        normal[name] = normal[name][:HELD_BACK]
    return normal, rng.permutation(np.flatnonzero(dataset.y))[:HELD_BACK]


def _sizes(dataset: Dataset) -> Array:
    """How many normal rows begin in each segment."""
    segments = np.asarray(dataset.segments)
    return np.bincount(segments[~dataset.y, 0], minlength=int(segments.max()) + 1)


def _deal(sizes: Array, shares: Array, rng: Any) -> Array:
    """The number of the share that each segment goes to, so that sums of sizes are near shares.

    Each segment goes where most is missing, the last ones where nothing is yet; long ones come
    first, so that none is left for a share that it would burst; those of a length, at random.
    """
    role, missing = np.full(len(sizes), -1), shares * sizes.sum()
    order = rng.permutation(np.flatnonzero(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    for left, segment in zip(range(len(order), 0, -1), order, strict=True):
        empty = ~np.isin(np.arange(len(shares)), role)
        open_to = empty if empty.sum() >= left else np.ones_like(empty)
        role[segment] = np.argmax(np.where(open_to, missing, -np.inf))
        missing[role[segment]] -= sizes[segment]
    return role


def _take(x: Rows, rows: Array) -> Array:
    return x.take(rows) if isinstance(x, ParquetStream) else x[rows]


def _only(x: Rows, rows: Array) -> Rows:
    return x.only(rows) if isinstance(x, ParquetStream) else x[rows]
