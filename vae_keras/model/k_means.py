"""K-means: centres of groups of rows, by Lloyd's algorithm from centres that k-means++ draws.

What it finds is what scikit-learn's `KMeans(count, n_init=1, max_iter=30, random_state=seed)` finds
on one thread, up to rounding: draws, ties, empty groups and the end are decided in the same way.
(To import scikit-learn takes longer than all that is done here.)

Source: Arthur & Vassilvitskii 2007, "k-means++: the advantages of careful seeding"; Lloyd 1982,
"Least squares quantization in PCM".
"""

from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from vae_keras._base.arrays import Array

MOST_PASSES = 30
TOLERANCE = 1e-4  # of a feature's mean variance, by which centres may still move at the end
BLOCK = 2**22  # values at a time, of distances between rows and centres


class Groups(NamedTuple):
    """Groups of rows.

    Args:
        centres: float64 (count, features).
        sizes: int (count,), rows of each group.
    """

    centres: Array
    sizes: Array


def k_means(rows: Array, count: int, seed: int) -> Groups:
    """Finds groups of rows that are near each other.

    Args:
        rows: float64 (rows, features), as many rows as `count` at least.
        count: how many groups.
        seed: of the first centres.

    >>> k_means(np.array([[0.0], [0.2], [9.0], [9.4]]), 2, seed=0).centres.round(1).tolist()
    [[9.2], [0.1]]
    """
    mean = rows.mean(axis=0)
    x = rows - mean  # for distances of fewer rounding errors
    # one thread, since several add in an order that differs from run to run
    with threadpool_limits(1):
        centres = _first_centres(x, count, np.random.RandomState(seed))
        centres, labels = _move(x, centres, TOLERANCE * float(np.var(rows, axis=0).mean()))
    return Groups(centres + mean, np.bincount(labels, minlength=count))


def square_to_nearest(rows: Array, centres: Array) -> Array:
    """Squared distance from each row to the centre nearest to it: (rows,)."""
    blocks = _blocks(rows, len(centres))
    nearest = [_squares(centres, block, _norms(block)).min(axis=0) for block in blocks]
    return np.concatenate(nearest)


def _first_centres(x: Array, count: int, random: np.random.RandomState) -> Array:
    """Draws centres among the rows, each far from those before: the best of a few draws."""
    norms, ones, trials = _norms(x), np.ones(len(x)), 2 + int(np.log(count))
    chosen = [int(random.choice(len(x), p=ones / len(x)))]
    nearest = _squares(x[chosen], x, norms)[0]
    for _ in range(1, count):
        drawn = random.uniform(size=trials) * (nearest @ ones)
        candidates = np.searchsorted(np.cumsum(nearest), drawn).clip(max=len(x) - 1)
        squares = np.minimum(nearest, _squares(x[candidates], x, norms))
        best = int((squares @ ones).argmin())
        nearest = squares[best]
        chosen.append(int(candidates[best]))
    return x[chosen]


def _move(x: Array, centres: Array, tolerance: float) -> tuple[Array, Array]:
    """Moves centres to the means of the rows nearest to them, until they stay; (centres, labels).

    The labels are those of the centres that are returned.
    """
    before = np.full(len(x), -1)
    for _ in range(MOST_PASSES):
        labels = _nearest(x, centres)
        moved = _means(x, labels, centres)
        shift = float(np.square(moved - centres).sum())
        centres = moved
        if np.array_equal(labels, before):
            return centres, labels
        if shift <= tolerance:
            break
        before = labels
    return centres, _nearest(x, centres)


def _nearest(x: Array, centres: Array) -> Array:
    """Number of the centre nearest to each row: int (rows,)."""
    norms = _norms(centres)
    blocks = _blocks(x, len(centres))
    return np.concatenate([(norms - 2.0 * (rows @ centres.T)).argmin(axis=1) for rows in blocks])


def _means(x: Array, labels: Array, centres: Array) -> Array:
    """Means of the rows of each group; an empty group gets the row farthest from its centre."""
    sizes = np.bincount(labels, minlength=len(centres)).astype(np.float64)
    sums = _sums(x, labels, len(centres))
    empty = np.flatnonzero(sizes == 0)
    if len(empty):
        distances = np.square(x - centres[labels]).sum(axis=1)
        farthest = np.argpartition(distances, -len(empty))[: -len(empty) - 1 : -1]
        for group, row in zip(empty, farthest, strict=True) if distances.max() > 0 else ():
            sums[labels[row]] -= x[row]
            sums[group] = x[row]
            sizes[labels[row]] -= 1
            sizes[group] = 1
    means = sums / np.maximum(sizes, 1.0)[:, None]
    means[sizes == 0] = means[sizes.argmax()]  # fewer different rows than groups
    return means


def _sums(x: Array, labels: Array, count: int) -> Array:
    """Sums of the rows of each group: (count, features)."""
    order = np.argsort(labels, kind="stable")
    groups, starts = np.unique(labels[order], return_index=True)
    sums = np.zeros((count, x.shape[1]))
    sums[groups] = np.add.reduceat(x[order], starts, axis=0)
    return sums


def _squares(some: Array, x: Array, norms: Array) -> Array:
    """Squared distances (some, rows) of a few points from all rows, whose `_norms` are given."""
    squares = -2.0 * (some @ x.T) + _norms(some)[:, None] + norms
    return np.maximum(squares, 0.0)


def _norms(x: Array) -> Array:
    """Squared lengths of the rows: (rows,)."""
    return np.einsum("ij,ij->i", x, x)


def _blocks(x: Array, centres: int) -> list[Array]:
    """Cuts rows into blocks, so that their distances from all centres stay small in memory."""
    rows = max(BLOCK // max(centres, 1), 1)
    return [x[start : start + rows] for start in range(0, len(x), rows)]
