"""Changes of alarm thresholds by new normal rows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vae_runtime.bundle.manifest import Calibration

from .calibration import p_values, rows_needed, threshold
from .calibration_groups import CalibrationGroups


@dataclass(frozen=True)
class Change:
    """Threshold before and after, in nats, and the number of rows that set it.

    Args:
        precision: the calibration's name, as in the manifest.
        machine: whose threshold it is; None of all rows together.
        alpha: the alarm level.
        rows: new normal rows, of that machine.
        distinct: how many different scores they have.
        old_threshold: nats, at this alpha; None where the old rows were too few for it. Of a
            machine that the bundle did not know, it is that of all old rows, and so is the rate.
        threshold: nats.
        old_alarm_rate: the share of the new rows on which the old calibration alarms.
    """

    precision: str
    machine: str | None
    alpha: float
    rows: int
    distinct: int
    old_threshold: float | None
    threshold: float
    old_alarm_rate: float | None


def changes_of(
    name: str, before: Calibration, groups: CalibrationGroups, scores: NDArray[np.float32]
) -> Iterator[Change]:
    """Change of each threshold of a calibration.

    Args:
        name: of the calibration.
        before: as it was, with the new alpha.
        groups: whose rows the new ones are.
        scores: of the new rows, (rows,), nats.
    """
    alpha = before.alpha
    for machine, found in groups.parts(scores).items():
        own = (before.by_machine or {}).get(machine or "", before.scores)
        old, resolved = np.array(own), len(own) >= rows_needed(alpha)
        alarms = p_values(found, old, before.rounding) <= alpha
        yield Change(
            precision=name,
            machine=machine,
            alpha=alpha,
            rows=len(found),
            distinct=len(np.unique(found)),
            old_threshold=threshold(old, alpha) if resolved else None,
            threshold=threshold(np.sort(found), alpha),
            old_alarm_rate=float(alarms.mean()) if resolved else None,
        )
