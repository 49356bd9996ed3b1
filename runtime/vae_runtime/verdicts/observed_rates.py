"""Observed rates of an alarm on test rows, compared with the promised rate and with chance.

**Rate.** A threshold of n calibration rows has, by the luck of their draw, a false-alarm rate that
is Beta(alpha (n + 1), (1 - alpha) (n + 1)), alpha on average; alarms among m test rows are binomial
given that rate, so beta-binomial in all. More alarms than such a promise gives once in a thousand
times is a broken one. **Ranking.** Where scores say nothing of anomalies, their rank sum among
normal rows is normal about its mean (Mann & Whitney 1947); what such scores reach once in forty
times is no evidence that these do more.

Windows that share rows do not say as much as others: they count as many as share none. Nor do rows
of one recording, which are alike: they count as `recordings.independent_share` says.

Source: Vovk 2012, "Conditional validity of inductive conformal predictors"; Skellam 1948.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime.bundle.manifest import Calibration, Trial

LEVEL = 0.001  # of promises that are kept, how many are called broken
Z_SCORE, ONE_IN = 1.96, 40  # one in so many scores that say nothing passes as better than chance
MOST_ROWS = 1_000_000  # test rows that are looked at: of more, the share is known well enough

KEPT, EXCEEDED, BELOW, UNKNOWN = "kept", "exceeded", "below", "not measured"
BETTER, CHANCE, TOO_FEW = "better than chance", "no better than chance", "too few to tell"

RATE_ADVICE = (
    "The test rows are not like those that the alarm was calibrated on. Train on more or other "
    "normal rows, or on more recordings; or calibrate on normal rows of the place where it stands "
    "(vae-runtime calibrate)."
)
RANKING_ADVICE = (
    "The alarm cannot be trusted to find such anomalies. Train on other normal rows, columns or "
    "windows; and look whether the labels are right."
)


class Promise(NamedTuple):
    """Outcome of an alarm's promise on the test rows.

    `rate` is one of "kept", "exceeded", "below" and "not measured"; `ranking` one of "better than
    chance", "no better than chance", "too few to tell" and "not measured". `most` is the largest
    share of false alarms that chance allows, None where nothing was measured. `rate_said` and
    `ranking_said` are for people.
    """

    rate: str
    ranking: str
    most: float | None
    rate_said: str
    ranking_said: str


def promise_of(trial: Trial, alpha: float, calibration_rows: int, *, noun: str = "row") -> Promise:
    """Judges an alarm at level alpha, calibrated on so many rows, by its test rows.

    They are called by `noun`, as of a model of windows they are windows.
    """
    rate, most, rate_said = _rate(trial, alpha, calibration_rows, f"{noun}s")
    ranking, ranking_said = _ranking(trial, f"{noun}s")
    return Promise(rate, ranking, most, rate_said, ranking_said)


def promise_of_calibration(calibration: Calibration, *, noun: str = "row") -> Promise | None:
    """Judges the alarm of a bundle's calibration; None for one that keeps no test."""
    if calibration.trial is None:
        return None
    rows = [len(scores) for scores in (calibration.by_machine or {}).values()]
    n = min(rows, default=len(calibration.scores))
    return promise_of(calibration.trial, calibration.alpha, n, noun=noun)


def promises_of(
    calibrations: Mapping[str, Calibration], *, noun: str = "row"
) -> dict[str, Promise]:
    """Judges the alarms of all of a bundle's calibrations that keep a test, by name."""
    each = {name: promise_of_calibration(found, noun=noun) for name, found in calibrations.items()}
    return {name: promise for name, promise in each.items() if promise is not None}


