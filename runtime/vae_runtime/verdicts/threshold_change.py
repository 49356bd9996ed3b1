"""Change of one alarm threshold by new normal rows."""

from dataclasses import dataclass


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
