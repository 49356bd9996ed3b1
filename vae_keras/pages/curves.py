"""Data of charts: ROC curves, and rows that are evenly spread."""

from typing import Any

import numpy as np

from vae_keras._base.arrays import Array


def roc(score: Array, y: Array) -> tuple[Array, Array]:
    """False-alarm and detection rates at every threshold, (0, 0) first; tied rows move at once."""
    order = np.argsort(-score, kind="stable")
    last_of_tie = np.append(np.diff(score[order]) != 0, True)
    false, true = (np.cumsum(kind[order])[last_of_tie] for kind in (~y, y))
    return np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1])


def evenly_spaced(rows: Any, most: int) -> Array:
    """Numbers of at most so many rows, evenly spread."""
    return np.unique(np.linspace(0, rows - 1, min(rows, most)).astype(int))
