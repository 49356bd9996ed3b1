"""Gates that compare a file's ranking and alarms with Keras's.

Alarms are judged on test rows, which training never saw; ranks on those of calibration as well.
"""

import functools
from collections.abc import Callable

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from vae_export.convert.artefacts import Artefact, Figures
from vae_export.errors import Degraded, ExportError
from vae_export.graphs.evidence import Evidence, Reference
from vae_export.graphs.functions import Array
from vae_runtime import Runner
from vae_runtime.bundle import Bundle
from vae_runtime.verdicts.calibration import SCORE_RTOL, p_values, threshold

from .answers import TOLERANCE

# What a file of lower precision may lose before it is refused.
MOST_AUROC_LOSS = 0.005
MOST_FLIPS_SHARE = 0.002
LEAST_SPEARMAN = 0.95

TITLES = {"score": "the score", "neg_elbo": "nll + kl"}
FIGURE_PREFIXES = {"score": "", "neg_elbo": "nll + kl: "}  # of the names of figures


Judge = Callable[[Artefact, str], Figures]


def by_each_score(judge: Judge) -> Callable[[Artefact], Figures]:
    """Makes a gate that runs a check on each of the model's scores.

    A mixture, which is computed in float32 at any precision, can hide in the sum what was lost of
    the rest. Figures of another score than the sum have its name in theirs.
    """

    @functools.wraps(judge)
    def gate(artefact: Artefact) -> Figures:
        figures: Figures = {}
        losses = []
        for score in artefact.evidence.references:
            try:
                found = judge(artefact, score)
            except Degraded as error:
                found = error.figures
                losses.append(error.loss)
            figures |= {f"{FIGURE_PREFIXES[score]}{name}": value for name, value in found.items()}
        if losses:
            raise Degraded(" ".join(losses), figures, artefact.advice)
        return figures

    return gate


@by_each_score
def ranking(artefact: Artefact, score: str) -> Figures:
    """Checks that scores rank rows as Keras's do; measures the largest shift of one, in nats."""
    scored = artefact.scored[score]
    keras = np.concatenate([scored.reference.calibration, scored.reference.test])
    received = np.concatenate([scored.calibration, scored.test])
    spearman = float(spearmanr(keras, received).statistic)
    shift = float(np.abs(scored.calibration - scored.reference.calibration).max())
    figures = {"spearman": spearman, "largest shift": shift}
    if not spearman >= LEAST_SPEARMAN:
        raise Degraded(
            f"{artefact.name}: expected {TITLES[score]} to rank rows as in Keras, Spearman "
            f"{LEAST_SPEARMAN} at least. Received: {spearman:.4f}.",
            figures,
            artefact.advice,
        )
    return figures


@by_each_score
def flips(artefact: Artefact, score: str) -> Figures:
    """Checks that alarms on test rows are Keras's: in float32 all of them, else nearly all."""
    scored, alpha = artefact.scored[score], artefact.evidence.source.alpha
    alarm = p_values(scored.test, scored.conformal, scored.reference.rounding) <= alpha
    flipped, keras = _other_alarms(scored.reference, alpha, alarm), scored.reference.test
    row = int(np.argmax(flipped))
    first = f"test row {row}, {TITLES[score]} {scored.test[row]:g} against {keras[row]:g} in Keras"
    return _limit(artefact, flipped, "verdicts", first)


@by_each_score
def faults(artefact: Artefact, score: str) -> Figures:
    """Checks that a gross fault scores above every normal row, as it does in Keras."""
    scored = artefact.scored[score]
    if not len(scored.faults):
        return {}
    lowest, normal = float(scored.faults.min()), float(scored.calibration.max())
    blind = int((~(scored.faults > normal)).sum())
    figures = {"lowest": lowest, "highest of normal rows": normal, "blind": blind}
    if blind:
        raise Degraded(
            f"{artefact.name}: expected {TITLES[score]} of gross faults to be above that of all "
            f"calibration rows, as in Keras. Received: {blind} of {len(scored.faults)} that are "
            f"not, the lowest {lowest:g}; the highest calibration row has {normal:g}.",
            figures,
            artefact.advice,
        )
    return figures


