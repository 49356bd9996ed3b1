"""Long series as few points that look the same: peaks and troughs of each pixel."""

import itertools

import numpy as np

from vae_keras._base.arrays import Array, Floats

PIXELS = 1000  # columns of a chart
MOST_SPANS = 400


def thin(x: Floats, values: Floats, broken: Array, *, pixels: int = PIXELS) -> tuple[Floats, ...]:
    """Points of a line, two at most in each pixel and stretch; NaN where the line is broken.

    Args:
        x: (rows,), ascending.
        values: (rows,), finite.
        broken: bool (rows,), True where no line leads from the row before.
        pixels: columns of the chart.

    Returns:
        x and values, float64 (points,).

    >>> x, y = thin(np.arange(9.0), np.arange(9.0) % 3, np.zeros(9, bool), pixels=1)
    >>> y.tolist()
    [0.0, 2.0]
    """
    x, values = np.asarray(x, np.float64), np.asarray(values, np.float64)
    if len(x) <= 2 * pixels:
        return _with_breaks(x, values, broken)
    pixel, stretch = pixel_of(x, pixels), np.cumsum(broken)
    if stretch[-1] > pixels:  # more breaks than can be seen
        stretch = np.zeros_like(stretch)
    changes = (np.diff(pixel) != 0) | (np.diff(stretch) != 0)
    starts = np.concatenate([[0], 1 + np.flatnonzero(changes)])
    lowest, highest = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    across = np.repeat(x[starts], 2)
    up = np.stack([lowest, highest], axis=1).ravel()
    new = np.zeros(len(across), bool)
    new[2::2] = np.diff(stretch[starts]) > 0
    return _with_breaks(across, up, new)


def peaks(x: Floats, values: Floats, mask: Array, *, pixels: int = PIXELS) -> Array:
    """Numbers of the masked rows with the largest value in each pixel, ascending."""
    rows = np.flatnonzero(mask)
    if len(rows) <= pixels:
        return rows
    pixel = pixel_of(x, pixels)[rows]
    order = np.lexsort((-values[rows], pixel))
    return np.sort(rows[order[np.concatenate([[True], np.diff(pixel[order]) != 0])]])


def spans(
    x: Floats, mask: Array, broken: Array, half: float, *, most: int = MOST_SPANS
) -> list[tuple[float, float]]:
    """Stretches of masked rows on the axis, each half a step wider; near ones as one if many."""
    if not mask.any():
        return []
    marked = np.concatenate([[False], mask, [False]])
    change = marked[1:] != marked[:-1]
    change[:-1] |= mask & broken
    edges = np.flatnonzero(change)
    found = [
        (float(x[a]) - half, float(x[b - 1]) + half)
        for a, b in itertools.pairwise(edges.tolist())
        if mask[a]
    ]
    if len(found) <= most:
        return found
    near = (x[-1] - x[0]) / PIXELS
    joined = found[:1]
    for begin, end in found[1:]:
        if begin - joined[-1][1] <= near:
            joined[-1] = joined[-1][0], end
        else:
            joined.append((begin, end))
    return joined


def pixel_of(x: Floats, pixels: int) -> Array:
    """Pixel of each row, from 0: int (rows,)."""
    width = float(x[-1] - x[0]) or 1.0
    return np.minimum((pixels * (x - x[0]) / width).astype(np.int64), pixels - 1)


def _with_breaks(x: Floats, values: Floats, broken: Array) -> tuple[Floats, ...]:
    behind = np.flatnonzero(broken[1:]) + 1
    return np.insert(x, behind, x[behind]), np.insert(values, behind, np.nan)
