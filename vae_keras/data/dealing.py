"""Rows that are dealt out to sets and folds: normal ones, those of each machine by themselves."""

from typing import Any

import numpy as np

from vae_keras._base.arrays import Array, Arrays

from .balanced_shares import deal_segments
from .datasets import Dataset, counted
from .places import Places

MOST_HELD_BACK = (
    10_000  # rows at most for calibration, and for test: more do not sharpen an alarm level
)
MACHINE_ROLES = ("calibration", "test")  # of rows that are judged


def counted_rows(dataset: Dataset, rows: Array) -> Array:
    """Drops the row numbers whose rows do not count, see `datasets.counted`."""
    return rows[counted(dataset.x)[rows]]


def anomalies_of(dataset: Dataset, rng: Any) -> Array:
    """Numbers of the anomalies for the test."""
    return rng.permutation(counted_rows(dataset, np.flatnonzero(dataset.y)))[:MOST_HELD_BACK]


def machines_of(dataset: Dataset, rows: Arrays) -> Arrays | None:
    """Of the rows that are judged, from row numbers by role."""
    machines = dataset.machines
    return None if machines is None else {role: machines[rows[role]] for role in MACHINE_ROLES}


def places_of(dataset: Dataset, rows: Array) -> Places | None:
    """Places that rows are from, by their numbers; None where they are not known."""
    return None if dataset.places is None else dataset.places[rows]


def normal_by_machine(dataset: Dataset) -> list[Array]:
    """Numbers of normal rows, those of each machine by themselves."""
    normal, machines = ~dataset.y, dataset.machines
    if machines is None:
        return [np.flatnonzero(normal)]
    return [np.flatnonzero(normal & (machines == machine)) for machine in np.unique(machines)]


def sizes_by_machine(dataset: Dataset) -> list[Array]:
    """Numbers of normal rows that begin in each segment, an array for each machine.

    A machine's array is 0 in the segments of other machines.
    """
    segments = np.asarray(dataset.segments)
    sizes = np.bincount(segments[~dataset.y, 0], minlength=int(segments.max()) + 1)
    if dataset.machines is None:
        return [sizes]
    own = [segments[dataset.machines == machine, 0] for machine in np.unique(dataset.machines)]
    return [np.where(np.isin(np.arange(len(sizes)), each), sizes, 0) for each in own]


def deal_by_machine(dataset: Dataset, shares: list[float], rng: Any) -> Array:
    """The number of the share that each segment goes to; those of each machine by themselves."""
    role = np.full(int(np.asarray(dataset.segments).max()) + 1, -1)
    for sizes in sizes_by_machine(dataset):
        role = np.where(sizes > 0, deal_segments(sizes, np.array(shares), rng), role)
    return role