@by_each_score
def auroc(artefact: Artefact, score: str) -> Figures:
    """Checks that anomalies rank above normal rows as well as in Keras, where there are labels."""
    y, scored = artefact.evidence.source.test["y"], artefact.scored[score]
    if y.all() or not y.any():
        return {}
    keras, received = scored.reference.test, scored.test
    before = float(roc_auc_score(y, keras))
    after = float(roc_auc_score(y, received)) if np.isfinite(received).all() else float("nan")
    figures = {"keras": before, "file": after}
    if not before - after <= MOST_AUROC_LOSS:
        raise Degraded(
            f"{artefact.name}: expected an AUROC of {TITLES[score]} within {MOST_AUROC_LOSS} of "
            f"Keras's {before:.4f}. Received: {after:.4f}.",
            figures,
            artefact.advice,
        )
    return figures


def classes(artefact: Artefact) -> Figures:
    """Checks that the likeliest class of every unseen row is Keras's, except for ties."""
    keras, received = artefact.evidence.probabilities, artefact.probabilities
    second, first = np.sort(keras, axis=1).T[-2:]
    likeliest = received.argmax(axis=1)
    flipped = (likeliest != keras.argmax(axis=1)) & (first - second > 2 * TOLERANCE)
    row = int(np.argmax(flipped))
    first = f"held-back row {row}, class {likeliest[row]} against {keras[row].argmax()} in Keras"
    return _limit(artefact, flipped, "classes", first)


def of_bundle(bundle: Bundle, evidence: Evidence) -> None:
    """Checks that a written bundle raises Keras's alarms on test rows, by its own thresholds."""
    x, alpha = evidence.source.test["x"], evidence.source.alpha
    for score, reference in evidence.references.items():
        alarm = Runner(bundle, score=score).score(x).is_anomaly
        flipped = _other_alarms(reference, alpha, alarm)
        if flipped.any():
            raise ExportError(
                f"manifest.json: expected a calibration by which {TITLES[score]} of scorer.onnx "
                f"alarms as Keras does. Received: another verdict on {flipped.sum()} of "
                f"{len(flipped)} test rows."
            )


def _limit(artefact: Artefact, flipped: Array, what: str, first: str) -> Figures:
    """Raises for a flipped row in float32, and for more than a few in lower precision."""
    share = float(flipped.mean())
    figures = {"flips": int(flipped.sum()), "rows": len(flipped), "share": share}
    if share <= (0.0 if artefact.is_float else MOST_FLIPS_SHARE):
        return figures
    message = (
        f"{artefact.name}: expected the {what} of Keras. Received: {flipped.sum()} of "
        f"{len(flipped)} flipped, the first at {first}."
    )
    if artefact.is_float:
        raise ExportError(message)
    few = (
        f" Of {len(flipped)} rows, not one may flip: test on more."
        if MOST_FLIPS_SHARE * len(flipped) < 1
        else ""
    )
    raise Degraded(f"{message} At most {MOST_FLIPS_SHARE:.1%} may.{few}", figures, artefact.advice)


def _other_alarms(reference: Reference, alpha: float, alarm: Array) -> Array:
    """Mask of the test rows whose alarm is not Keras's; rows at the threshold do not count."""
    test, rounding = reference.test, reference.rounding
    keras = np.sort(reference.conformal(reference.calibration))
    flipped = alarm != (p_values(test, keras, rounding) <= alpha)
    limit = threshold(keras, alpha)
    tie = rounding + SCORE_RTOL * abs(limit)  # the verdict turns at the limit and a tie
    at_threshold = np.abs(test - limit) <= 2 * tie + TOLERANCE * max(abs(limit), 1.0)
    return np.asarray(flipped & ~at_threshold)
