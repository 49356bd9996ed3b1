"""Times of samples that come to a stream, and where some were lost between them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_runtime.rows.arrays import plain_array
from vae_runtime.rows.times.gaps import is_hole


def sample_times(time: ArrayLike | None, rows: int, *, needed: bool) -> NDArray[np.float64] | None:
    """Times as float64 (rows,), all finite; None where none are given and none are needed."""
    if time is None:
        if needed:
            raise ValueError("expected the time of each sample, as a period was given.")
        return None
    times = plain_array(time, "time")
    if times.dtype.kind not in "iuf" or times.size != rows or times.ndim > 1:
        raise ValueError(
            f"time: expected seconds, {rows} of them. Received: {times.dtype} {times.shape}."
        )
    times = times.astype(np.float64).reshape(rows)
    if not np.isfinite(times).all():
        raise ValueError(f"time: expected finite seconds. Received: {times.tolist()[:3]}.")
    return times


def gaps_before(
    times: NDArray[np.float64] | None, rows: int, *, last: float | None, longest: float | None
) -> NDArray[np.bool_]:
    """True for a sample before which some were lost, or the clock set back: bool (rows,).

    Args:
        times: of the samples.
        rows: how many these are.
        last: time of the sample before them.
        longest: step that is no gap; None where none is known.
    """
    if times is None:
        return np.zeros(rows, bool)
    step = np.diff(times, prepend=times[0] if last is None else last)
    found: NDArray[np.bool_] = step < 0
    return found if longest is None else found | is_hole(step, longest)
