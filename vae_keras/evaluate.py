"""Evaluates scores: ranking and alarms on rows that training never saw."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vae_keras._base.arrays import Array, Arrays, Floats
from vae_keras.data.datasets import evaluation_rows
from vae_keras.data.labels import UNKNOWN, translate
from vae_keras.model.score_tolerance import rounding, sizes
from vae_keras.model.scoring import BATCH
from vae_keras.model.vae import VAE
from vae_runtime import Runner
from vae_runtime.bundle.manifest import Calibration
from vae_runtime.verdicts import recordings
from vae_runtime.verdicts.calibration import check_alpha, p_values
from vae_runtime.verdicts.machines import Fleet, ascending
from vae_runtime.verdicts.observed_rates import promise_of, warnings_of

from .alike_rows import (
    alarms_by_the_others,
    alike_share,
    alike_share_of,
    independent_share,
    recording_names,
    recordings_of,
)
from .data import Dataset
from .run import Metrics, Run


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
    machines: tuple[Array, dict[str, tuple[float, ...]]] | None = None,
    independent: float = 1.0,
    alike: float = 1.0,
    named: Array | None = None,
) -> Metrics:
    """Evaluates scores of labelled rows.

    Args:
        score: (rows,), nats.
        y: bool (rows,), True for anomalies.
        calibration: (n,) scores of normal rows that training never saw, nats.
        alpha: alarm where the p-value is at most this.
        rounding: nats within which scores are tied.
        machines: the machine of each row, and each machine's scores of normal rows, which then
            take the place of `calibration`.
        independent: the share of the rows that count, see `alike_rows`.
        alike: the share of the normal rows that count, see `alike_rows`.
        named: the recording of each row, for false alarms by recording.

    Returns:
        `Metrics`.
    """
    rows = len(calibration)
    if machines is None:
        check_alpha(alpha, rows)
        alarm = p_values(score, np.sort(calibration), rounding) <= alpha
    else:
        names, own = machines
        rows = min(map(len, own.values()))
        verdicts = Fleet(Calibration(alpha, rounding, (), by_machine=own)).of_rows(names, score)
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
        calibration_rows=rows,
        independent=independent,
        alike=alike,
        by_recording=None if named is None else recordings.by_recording(alarm[~y], named[~y]),
    )


def warnings(metrics: Metrics, *, noun: str = "row") -> list[str]:
    """Warnings about metrics: alarms above their rate, scores that do not separate anomalies."""
    rows = metrics.calibration_rows
    return warnings_of({"": promise_of(metrics.trial, metrics.alpha, rows, noun=noun)})


def calibration_scores(calibration: Arrays) -> Floats:
    """Scores of calibration rows by models that never saw them, for p-values to rank among."""
    return calibration.get("cross_score", calibration["score"])


def evaluate_held_back(
    vae: VAE, calibration: Arrays, test: Arrays, alpha: float, *, windows: bool = False
) -> Metrics:
    """Evaluates a model on its held-back rows: scores on test, classes on both sets.

    Args:
        vae: the model.
        calibration, test: as a run directory keeps them.
        alpha: the false-alarm rate that is asked for.
        windows: whether rows are windows over a table.
    """
    score = score_rows(vae, test["x"])["score"]
    known, machines = calibration_scores(calibration), None
    tied = _rounding(vae, calibration["x"])
    if "machine" in test:
        machines = test["machine"], ascending(known, calibration["machine"])
    metrics = evaluate(
        score,
        test["y"],
        calibration=known,
        alpha=alpha,
        rounding=tied,
        machines=machines,
        independent=independent_share(test["x"], windows=windows),
        alike=alike_share(known, calibration, test, alpha),
        named=recording_names(test),
    )
    if metrics.by_recording is not None:
        calibrating = alarms_by_the_others(known, calibration, alpha=alpha, rounding=tied)
        every = recordings.together(calibrating, metrics.by_recording)
        metrics = dataclasses.replace(metrics, by_recording=every)
    if "labels" not in test:
        return metrics
    unseen = [test] if "cross_score" in calibration else [calibration, test]
    x, labels = (np.concatenate([part[key] for part in unseen]) for key in ("x", "labels"))
    return with_accuracy(metrics, lambda rows: classify_rows(vae, rows), x, labels)


def evaluate_run(run: Run, dataset: Dataset | None = None) -> Metrics:
    """Evaluates a run's Keras model on labelled rows, by default those that the run held back."""
    alpha, vae, windows = run.config.train.alpha, run.vae, run.data.stride is not None
    if dataset is None:
        return evaluate_held_back(vae, run.calibration, run.test, alpha, windows=windows)
    if dataset.x.shape[1:] != run.data.input_shape or str(dataset.x.dtype) != run.data.input_dtype:
        raise ValueError(
            f"expected rows of {run.data.input_dtype} {run.data.input_shape}, as the run was "
            f"trained on. Received: {dataset.x.dtype} {dataset.x.shape[1:]}."
        )
    dataset = evaluation_rows(dataset)
    score = score_rows(vae, dataset.x)["score"]
    known, machines = calibration_scores(run.calibration), None
    if dataset.machines is not None:
        _check_machines("machine" in run.calibration)
        machines = dataset.machines, ascending(known, run.calibration["machine"])
    metrics = evaluate(
        score,
        dataset.y,
        calibration=known,
        alpha=alpha,
        rounding=_rounding(vae, run.calibration["x"]),
        machines=machines,
        independent=independent_share(dataset.x, windows=windows),
        alike=alike_share_of(score, dataset, alpha),
        named=recordings_of(dataset),
    )
    labels = _labels(dataset, run.data.classes)
    return with_accuracy(metrics, lambda rows: classify_rows(vae, rows), dataset.x, labels)


