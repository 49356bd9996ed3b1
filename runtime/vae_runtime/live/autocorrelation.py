"""Spacing of scores that a drift test may take for independent."""

import numpy as np
from numpy.typing import ArrayLike

FEWEST = 1000  # scores, with which a correlation is known to 0.03 or so

NEGLIGIBLE = 0.05  # correlation that leaves alarms of drift as rare as promised


def uncorrelated_spacing(scores: ArrayLike) -> int:
    """Spacing for `DriftSettings.spacing` of a stream, in rows from one score to the next.

    That is twice the lag at which the ranks of scores are first correlated by less than 0.05.
    Where a day or a week repeats itself, later scores may be correlated again.

    Args:
        scores: (rows,), of a recording of normal operation without gaps, in time order: of single
            rows, or of windows with stride 1.

    Raises:
        ValueError: they are too few to tell.

    >>> uncorrelated_spacing(np.random.default_rng(0).normal(size=2000))
    1
    """
    given = np.asarray(scores, np.float64)
    n = given.size
    if given.ndim != 1 or n < FEWEST or not np.isfinite(given).all() or given.min() == given.max():
        raise ValueError(
            f"expected {FEWEST:,} scores or more, finite and not all the same. Received: shape "
            f"{given.shape}."
        )
    ranks = np.unique(given, return_inverse=True)[1].astype(np.float64)
    spectrum = np.fft.rfft(ranks - ranks.mean(), 2 * n)  # twice as long: no end meets the start
    covariance = np.fft.irfft(np.abs(spectrum) ** 2)[: n // 10]
    apart = np.flatnonzero(np.abs(covariance / covariance[0]) < NEGLIGIBLE)
    if not len(apart):
        raise ValueError(
            f"expected scores that are no longer correlated at a lag of {n // 10} rows. Received: "
            "scores that are. Pass a longer recording."
        )
    lag = int(apart[0])
    return 1 if lag == 1 else 2 * lag
