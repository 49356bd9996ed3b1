"""What is measured of scores."""

from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

LEVELS = (0.01, 0.05, 0.1)


def ranking(y: Any, score: Any) -> dict[str, float]:
    """How well scores tell anomalies (y True) from normal rows: AUROC and AUPRC."""
    ranks = np.unique(score, return_inverse=True)[1]  # infinite ones are welcome
    return {
        "auroc": float(roc_auc_score(y, ranks)),
        "auprc": float(average_precision_score(y, ranks)),
    }


def alarms(y: Any, p_value: Any, calibration_rows: int) -> dict[str, float]:
    """The share of normal rows that alarm at each level, of those that so many rows resolve."""
    return {
        f"alarms at {level:g}": float((p_value[~y] <= level).mean())
        for level in LEVELS
        if 1 / (calibration_rows + 1) <= level
    }
