"""Recordings of a table: whole ones are held back, since rows of one recording resemble each other.

Rows beside those that a model was trained on say little of the next recording: a machine is mounted
anew, a sensor drifts, a day is warmer. With `needed` recordings or more, each set gets whole ones.
With fewer, each recording is cut into stretches, which keep neighbours together at least.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from vae_keras._base.arrays import Array, Arrays
from vae_runtime.rows.names.name_texts import name_texts

from .datasets import Dataset, Recordings

STRETCHES = 40  # about so many in all, of recordings too few to be held back whole
SETS = 4  # train, validation, calibration, test

# With fewer recordings than this, folds over recordings calibrate: a fifth of 50 is 10, of which
# one is above the threshold's level more often than not where recordings differ.
ENOUGH_TO_HOLD_BACK = 50


def named(dataset: Dataset, column: Array | None, *, good: Array) -> Array | None:
    """Name of each row's recording: text (rows,), or None where all rows are of one.

    Each file is a recording of its own, or has several where a column says so.

    Args:
        dataset: rows with the files that they are of.
        column: (rows,) names of recordings, text or numbers; None where nobody asked.
        good: bool (rows,), rows that must have a name.

    Raises:
        ValueError: a good row has none.
    """
    if dataset.files is None or dataset.file_names is None:
        return None if column is None else names_of(column, good=good)
    files = np.array(_short(dataset.file_names))[dataset.files]
    if column is None:
        return np.asarray(files)
    return np.char.add(np.char.add(files, "/"), names_of(column, good=good))


def names_of(values: Array, *, good: Array) -> Array:
    """Names from text or numbers: text (rows,); ValueError where a good row has none."""
    names = name_texts(values)
    unnamed = np.flatnonzero(good & (names == ""))
    if len(unnamed):
        raise ValueError(
            "expected the name of a recording for each row. Received: none in row "
            f"{unnamed[0]} ({len(unnamed)} such rows)."
        )
    return names


def numbers_of(dataset: Dataset) -> Array:
    """Number of each row's recording: int (rows,). Machines share no recording."""
    numbers = np.unique(np.asarray(dataset.recordings), return_inverse=True)[1]
    if dataset.machines is None:
        return numbers
    machines = np.unique(dataset.machines, return_inverse=True)[1]
    pairs = machines * (numbers.max(initial=0) + 1) + numbers
    return np.unique(pairs, return_inverse=True)[1]


def fewest(dataset: Dataset) -> int:
    """Number of recordings with normal rows, of the machine that has fewest."""
    normal, numbers = ~dataset.y, numbers_of(dataset)
    machines = np.zeros(len(numbers), int) if dataset.machines is None else dataset.machines
    each = [numbers[normal & (machines == machine)] for machine in np.unique(machines)]
    return min((len(np.unique(own)) for own in each), default=0)


def with_segments(dataset: Dataset, needed: int) -> Dataset:
    """Adds the segments that a split of plain rows deals out: recordings, or stretches of them.

    Args:
        dataset: rows in the order of their recordings, which may be interleaved.
        needed: sets or folds that need a recording each; a machine with fewer has its recordings
            cut into stretches.
    """
    numbers, normal = numbers_of(dataset), ~dataset.y
    sizes = np.bincount(numbers[normal], minlength=int(numbers.max(initial=0)) + 1)
    owner = np.zeros(len(sizes), int)  # the machine that each recording is of
    if dataset.machines is not None:
        owner[numbers] = np.unique(dataset.machines, return_inverse=True)[1]
    own = np.bincount(owner[sizes > 0], minlength=owner.max(initial=0) + 1)[owner]
    parts = np.where(own >= needed, 1, -(-STRETCHES // np.maximum(own, 1)))
    segments = _stretches(numbers, np.minimum(parts, np.maximum(sizes, 1)))
    return replace(dataset, segments=np.stack([segments, segments], axis=1))


def of_sets(dataset: Dataset, rows: Arrays, parts: Sequence[Array]) -> Recordings | None:
    """Recordings of a split: from row numbers by role, and of normal rows by set or by fold."""
    names = dataset.recordings
    if names is None:
        return None
    numbers, dealt = numbers_of(dataset), np.full(len(dataset.y), -1)
    for part, own in enumerate(parts):
        dealt[own] = part
    normal = {role: own[~dataset.y[own]] for role, own in rows.items()}
    return Recordings(
        names={role: names[rows[role]] for role in ("calibration", "test")},
        counts={role: len(np.unique(numbers[own])) for role, own in normal.items()},
        whole=are_whole(numbers, dealt),
    )


def are_whole(numbers: Array, dealt: Array) -> bool:
    """True where no recording is in two sets: from the recording and the set of each row, or -1."""
    known = dealt >= 0
    pairs = np.stack([numbers[known], dealt[known]])
    return len(np.unique(pairs, axis=1).T) == len(np.unique(numbers[known]))


def _short(paths: Sequence[str]) -> list[str]:
    """Names of files without what is common to all: the folder above them, the ending."""
    found = [Path(path) for path in paths]
    parents = {path.parent for path in found}
    if len(parents) > 1:
        above = Path(os.path.commonpath(parents))
        return [str(path.relative_to(above)) for path in found]
    stems = [path.name.split(".")[0] for path in found]
    return stems if len(set(stems)) == len(stems) else [path.name for path in found]


def _stretches(numbers: Array, parts: Array) -> Array:
    """Number of each row's stretch, as each recording is cut into so many of equal length."""
    sizes = np.bincount(numbers, minlength=len(parts))
    order = np.argsort(numbers, kind="stable")
    rank = np.empty(len(numbers), int)  # of a row within its recording
    rank[order] = np.arange(len(numbers)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    first = np.cumsum(parts) - parts
    return np.asarray(first[numbers] + rank * parts[numbers] // sizes[numbers])
