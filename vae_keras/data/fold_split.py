"""Split of few rows: all but the test train and calibrate, by folds."""

from typing import Any

import numpy as np

from vae_keras._base.arrays import Array
from vae_keras.configs import DataConfig

from . import dealing, labels, recordings
from .datasets import Dataset, Split, select
from .dealing import (
    anomalies_of,
    counted_rows,
    deal_by_machine,
    machines_of,
    normal_by_machine,
    places_of,
)

ADVICE = " Shorter windows or more recordings leave more to deal out (--window, --recording)."


def by_fold(dataset: Dataset, config: DataConfig, folds: int, rng: Any) -> Split:
    """Splits off test rows; all others are trained on, and calibrate by the fold they are in."""
    into_folds = _rows_into_folds if dataset.segments is None else _segments_into_folds
    normal, dealt, stopping = into_folds(dataset, config, folds, rng)
    _check_folds(dataset, normal, dealt, folds)
    anomalies = anomalies_of(dataset, rng)
    validates = stopping & (dealt == 1)
    learns, test = (dealt > 0) & ~validates, counted_rows(dataset, normal[dealt == 0])
    if dataset.recordings is not None and len(test) > dealing.MOST_HELD_BACK:
        test = rng.permutation(test)[: dealing.MOST_HELD_BACK]
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
        machines=machines_of(dataset, rows),
        recordings=recordings.of_sets(
            dataset, rows, [normal[dealt == part] for part in range(folds + 1)]
        ),
        folds=dealt[order] - 1,
        stopping=stopping[order],
        calibrates=_calibrates(dataset, normal[order], rng),
        places=places_of(dataset, rows["test"]),
    )


def _calibrates(dataset: Dataset, rows: Array, rng: Any) -> Array | None:
    """Mask of the rows whose scores calibrate, where recordings have more than are of use."""
    if (
        dataset.recordings is None
        or dataset.stride is not None
        or len(rows) <= dealing.MOST_HELD_BACK
    ):
        return None
    own = np.zeros(len(rows), int) if dataset.machines is None else dataset.machines[rows]
    mask = np.zeros(len(rows), bool)
    for machine in np.unique(own):
        mask[rng.permutation(np.flatnonzero(own == machine))[: dealing.MOST_HELD_BACK]] = True
    return mask


def _rows_into_folds(
    dataset: Dataset, config: DataConfig, folds: int, rng: Any
) -> tuple[Array, Array, Array]:
    """Numbers of normal rows; fold of each, 0 for the test; mask of those for early stopping."""
    parts = []
    for rows in map(rng.permutation, normal_by_machine(dataset)):
        held_back = min(max(round(len(rows) * config.test), 1), dealing.MOST_HELD_BACK, len(rows))
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
    role = deal_by_machine(dataset, [config.test, *[(1 - config.test) / folds] * folds], rng)
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
    count = len(counted_rows(dataset, normal[dealt > 0]))
    are_judged = dataset.recordings is None or dataset.stride is not None
    if count > dealing.MOST_HELD_BACK and are_judged:
        raise ValueError(
            f"expected {dealing.MOST_HELD_BACK:,} rows at most with folds, which are for few. "
            f"Received: {count:,}. With so many, hold some back for calibration (--folds 1)."
        )
