"""Split-conformal p-values: how unusual is a score among normal rows that training never saw?

    p(s) = (1 + #{calibration scores >= s}) / (n + 1)

For a normal row, exchangeable with the calibration rows, P(p <= alpha) <= alpha whatever the
model or the data's distribution, so an alarm at p <= alpha has a false-alarm rate of at most alpha.

Source: Vovk, Gammerman & Shafer 2005, "Algorithmic learning in a random world"; Bates et al. 2023,
"Testing for outliers with conformal p-values".
"""

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

# A score depends on its batch by rounding, because matrix kernels add in an order that depends on
# the batch size: by up to this share of the terms that it is the sum of. Scores that close count as
# tied, and a tie raises p: equal rows get equal p-values in any batch, and doubt raises no alarm.
SCORE_RTOL = 1e-6

MANY = 10**12  # rows beyond which their exact number helps nobody


def p_values(
    scores: NDArray[np.floating], calibration: NDArray[np.floating], rounding: float = 0.0
) -> NDArray[np.float64]:
    """Conformal p-values, small where a score is higher than those of normal rows.

    Args:
        scores: (batch,), nats. A NaN counts as the highest score there is.
        calibration: (n,), nats, ascending.
        rounding: nats within which scores are tied, beside `SCORE_RTOL` of the score itself.

    Returns:
        float64 (batch,), from 1 / (n + 1) to 1.
    """
    n = len(calibration)
    scores = np.asarray(scores, np.float64)
    tied_from = np.where(scores == -np.inf, -np.inf, np.inf)  # NaN is no proof of normality
    finite = np.isfinite(scores)
    tied_from[finite] = scores[finite] - (rounding + SCORE_RTOL * np.abs(scores[finite]))
    at_least = n - np.searchsorted(calibration, tied_from, side="left")
    return np.asarray((1 + at_least) / (n + 1), np.float64)


def threshold(calibration: NDArray[np.floating], alpha: float) -> float:
    """The score above which a row is anomalous at level `alpha`; `p_values` decides ties."""
    check_alpha(alpha, len(calibration))
    return float(calibration[len(calibration) - _rank(len(calibration), alpha)])


def check_alpha(alpha: float, n: int) -> None:
    """Raises ValueError where `alpha` is no level, or `n` calibration rows cannot resolve it."""
    if not 0 < alpha < 1:
        raise ValueError(f"expected alpha between 0 and 1. Received: {alpha}.")
    if 1 / (n + 1) > alpha:
        needed = rows_needed(alpha)
        raise ValueError(
            f"alpha={alpha:g} needs at least {needed if needed < MANY else 'countless'} "
            f"calibration rows. Received: {n}, whose smallest alpha is {1 / (n + 1):.3g}. Pass a "
            "larger alpha, or hold more rows back for calibration."
        )


def rows_needed(alpha: float) -> int:
    """The fewest calibration rows with which p <= alpha can happen: 1 / (n + 1) <= alpha."""
    n = math.ceil(1 / Fraction(alpha)) - 1
    return n - 1 if n > 0 and 1 / n <= alpha else n  # by the rounded division that p_values makes


def _rank(n: int, alpha: float) -> int:
    """The largest k with k / (n + 1) <= alpha, by the comparison that the verdict makes."""
    k = math.floor(alpha * (n + 1)) + 1
    while k / (n + 1) > alpha:
        k -= 1
    return k
