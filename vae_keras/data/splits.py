"""Who sees which rows: training, early stopping, the alarm threshold, the final judgement."""

from typing import Any

import numpy as np

from vae_keras.arrays import Array, Arrays
from vae_keras.configs import DataConfig

from . import labels
from .datasets import Dataset, Rows, Split
from .streams import ParquetStream

HELD_BACK = 10_000  # rows at most for calibration, and for test: more do not sharpen an alarm level

HELD_BACK_ROLES = ("validation", "calibration", "test")

ADVICE = " Shorter windows or more recordings leave more to deal out (--window, --group)."


def split(dataset: Dataset, config: DataConfig) -> Split:
    """Deals the normal rows out at random by the shares of a `DataConfig`; anomalies go to test.

    Normal windows that overlap, or that stem from one recording, stay on one side: it is segments
    that are dealt, and a window that lies in segments of two sets goes to neither. (Anomalies are
    few: all are judged on, also those beside windows that were trained on.)
    """
    rng = np.random.default_rng(config.seed)
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
    sizes = np.bincount(first[~dataset.y], minlength=int(max(first.max(), last.max())) + 1)
    role = _deal(sizes, np.array(list(shares.values())), rng)
    own = np.where(~dataset.y & (role[first] == role[last]), role[first], -1)
    normal = {name: rng.permutation(np.flatnonzero(own == i)) for i, name in enumerate(shares)}
    for name in ("calibration", "test"):
        normal[name] = normal[name][:HELD_BACK]
    return normal, rng.permutation(np.flatnonzero(dataset.y))[:HELD_BACK]


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