def evaluate_bundle(path: str | Path, dataset: Dataset) -> Metrics:
    """Evaluates a bundle on labelled rows, by the scores of `vae_runtime.Runner`."""
    runner, dataset = Runner.load(path), evaluation_rows(dataset)
    calibration = runner.manifest.calibration["fp32"]
    score = runner.score(dataset.x).score
    scores, machines = np.array(calibration.scores), None
    if dataset.machines is not None:
        _check_machines(calibration.by_machine is not None)
        machines = dataset.machines, calibration.by_machine or {}
    metrics = evaluate(
        score,
        dataset.y,
        calibration=scores,
        alpha=calibration.alpha,
        rounding=calibration.rounding,
        machines=machines,
        independent=independent_share(dataset.x, windows=runner.manifest.model.stride is not None),
        alike=alike_share_of(score, dataset, calibration.alpha),
        named=recordings_of(dataset),
    )
    labels = _labels(dataset, runner.manifest.model.classes)
    return with_accuracy(metrics, runner.classify, dataset.x, labels)


def with_accuracy(
    metrics: Metrics, classify: Callable[[Array], Floats], x: Array, labels: Array
) -> Metrics:
    """Adds the classifier's accuracy to metrics; none where no class is known."""
    known = labels != UNKNOWN
    if not known.any():
        return metrics
    right = classify(x[known]).argmax(axis=1) == labels[known]
    return dataclasses.replace(metrics, labelled_rows=len(right), accuracy=float(right.mean()))


def _rounding(vae: VAE, x: Array) -> float:
    """Nats within which scores count as tied, from calibration rows as in a bundle."""
    terms = score_rows(vae, x)
    return rounding(terms["score"], sizes(vae, x, terms)["score"])


def _check_machines(known: bool) -> None:
    if not known:
        raise ValueError("expected no --machine: this model was trained without. Received: one.")


def _labels(dataset: Dataset, classes: tuple[str, ...] | None) -> Array:
    """Labels of a data set's rows by the numbers of the model's classes."""
    if dataset.labels is None or dataset.classes is None:
        return np.full(len(dataset.y), UNKNOWN)
    return translate(dataset.labels, dataset.classes, classes or ())


def _share(alarm: Array) -> float | None:
    return float(alarm.mean()) if len(alarm) else None


def _ranking(score: Floats, y: Array) -> tuple[float | None, float | None]:
    """Areas under the ROC and the precision-recall curve; (None, None) for one class only."""
    if y.all() or not y.any():
        return None, None
    from sklearn.metrics import average_precision_score, roc_auc_score

    # ranks instead of scores: the areas are the same, and infinite scores are welcome
    ranks = np.unique(np.nan_to_num(score, nan=np.inf, posinf=np.inf), return_inverse=True)[1]
    return float(roc_auc_score(y, ranks)), float(average_precision_score(y, ranks))
