"""Rows with gross faults, as broken sensors give them.

A file may answer as Keras does on every row that is like those of training, and be blind beyond: 8
bits that hold the usual range hold nothing else.
"""

from typing import Any

import numpy as np

from .functions import Array
from .source import Source

FAULT_DEVIATIONS = (100.0, 1000.0)  # deviations that a reading is off by
MOST_ROWS = 64


def gross_faults(source: Source) -> Array:
    """Calibration rows with one value far off; where values have limits, all at either limit.

    Of one-hot groups none is changed: there is no such thing as a hundred times a category.

    Returns:
        (rows, *input_shape) of the data's dtype; none where all columns are one-hot.
    """
    rng, vae = np.random.default_rng(0), source.vae
    rows = np.array(source.calibration["x"][:MOST_ROWS])
    limits = _limits(vae, rows.dtype)
    if limits is not None:
        return np.asarray(rng.choice(limits, rows.shape), rows.dtype)
    flat = rows.reshape(len(rows), -1)
    readings = np.flatnonzero(_is_reading(rows.shape[1:], sum(source.card.one_hot)))
    if not len(readings):
        return rows[:0]
    which = rng.choice(readings, len(rows))
    size = rng.choice(FAULT_DEVIATIONS, len(rows)) * rng.choice([-1.0, 1.0], len(rows))
    scale = np.broadcast_to(vae.preprocessing.scale, rows.shape[1:]).ravel()[which]
    flat[np.arange(len(rows)), which] += size * scale
    return flat.reshape(rows.shape)


def _limits(vae: Any, dtype: np.dtype[Any]) -> Array | None:
    """Lowest and highest possible value, in the data's units; None for any number."""
    if vae.likelihood.support is None:
        return None if dtype != np.uint8 else np.array([0, 255])
    return np.array([vae.preprocessing.inverse(np.float32(end)) for end in vae.likelihood.support])


def _is_reading(shape: tuple[int, ...], one_hot: int) -> Array:
    """Mask of the values of a flattened row that are not one-hot: bool (values,)."""
    found = np.ones(shape, bool)
    if one_hot:
        found[..., -one_hot:] = False
    return found.ravel()
