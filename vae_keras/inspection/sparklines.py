"""Sparklines: a column's course in a few characters."""

import warnings

import numpy as np

from vae_keras._base.arrays import Array

BARS = "▁▂▃▄▅▆▇█"
ASCII = "_.-~=+*#"
WIDTH = 16  # characters


def can_show_bars(encoding: str | None) -> bool:
    """True where an encoding, as of a terminal, has the characters of a sparkline.

    >>> can_show_bars("utf-8"), can_show_bars("ascii")
    (True, False)
    """
    try:
        BARS.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def sparkline(sample: Array, *, bars: str = BARS, width: int = WIDTH) -> str:
    """Means of consecutive pieces of a column as a row of bars, blank where there is no value.

    Args:
        sample: (rows,), NaN where there is no value.
        bars: from the lowest to the highest.
        width: how many characters at most.

    >>> sparkline(np.arange(8.0), width=8)
    '▁▂▃▄▅▆▇█'
    """
    if not len(sample) or np.isnan(sample).all():
        return ""
    means = means_of(sample, width)
    low, high = float(np.nanmin(means)), float(np.nanmax(means))
    if high - low <= 1e-9 * abs(high):  # the means of equal values differ by rounding
        return "".join(" " if np.isnan(m) else bars[len(bars) // 2 - 1] for m in means)
    levels = (means - low) / (high - low) * len(bars)
    return "".join(" " if np.isnan(v) else bars[min(int(v), len(bars) - 1)] for v in levels)


def means_of(sample: Array, pieces: int) -> Array:
    """Mean of each of so many consecutive pieces, NaN of a piece without a value."""
    parts = np.array_split(sample, min(pieces, len(sample)))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Mean of empty slice")
        return np.array([np.nanmean(part) for part in parts])
