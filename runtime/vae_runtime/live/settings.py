"""Settings of a stream, checked before the first sample rather than when a window completes."""

import math
from dataclasses import dataclass

from vae_runtime.bundle.manifest import Calibration, Model
from vae_runtime.rows.times.gaps import GAP
from vae_runtime.verdicts.alarms import Verdicts

from .drift import DriftSettings


@dataclass(frozen=True)
class StreamSettings:
    """Settings of a stream; a state fits a stream with the same, alpha and threshold apart."""

    window: int
    stride: int
    period: float | None
    alpha: float | None
    threshold: float | None
    drift: DriftSettings | None

    @property
    def spacing(self) -> int:
        """Rows from one window tested for drift to the next."""
        given = None if self.drift is None else self.drift.spacing
        return self.window if given is None else given


def check_settings(settings: StreamSettings, calibration: Calibration) -> None:
    """Raises ValueError for a setting that is out of range."""
    if settings.stride < 1:
        raise ValueError(f"expected a stride from 1 row. Received: {settings.stride}.")
    if settings.period is not None and not 0 < settings.period < math.inf:
        raise ValueError(f"expected a period in seconds, above 0. Received: {settings.period}.")
    if settings.spacing < settings.window:
        raise ValueError(
            f"expected a spacing of the drift test from {settings.window}, so that no tested "
            f"windows overlap. Received: {settings.spacing}."
        )
    Verdicts(calibration).alarm(settings.alpha, settings.threshold)  # now, not a window later


def gap_of(model: Model, period: float | None, given: float | None) -> float | None:
    """Seconds above which a step is a gap, see `StreamScorer`.

    Args:
        model: the bundle's.
        period: usual seconds between two samples, where they are given.
        given: such a gap, where one is given.

    Raises:
        ValueError: it is not above 0.
    """
    if given is not None and not 0 < given < math.inf:
        raise ValueError(f"expected a gap in seconds, above 0. Received: {given}.")
    if given is not None:
        return given
    if period is not None:
        return GAP * period
    return None if model.clock is None else model.clock.gap


def windowing(model: Model, window: int | None, stride: int | None) -> tuple[int, int]:
    """Window and stride of a stream; ValueError for those that the model cannot take."""
    if model.stride is None and (window not in (None, 1) or stride not in (None, 1)):
        raise ValueError(
            f"expected no window and no stride, as {model.name} scores single rows. Received: "
            f"{window} and {stride}. For windows train with `vae-keras train --window`."
        )
    own = 1 if model.stride is None else model.input_shape[0]
    if window not in (None, own):
        raise ValueError(f"expected the model's own window, {own} rows. Received: {window}.")
    return own, (model.stride or 1) if stride is None else stride
