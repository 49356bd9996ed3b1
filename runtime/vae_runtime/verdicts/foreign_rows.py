"""Check for rows that the model does not know: their threshold would alarm at nothing.

A model ranks rows that are somewhat like those that it was trained on. Where nearly all rows alarm,
it knows nothing of their world; and a threshold above what gross faults score, such as a reading
ten deviations off, hides them. Both call for training, not for another threshold.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime.backends.graphs import Graphs
from vae_runtime.bundle import Bundle
from vae_runtime.bundle.manifest import Calibration, Model

from .threshold_change import Change

ALARM_SHARE = 0.99  # of the rows, on which the old threshold alarms
DEVIATIONS = 10.0  # that one reading of a gross fault is off by
FAULTY_ROWS = 64  # with such faults
MOST_HIDDEN_SHARE = 0.5  # of the faults that the old threshold catches, lost by the new one


def check_known(
    bundle: Bundle, graphs: Graphs, before: Calibration, changes: Sequence[Change]
) -> None:
    """Raises ValueError for rows that the model does not know.

    Args:
        bundle: the old one.
        graphs: its own, of the precision that these changes are of.
        before: its calibration.
        changes: what the rows make of that calibration's thresholds.
    """
    for change in changes:
        if change.old_alarm_rate is not None and change.old_alarm_rate >= ALARM_SHARE:
            raise _foreign(
                change,
                bundle.manifest.model.noun,
                f"the old threshold, {change.old_threshold:.6g}, alarms on "
                f"{change.old_alarm_rate:.1%} of them",
            )
    scores = _fault_scores(bundle, graphs)
    for change in changes:
        own = (before.by_machine or {}).get(change.machine or "", before.scores)
        old = own[-1] if change.old_threshold is None else change.old_threshold
        caught = scores[scores > old]
        hidden = int((caught <= change.threshold).sum())
        if hidden > MOST_HIDDEN_SHARE * len(caught):
            raise _foreign(
                change,
                bundle.manifest.model.noun,
                f"the new threshold would be {change.threshold:.6g}, and {hidden} of {len(caught)} "
                f"gross faults (a reading {DEVIATIONS:g} deviations off) that the old one, "
                f"{old:.6g}, sees would not alarm any more",
            )


def gross_faults(rows: NDArray[Any], model: Model) -> NDArray[Any]:
    """Known rows with one reading far off; of values within limits, all at either limit.

    Args:
        rows: (rows, *input_shape), such as a bundle's probe.
        model: the bundle's.

    Returns:
        As many rows as `FAULTY_ROWS`, or none where all values are of one-hot groups.
    """
    made = np.resize(rows, (FAULTY_ROWS, *model.input_shape)).astype(rows.dtype)
    limits = (0, 255) if rows.dtype == np.uint8 else model.value_range
    scale = np.array(model.preprocessing.scale)
    scale = scale.reshape(model.input_shape) if scale.size == made[0].size else scale
    return with_faults(made, limits, scale, one_hot=sum(model.one_hot), deviations=(DEVIATIONS,))


def with_faults(
    rows: NDArray[Any],
    limits: Sequence[float] | None,
    scale: NDArray[Any],
    *,
    one_hot: int,
    deviations: Sequence[float],
) -> NDArray[Any]:
    """Changes one value of each row by many deviations; with limits, all values to either limit.

    Args:
        rows: (rows, *input_shape), changed in place.
        limits: lowest and highest possible value; None for any number.
        scale: deviation of each value, broadcast to input_shape.
        one_hot: number of columns at the end that are one-hot groups, of which none is changed.
        deviations: that a value may be off by.

    Returns:
        Rows of the same dtype; none where all columns are one-hot.
    """
    rng = np.random.default_rng(0)
    if limits is not None:
        return np.asarray(rng.choice(np.array(limits), rows.shape), rows.dtype)
    is_reading = np.ones(rows.shape[1:], bool)
    is_reading[..., rows.shape[-1] - one_hot :] = False
    readings = np.flatnonzero(is_reading)
    if not len(readings):
        return rows[:0]
    flat, which = rows.reshape(len(rows), -1), rng.choice(readings, len(rows))
    off = rng.choice([-1.0, 1.0], len(rows)) * rng.choice(deviations, len(rows))
    off *= np.broadcast_to(scale, rows.shape[1:]).ravel()[which]
    flat[np.arange(len(rows)), which] += off.astype(rows.dtype)
    return flat.reshape(rows.shape)


def _fault_scores(bundle: Bundle, graphs: Graphs) -> NDArray[np.float32]:
    faults = gross_faults(bundle.read_probe()["x"], bundle.manifest.model)
    if not len(faults):
        return np.empty(0, np.float32)
    return graphs.session("scorer").run(("score",), {"x": faults})[0]


def _foreign(change: Change, noun: str, why: str) -> ValueError:
    whose = "" if change.machine is None else f" of {change.machine}"
    return ValueError(
        f"expected normal {noun}s{whose} of a world that the model knows. Received: "
        f"{change.rows:,} that it does not know, as {why}. Look whether columns and units of "
        f"measurement are as in training; where they are, train again on {noun}s of this place "
        "(vae-keras train). To set such a threshold all the same: --force (force=True)."
    )
