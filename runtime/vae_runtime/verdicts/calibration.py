"""Split-conformal p-values: the rank of a score among normal rows that training never saw.

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

from vae_runtime._base.bucket_search import Steps

# A score depends on its batch by rounding, because matrix kernels add in an order that depends on
# the batch size: by up to this share of the terms that it is the sum of. Scores that close count as
# tied, and a tie raises p: equal rows get equal p-values in any batch, and doubt raises no alarm.
SCORE_RTOL = 1e-6

BLOCK = 65536  # scores looked up at a time, so that what that takes stays small

_INFINITY = int(np.float32(np.inf).view(np.uint32))  # its number among all float32

COUNTLESS_ROWS = 10**12  # rows beyond which their exact number helps nobody


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
    at_least = n - calibration.searchsorted(_tied_from(np.asarray(scores, np.float64), rounding))
    p: NDArray[np.float64] = (1 + at_least) / (n + 1)
    return p


class PValues:
    """Fast p-values of float32 scores: two look-ups in tables made once.

    A p-value is a step function of the score. It goes down a step behind the highest float32 that
    is still tied with a calibration score.
    """

    def __init__(self, calibration: NDArray[np.floating], rounding: float) -> None:
        n = len(calibration)
        self._steps = Steps(_last_tied(calibration, rounding))
        self._p = (1 + np.arange(n, -1, -1)) / (n + 1)

    def __call__(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """P-values (batch,) of scores (batch,)."""
        if len(scores) <= BLOCK:
            p: NDArray[np.float64] = self._p.take(self._steps(scores))
            return p
        p = np.empty(len(scores))
        for start in range(0, len(scores), BLOCK):
            p[start : start + BLOCK] = self(scores[start : start + BLOCK])
        return p


def _last_tied(calibration: NDArray[np.floating], rounding: float) -> NDArray[np.float32]:
    """Highest float32 that counts as tied with each calibration score.

    Found by bisection among all float32, numbered in ascending order.
    """
    low = np.full(len(calibration), -_INFINITY)  # tied with any
    high = np.full(len(calibration), _INFINITY)  # tied with none
    while (high - low > 1).any():
        middle = (low + high) // 2
        tied = _tied_from(_numbered(middle).astype(np.float64), rounding) <= calibration
        low, high = np.where(tied, middle, low), np.where(tied, high, middle)
    return _numbered(low)


def _numbered(number: NDArray[np.int64]) -> NDArray[np.float32]:
    """Float32 values by their rank among all: 0 is zero, 1 the smallest above it."""
    size = np.abs(number).astype(np.uint32).view(np.float32)
    return np.copysign(size, number).astype(np.float32)


def _tied_from(score: NDArray[np.float64], rounding: float) -> NDArray[np.float64]:
    """Lowest number that counts as tied with a score.

    It is score - (rounding + SCORE_RTOL * |score|), written so that infinities stay what they are;
    a NaN stays NaN, which is sorted behind all numbers.
    """
    return np.minimum(score * (1 - SCORE_RTOL), score * (1 + SCORE_RTOL)) - rounding


def threshold(calibration: NDArray[np.floating], alpha: float) -> float:
    """The score above which a row is anomalous at level `alpha`; `p_values` decides ties."""
    check_alpha(alpha, len(calibration))
    return float(calibration[len(calibration) - _rank(len(calibration), alpha)])


def false_discoveries(p: NDArray[np.float64], fdr: float) -> NDArray[np.bool_]:
    """Verdicts on a batch in which a share `fdr` of the anomalies may be normal: bool (batch,).

    Conformal p-values that share their calibration rows are positively dependent in the way that
    keeps the procedure's promise: of the rows it names, at most a share `fdr` is normal on average.

    Args:
        p: (batch,), p-values of all rows that are judged together.
        fdr: between 0 and 1.

    Returns:
        bool (batch,).

    Source: Benjamini & Hochberg 1995; Bates et al. 2023, theorem 2.
    """
    return p <= discovery_level(p, fdr)


def discovery_level(p: NDArray[np.float64], fdr: float) -> float:
    """Largest p-value for which `false_discoveries` names a row; below 0 where it names none."""
    allowed = fdr * np.arange(1, len(p) + 1) / len(p)
    kept = np.flatnonzero(np.sort(p) <= allowed)
    return float(allowed[kept[-1]]) if len(kept) else -1.0


def fewest_discoveries(rows: int, n: int, fdr: float) -> int:
    """Fewest most unusual rows, of so many, for which `false_discoveries` can name any.

    No p-value is below 1 / (n + 1), whatever the row: of a long batch, few can be told from chance.
    """
    return math.ceil(rows / (fdr * (n + 1)))


def check_alpha(alpha: float, n: int, *, name: str = "alpha") -> None:
    """Raises ValueError for an invalid `alpha`, or one that `n` calibration rows cannot resolve."""
    if not 0 < alpha < 1:
        raise ValueError(f"expected {name} between 0 and 1. Received: {alpha}.")
    if 1 / (n + 1) > alpha:
        needed = rows_needed(alpha)
        raise ValueError(
            f"{name}={alpha:g} needs at least {needed if needed < COUNTLESS_ROWS else 'countless'} "
            f"calibration rows. Received: {n}, whose smallest {name} is {1 / (n + 1):.3g}. Pass a "
            "larger one, or hold more rows back for calibration."
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
