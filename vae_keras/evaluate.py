"""How good are the scores? Ranking and alarms on rows that training never saw."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vae_runtime import Runner
from vae_runtime.bundle.manifest import Calibration
from vae_runtime.calibration import check_alpha, p_values
from vae_runtime.units import Fleet, ascending

from .arrays import Array, Arrays, Floats
from .data import Dataset
from .data.datasets import judged
from .data.labels import UNKNOWN, translate
from .model import VAE
from .rounding import rounding, sizes
from .run import Metrics, Run
from .scoring import BATCH


def score_rows(vae: VAE, x: Array) -> Arrays:
    """`vae.score` for any number of rows, as a dict of numpy arrays."""
    starts = range(0, len(x), BATCH)
    batches = [vae.score(x[start : start + BATCH]) for start in starts]
    return {key: np.concatenate([np.asarray(b[key]) for b in batches]) for key in batches[0]}


def classify_rows(vae: VAE, x: Array) -> Floats:
    """`vae.classify` for any number of rows, as a numpy array."""
    starts = range(0, len(x), BATCH)
    return np.concatenate([np.asarray(vae.classify(x[s : s + BATCH])) for s in starts])


def evaluate(
    score: Floats,
    y: Array,
    *,
    calibration: Floats,
    alpha: float,
    rounding: float = 0.0,
    units: tuple[Array, dict[str, tuple[float, ...]]] | None = None,
) -> Metrics:
    """Judges scores of labelled rows.

    Args:
        score: (rows,), nats.
        y: bool (rows,), True for anomalies.
        calibration: (n,) scores of normal rows that training never saw, nats.
        alpha: alarm where the p-value is at most this.
        rounding: nats within which scores are tied.
        units: the unit of each row, and each unit's scores of normal rows, which then take the
            place of `calibration`.

    Returns:
        `Metrics`.
    """
    if units is None:
        check_alpha(alpha, len(calibration))
        alarm = p_values(score, np.sort(calibration), rounding) <= alpha
    else:
        names, own = units
        verdicts = Fleet(Calibration(alpha, rounding, (), units=own)).of_rows(names, score)
        alarm = verdicts.alarm().raised(score, verdicts.p_values(score))
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


def calibration_scores(calibration: Arrays) -> Floats:
    """Those that p-values rank among: of calibration rows, by a model that never saw them."""
    return calibration.get("cross_score", calibration["score"])


def evaluate_held_back(vae: VAE, calibration: Arrays, test: Arrays, alpha: float) -> Metrics:
    """Judges a model on what its training held back: scores on test, classes on both."""
    score = score_rows(vae, test["x"])["score"]
    known, units = calibration_scores(calibration), None
    if "unit" in test:
        units = test["unit"], ascending(known, calibration["unit"])
    metrics = evaluate(
        score,
        test["y"],
        calibration=known,
        alpha=alpha,
        rounding=_rounding(vae, calibration["x"]),
        units=units,
    )
    if "labels" not in test:
        return metrics
    unseen = [test] if "cross_score" in calibration else [calibration, test]
    x, labels = (np.concatenate([part[key] for part in unseen]) for key in ("x", "labels"))
    return with_accuracy(metrics, lambda rows: classify_rows(vae, rows), x, labels)


def evaluate_run(run: Run, dataset: Dataset | None = None) -> Metrics:
    """Judges a run's Keras model on labelled rows, by default those that the run held back."""
    alpha, vae = run.config.train.alpha, run.vae
    if dataset is None:
        return evaluate_held_back(vae, run.calibration, run.test, alpha)
    if dataset.x.shape[1:] != run.data.input_shape or str(dataset.x.dtype) != run.data.input_dtype:
        raise ValueError(
            f"expected rows of {run.data.input_dtype} {run.data.input_shape}, as the run was "
            f"trained on. Received: {dataset.x.dtype} {dataset.x.shape[1:]}."
        )
    dataset = judged(dataset)
    score = score_rows(vae, dataset.x)["score"]
    known, units = calibration_scores(run.calibration), None
    if dataset.units is not None:
        _check_units("unit" in run.calibration)
        units = dataset.units, ascending(known, run.calibration["unit"])
    metrics = evaluate(
        score,
        dataset.y,
        calibration=known,
        alpha=alpha,
        rounding=_rounding(vae, run.calibration["x"]),
        units=units,
    )
    labels = _labels(dataset, run.data.classes)
    return with_accuracy(metrics, lambda rows: classify_rows(vae, rows), dataset.x, labels)


def evaluate_bundle(path: str | Path, dataset: Dataset) -> Metrics:
    """Judges a bundle on labelled rows, by the scores that the device's runner gives."""
    runner, dataset = Runner.load(path), judged(dataset)
    calibration = runner.manifest.calibration["fp32"]
    score = runner.score(dataset.x).score
    scores, units = np.array(calibration.scores), None
    if dataset.units is not None:
        _check_units(calibration.units is not None)
        units = dataset.units, calibration.units or {}
    metrics = evaluate(
        score,
        dataset.y,
        calibration=scores,
        alpha=calibration.alpha,
        rounding=calibration.rounding,
        units=units,
    )
    labels = _labels(dataset, runner.manifest.model.classes)
    return with_accuracy(metrics, runner.classify, dataset.x, labels)


def with_accuracy(
    metrics: Metrics, classify: Callable[[Array], Floats], x: Array, labels: Array
) -> Metrics:
    """The same with how often the likeliest class is right; as it is where no class is known."""
    known = labels != UNKNOWN
    if not known.any():
        return metrics
    right = classify(x[known]).argmax(axis=1) == labels[known]
    return dataclasses.replace(metrics, labelled_rows=len(right), accuracy=float(right.mean()))


def _rounding(vae: VAE, x: Array) -> float:
    """Of the scores of calibration rows, as a bundle has it."""
    terms = score_rows(vae, x)
    return rounding(terms["score"], sizes(vae, x, terms)["score"])


def _check_units(known: bool) -> None:
    if not known:
        raise ValueError("expected no --unit: this model was trained without. Received: one.")


def _labels(dataset: Dataset, classes: tuple[str, ...] | None) -> Array:
    """Of a dataset's rows, by the numbers of a model with these classes."""
    if dataset.labels is None or dataset.classes is None:
        return np.full(len(dataset.y), UNKNOWN)
    return translate(dataset.labels, dataset.classes, classes or ())


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
