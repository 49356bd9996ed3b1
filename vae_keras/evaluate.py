"""How good are the scores? Ranking and alarms on rows that training never saw."""

from pathlib import Path

import numpy as np

from vae_runtime import Runner
from vae_runtime.calibration import check_alpha, p_values

from .arrays import Array, Arrays, Floats
from .data import Dataset
from .model import VAE
from .run import Metrics, Run

BATCH = 256  # rows that Keras scores at a time, so that memory stays flat


def score_rows(vae: VAE, x: Array) -> Arrays:
    """`vae.score` for any number of rows, as a dict of numpy arrays."""
    starts = range(0, len(x), BATCH)
    batches = [vae.score(x[start : start + BATCH]) for start in starts]
    return {key: np.concatenate([np.asarray(b[key]) for b in batches]) for key in batches[0]}


def evaluate(
    score: Floats, y: Array, *, calibration: Floats, alpha: float, rounding: float = 0.0
) -> Metrics:
    """Judges scores of labelled rows.

    Args:
        score: (rows,), nats.
        y: bool (rows,), True for anomalies.
        calibration: (n,) scores of normal rows that training never saw, nats.
        alpha: alarm where the p-value is at most this.
        rounding: nats within which scores are tied.

    Returns:
        `Metrics`.
    """
    check_alpha(alpha, len(calibration))
    alarm = p_values(score, np.sort(calibration), rounding) <= alpha
    auroc, auprc = _ranking(score, y)
    return Metrics(
        normal_rows=int((~y).sum()),
        anomalies=int(y.sum()),
        alpha=alpha,
        false_alarm_rate=_share(alarm[~y]),
        detection_rate=_share(alarm[y]),
        auroc=auroc,
        auprc=auprc,
    )


def evaluate_run(run: Run, dataset: Dataset | None = None) -> Metrics:
    """Judges a run's Keras model on labelled rows, by default the run's own test rows."""
    x, y = (run.test["x"], run.test["y"]) if dataset is None else (dataset.x, dataset.y)
    if x.shape[1:] != run.data.input_shape or str(x.dtype) != run.data.input_dtype:
        raise ValueError(
            f"expected rows of {run.data.input_dtype} {run.data.input_shape}, as the run was "
            f"trained on. Received: {x.dtype} {x.shape[1:]}."
        )
    score = score_rows(run.vae, x)["score"]
    calibration = run.calibration["score"]
    return evaluate(score, y, calibration=calibration, alpha=run.config.train.alpha)


def evaluate_bundle(path: str | Path, dataset: Dataset) -> Metrics:
    """Judges a bundle on labelled rows, by the scores that the device's runner gives."""
    runner = Runner.load(path)
    calibration = runner.manifest.calibration["fp32"]
    score = runner.score(dataset.x).score
    scores = np.array(calibration.scores)
    return evaluate(
        score,
        dataset.y,
        calibration=scores,
        alpha=calibration.alpha,
        rounding=calibration.rounding,
    )


def _share(alarm: Array) -> float | None:
    return float(alarm.mean()) if len(alarm) else None


def _ranking(score: Floats, y: Array) -> tuple[float | None, float | None]:
    """Areas under the ROC and the precision-recall curve; (None, None) with one class only."""
    if y.all() or not y.any():
        return None, None
    from sklearn.metrics import average_precision_score, roc_auc_score

    # ranks instead of scores: the areas are the same, and infinite scores are welcome
    ranks = np.unique(np.nan_to_num(score, nan=np.inf, posinf=np.inf), return_inverse=True)[1]
    return float(roc_auc_score(y, ranks)), float(average_precision_score(y, ranks))
