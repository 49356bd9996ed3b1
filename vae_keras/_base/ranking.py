"""How well scores rank rows: areas under curves, and rank correlation.

Of ties each counts half, as in scikit-learn and scipy, whose import takes longer than an export's
gates.
"""

import numpy as np

from .arrays import Array


def auroc(y: Array, score: Array) -> float:
    """Chance that an anomaly scores above a normal row, the area under the ROC curve.

    Args:
        y: bool (rows,), True for anomalies; of both there are some.
        score: (rows,), none of them NaN.

    >>> auroc(np.array([False, False, True, True]), np.array([1.0, 2.0, 2.0, 5.0]))
    0.875
    """
    anomalies, normal = int(y.sum()), int((~y).sum())
    above = float(ranks(score)[y].sum()) - anomalies * (anomalies + 1) / 2
    return above / (anomalies * normal)


def average_precision(y: Array, score: Array) -> float:
    """Mean precision over the anomalies, the area under the steps of the precision-recall curve.

    >>> average_precision(np.array([False, True, True]), np.array([1.0, 0.5, 2.0])).__round__(3)
    0.833
    """
    levels, level = np.unique(-score, return_inverse=True)  # the highest score is the first
    found = np.bincount(level, weights=y, minlength=len(levels))
    alarms = np.cumsum(np.bincount(level, minlength=len(levels)))
    return float((found * np.cumsum(found) / alarms).sum() / found.sum())


def spearman(first: Array, second: Array) -> float:
    """Spearman's rank correlation; NaN where either is constant or holds NaN.

    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 30.0, 20.0]))
    0.5
    """
    if np.isnan(first).any() or np.isnan(second).any():
        return float("nan")
    a, b = (ranks(each) - (len(each) + 1) / 2 for each in (first, second))
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else float("nan")


def ranks(values: Array) -> Array:
    """Rank of each value from 1, ties sharing the mean of theirs: float64 (rows,)."""
    _, level, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[level])
