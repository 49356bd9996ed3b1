"""Does a file rank and judge rows as Keras does?

Alarms are judged on test rows, which training never saw; ranks on those of calibration as well.
"""

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from vae_export.artefacts import Artefact, Figures
from vae_export.errors import Degraded, ExportError
from vae_export.evidence import Evidence
from vae_export.graphs import Array
from vae_runtime import Runner
from vae_runtime.calibration import SCORE_RTOL, p_values, threshold

from .answers import TOLERANCE

# What a file of lower precision may lose before it is refused.
AUROC_LOSS = 0.005
FLIPS = 0.002
SPEARMAN = 0.95


def ranking(artefact: Artefact) -> Figures:
    """Scores rank rows as Keras's do; and the largest shift of one, in nats, on normal rows."""
    evidence = artefact.evidence
    keras = np.concatenate([evidence.calibration, evidence.test])
    received = np.concatenate([artefact.calibration, artefact.test])
    spearman = float(spearmanr(keras, received).statistic)
    shift = float(np.abs(artefact.calibration - evidence.calibration).max())
    figures = {"spearman": spearman, "largest shift": shift}
    if not spearman >= SPEARMAN:
        raise Degraded(
            f"{artefact.name}: expected scores that rank rows as Keras's do, Spearman {SPEARMAN} "
            f"at least. Received: {spearman:.4f}.",
            figures,
            artefact.advice,
        )
    return figures


def flips(artefact: Artefact) -> Figures:
    """Alarms on test rows are Keras's, each side with its own threshold; in float32 all of them."""
    alpha, rounding = artefact.evidence.source.alpha, artefact.evidence.rounding
    alarm = p_values(artefact.test, artefact.conformal, rounding) <= alpha
    flipped, keras = _other_alarms(artefact.evidence, alarm), artefact.evidence.test
    row = int(np.argmax(flipped))
    first = f"test row {row}, score {artefact.test[row]:g} against {keras[row]:g} in Keras"
    return _limit(artefact, flipped, "verdicts", first)


def faults(artefact: Artefact) -> Figures:
    """A gross fault scores above every normal row, as it does in Keras."""
    if not len(artefact.evidence.faults):
        return {}
    lowest, normal = float(artefact.faults.min()), float(artefact.calibration.max())
    blind = int((~(artefact.faults > normal)).sum())
    figures = {"lowest": lowest, "highest of normal rows": normal, "blind": blind}
    if blind:
        raise Degraded(
            f"{artefact.name}: expected gross faults to score above all calibration rows, as in "
            f"Keras. Received: {blind} of {len(artefact.faults)} that do not, the lowest "
            f"{lowest:g}; the highest calibration row has {normal:g}.",
            figures,
            artefact.advice,
        )
    return figures


def auroc(artefact: Artefact) -> Figures:
    """Anomalies are told from normal rows as well as by Keras, where there are labels."""
    y, keras = artefact.evidence.source.test["y"], artefact.evidence.test
    if y.all() or not y.any():
        return {}
    before, after = (float(roc_auc_score(y, score)) for score in (keras, artefact.test))
    figures = {"keras": before, "file": after}
    if before - after > AUROC_LOSS:
        raise Degraded(
            f"{artefact.name}: expected an AUROC within {AUROC_LOSS} of Keras's {before:.4f}. "
            f"Received: {after:.4f}.",
            figures,
            artefact.advice,
        )
    return figures


def classes(artefact: Artefact) -> Figures:
    """The likeliest class of every row that training never saw is Keras's, but for ties."""
    keras, received = artefact.evidence.probabilities, artefact.probabilities
    second, first = np.sort(keras, axis=1).T[-2:]
    likeliest = received.argmax(axis=1)
    flipped = (likeliest != keras.argmax(axis=1)) & (first - second > 2 * TOLERANCE)
    row = int(np.argmax(flipped))
    first = f"held-back row {row}, class {likeliest[row]} against {keras[row].argmax()} in Keras"
    return _limit(artefact, flipped, "classes", first)


def of_bundle(runner: Runner, evidence: Evidence) -> None:
    """A written bundle raises Keras's alarms on test rows, by the threshold in its manifest."""
    flipped = _other_alarms(evidence, runner.score(evidence.source.test["x"]).is_anomaly)
    if flipped.any():
        raise ExportError(
            f"manifest.json: expected a calibration by which scorer.onnx alarms as Keras does. "
            f"Received: another verdict on {flipped.sum()} of {len(flipped)} test rows."
        )


def _limit(artefact: Artefact, flipped: Array, what: str, first: str) -> Figures:
    """Lets no row of float32 be another than Keras's, and few of lower precision."""
    share = float(flipped.mean())
    figures = {"flips": int(flipped.sum()), "rows": len(flipped), "share": share}
    if share <= (0.0 if artefact.is_float else FLIPS):
        return figures
    message = (
        f"{artefact.name}: expected the {what} of Keras. Received: {flipped.sum()} of "
        f"{len(flipped)} flipped, the first at {first}."
    )
    if artefact.is_float:
        raise ExportError(message)
    few = (
        f" Of {len(flipped)} rows, that is none: test on more." if FLIPS * len(flipped) < 1 else ""
    )
    raise Degraded(f"{message} At most {FLIPS:.1%} may.{few}", figures, artefact.advice)


def _other_alarms(evidence: Evidence, alarm: Array) -> Array:
    """Of each test row: does its alarm differ from Keras's, though not at the threshold itself?"""
    alpha, rounding = evidence.source.alpha, evidence.rounding
    keras = np.sort(evidence.conformal(evidence.calibration))
    flipped = alarm != (p_values(evidence.test, keras, rounding) <= alpha)
    limit = threshold(keras, alpha)
    tie = rounding + SCORE_RTOL * abs(limit)  # the verdict turns at the limit and a tie
    at_threshold = np.abs(evidence.test - limit) <= 2 * tie + TOLERANCE * max(abs(limit), 1.0)
    return np.asarray(flipped & ~at_threshold)
