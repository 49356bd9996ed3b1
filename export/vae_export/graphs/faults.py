"""Rows with gross faults, as broken sensors give them.

A file may answer as Keras does on every row that is like those of training, and be blind beyond: 8
bits that hold the usual range hold nothing else.
"""

from typing import Any

import numpy as np

from vae_runtime.verdicts.foreign_rows import with_faults

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
    vae = source.vae
    rows = np.array(source.calibration["x"][:MOST_ROWS])
    return with_faults(
        rows,
        _limits(vae, rows.dtype),
        vae.preprocessing.scale,
        one_hot=sum(source.card.one_hot),
        deviations=FAULT_DEVIATIONS,
    )


def _limits(vae: Any, dtype: np.dtype[Any]) -> list[float] | None:
    """Lowest and highest possible value, in the data's units; None for any number."""
    if vae.likelihood.support is None:
        return None if dtype != np.uint8 else [0, 255]
    return [float(vae.preprocessing.inverse(np.float32(end))) for end in vae.likelihood.support]