def warnings_of(promises: Mapping[str, Promise]) -> list[str]:
    """Warnings, a sentence or two for each kind, with the names that it is true of.

    >>> [warning] = warnings_of({"fp32": promise_of(Trial(100, 20, 0, None), 0.01, 400)})
    >>> warning
    'warning: the alarm does not keep its rate: ...
    """
    found = []
    exceeded = {name: p for name, p in promises.items() if p.rate == EXCEEDED}
    if exceeded:
        told = _listed({name: p.rate_said for name, p in exceeded.items()})
        found.append(f"warning: the alarm does not keep its rate: {told}. {RATE_ADVICE}")
    chance = {name: p for name, p in promises.items() if p.ranking == CHANCE}
    if chance:
        told = _listed({name: p.ranking_said for name, p in chance.items()})
        found.append(f"warning: the scores do not tell anomalies: {told}. {RANKING_ADVICE}")
    return found


def _listed(said: Mapping[str, str]) -> str:
    """Statements with the names of all that each is true of."""
    whose: dict[str, list[str]] = {}
    for name, statement in said.items():
        whose.setdefault(statement, []).append(name)
    return "; ".join(
        f"{statement} ({', '.join(names)})" if any(names) else statement
        for statement, names in whose.items()
    )


def _rate(trial: Trial, alpha: float, n: int, noun: str) -> tuple[str, float | None, str]:
    rows = trial.normal_rows
    if not rows or not n:
        return UNKNOWN, None, f"not measured: no normal test {noun}"
    share_counted = trial.independent * trial.alike
    counted = min(max(round(rows * share_counted), 1), MOST_ROWS)
    alarms = math.floor(trial.false_alarms / rows * counted + 1e-9)
    size = max(n * share_counted, 1.0) + 1
    chances = beta_binomial(counted, alpha * size, (1 - alpha) * size)
    most = int(np.argmax(np.cumsum(chances) >= 1 - LEVEL)) / counted
    share = f"{_percent(trial.false_alarms / rows)} of {rows:,} normal test {noun}"
    if counted < min(rows, MOST_ROWS):
        share += f", which count as {counted:,}, as {_reason(trial)},"
    asked = f"at {_percent(alpha)}"
    if chances[alarms:].sum() < LEVEL:
        allowed = f"chance allows {_percent(most)}"
        return EXCEEDED, most, f"alarms more often than asked: {share} {asked}; {allowed}"
    if chances[: alarms + 1].sum() < LEVEL:
        return BELOW, most, f"alarms less often than asked: {share} {asked}"
    return KEPT, most, f"keeps its rate: {share} {asked}"


def _reason(trial: Trial) -> str:
    """Says why rows count as fewer than they are."""
    reasons = {
        "windows share rows": trial.independent,
        "rows of a recording are alike": trial.alike,
    }
    return " and ".join(reason for reason, share in reasons.items() if share < 1)


def _ranking(trial: Trial, noun: str) -> tuple[str, str]:
    if trial.auroc is None:
        what = "anomalies among" if trial.normal_rows else f"normal {noun} among"
        return UNKNOWN, f"not measured: no {what} the test {noun}"
    normal, anomalies = (
        max(count * trial.independent, 1.0) for count in (trial.normal_rows, trial.anomalies)
    )
    deviation = math.sqrt((normal + anomalies + 1) / (12 * normal * anomalies))
    least = 0.5 + Z_SCORE * deviation
    counts = f"AUROC {trial.auroc:.3g} of {trial.anomalies:,} anomalies"
    if trial.auroc >= least:
        return BETTER, f"better than chance: {counts}"
    if least > 1:
        return TOO_FEW, f"too few anomalies to tell from chance: {counts}"
    reached = f"scores that say nothing reach {least:.3g} one time in {ONE_IN}"
    return CHANCE, f"no better than chance: {counts}; {reached}"


def beta_binomial(rows: int, a: float, b: float) -> NDArray[np.float64]:
    """Chances of 0 to `rows` alarms, of rows that alarm at a rate which is Beta(a, b)."""
    k = np.arange(rows)
    steps = np.log((rows - k) * (k + a)) - np.log((k + 1) * (rows - 1 - k + b))
    none = math.lgamma(b + rows) - math.lgamma(b) + math.lgamma(a + b) - math.lgamma(a + b + rows)
    chances: NDArray[np.float64] = np.exp(none + np.concatenate([[0.0], np.cumsum(steps)]))
    return chances


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
