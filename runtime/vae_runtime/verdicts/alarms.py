"""Rules of an alarm: the bundle's own level, or one that a call asks for."""

import math
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.arguments import number
from vae_runtime.bundle.manifest import Calibration

from .calibration import PValues, check_alpha, false_discoveries


class Alarm(Protocol):
    """Rule by which rows are anomalous."""

    def raised(self, score: NDArray[np.float32], p_value: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Verdicts, True for an anomaly: bool (batch,). A NaN is no proof of normality."""


class AtLevel(NamedTuple):
    """Alarms where p_value <= alpha: on a share alpha of normal rows at most."""

    alpha: float

    def raised(self, score: NDArray[np.float32], p_value: NDArray[np.float64]) -> NDArray[np.bool_]:
        """See `Alarm`."""
        return p_value <= self.alpha


class AboveThreshold(NamedTuple):
    """Alarms where score > threshold, in nats."""

    threshold: float

    def raised(self, score: NDArray[np.float32], p_value: NDArray[np.float64]) -> NDArray[np.bool_]:
        """See `Alarm`."""
        return ~(score <= self.threshold)


class AmongBatch(NamedTuple):
    """Alarms so that of those in one batch at most a share fdr is false, on average."""

    fdr: float

    def raised(self, score: NDArray[np.float32], p_value: NDArray[np.float64]) -> NDArray[np.bool_]:
        """See `Alarm`."""
        return false_discoveries(p_value, self.fdr)


class Verdicts:
    """Meaning of scores by one calibration: p-values and alarms."""

    def __init__(self, calibration: Calibration) -> None:
        self.calibration = calibration
        self.p_values = PValues(np.array(calibration.scores), calibration.rounding)
        self._own: Alarm | None = None

    def alarm(
        self, alpha: float | None = None, threshold: float | None = None, fdr: float | None = None
    ) -> Alarm:
        """The rule that is given, or the bundle's own level.

        Raises:
            ValueError: several are given, one is no number, or too fine for the calibration rows.
        """
        if alpha is None and threshold is None and fdr is None:
            if self._own is None:
                self._own = self._at_level(self.calibration.alpha)
            return self._own
        given = {"alpha": alpha, "threshold": threshold, "fdr": fdr}
        named = [name for name, value in given.items() if value is not None]
        if len(named) > 1:
            raise ValueError(
                f"expected one of alpha, threshold and fdr. Received: {' and '.join(named)}."
            )
        if threshold is not None:
            return _above(number("threshold", threshold))
        if alpha is not None:
            return self._at_level(number("alpha", alpha))
        return self._among_batch(number("fdr", fdr))

    def _at_level(self, alpha: float) -> Alarm:
        check_alpha(alpha, len(self.calibration.scores))
        return AtLevel(alpha)

    def _among_batch(self, fdr: float) -> Alarm:
        check_alpha(fdr, len(self.calibration.scores), name="fdr")
        return AmongBatch(fdr)


def _above(threshold: float) -> Alarm:
    if math.isnan(threshold):
        raise ValueError("expected a threshold in nats. Received: NaN.")
    return AboveThreshold(threshold)
