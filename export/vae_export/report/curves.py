"""Data of the charts."""

from dataclasses import dataclass

import numpy as np

from vae_export.convert.artefacts import Artefact
from vae_export.graphs.functions import Array
from vae_runtime.verdicts.calibration import p_values
from vae_runtime.verdicts.observed_rates import beta_binomial

LEVELS = 25  # alphas at which the alarm rate is looked at
COVERAGE = 0.95  # of the band in which a rate is by chance


@dataclass(frozen=True)
class FalseAlarms:
    """Alarm levels asked for, and shares of the normal test rows that alarmed at each.

    `low` and `high` are where 95 % of models would be by chance, given so many rows of calibration
    and of test.
    """

    nominal: tuple[float, ...]
    realised: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Plane:
    """Means of latents on the two axes of largest variance, and the share of it on each."""

    points: Array
    shares: tuple[float, float]


def false_alarms(scorer: Artefact) -> FalseAlarms | None:
    """Share of the normal test rows that alarm, by alarm level; None without such rows.

    Args:
        scorer: its calibration has n scores; the levels are k / (n + 1), from the smallest there
            is up to a half, evenly on a logarithmic scale.
    """
    scored, calibration = scorer.scored["score"], scorer.scored["score"].conformal
    normal = scored.test[~scorer.evidence.source.test["y"]]
    if not len(normal):
        return None
    n = len(calibration)
    ranks = np.unique(np.rint(np.geomspace(1, max((n + 1) // 2, 1), LEVELS)).astype(int))
    p = p_values(normal, calibration, scored.reference.rounding)
    # p <= k / (n + 1), by the comparison that alarms make
    realised = [float((p <= k / (n + 1)).mean()) for k in ranks]
    low, high = band(n, len(normal), ranks)
    nominal = ranks / (n + 1)
    return FalseAlarms(*(tuple(map(float, v)) for v in (nominal, realised, low, high)))


def band(calibration_rows: int, test_rows: int, ranks: Array) -> tuple[Array, Array]:
    """Bounds of the alarm rates that chance allows, by level rank / (calibration rows + 1).

    Alarms among the test rows are binomial given the rate that the threshold has. That rate is
    Beta(rank, n + 1 - rank), as the threshold is an order statistic of n rows.

    Source: Vovk 2012, "Conditional validity of inductive conformal predictors".
    """
    tail = (1 - COVERAGE) / 2
    chances = [beta_binomial(test_rows, k, calibration_rows + 1 - k) for k in ranks]
    low, high = (
        np.array([np.searchsorted(np.cumsum(each), level) for each in chances]) / test_rows
        for level in (tail, 1 - tail)
    )
    return low, high


def plane(latents: Array, others: Array) -> Plane:
    """Principal axes of normal rows' latents, with those of other rows on the same axes.

    Args:
        latents, others: (rows, latent_dim), two latents at least.

    Returns:
        `points` (rows of both, 2), those of `latents` first.
    """
    centre = latents.mean(0)
    inner = (latents - centre).T @ (latents - centre)  # which has two axes, be there one row
    squares, vectors = np.linalg.eigh(inner.astype(np.float64))
    axes = vectors.T[:-3:-1]  # the largest are last
    axes = axes * np.sign(axes[np.arange(2), np.abs(axes).argmax(1)])[:, None]
    share = squares[::-1].clip(0) / max(float(squares.clip(0).sum()), np.finfo(float).tiny)
    points = (np.concatenate([latents, others]) - centre) @ axes.T
    return Plane(points, (float(share[0]), float(share[1])))
