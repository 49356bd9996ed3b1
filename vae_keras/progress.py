"""Callbacks that speak: how training goes, and when it has gone wrong."""

import math
import time
from collections.abc import Callable
from typing import Any

import keras

Logs = Any  # a dict of losses, or None where Keras has none


class Progress(keras.callbacks.Callback):
    """Logs a line with losses, rate and time left, every few seconds and at the end.

    Args:
        epochs: how many there will be at most.
        rows: training rows an epoch.
        log: called with each line.
        every: seconds between lines.
    """

    def __init__(
        self, epochs: int, rows: int, log: Callable[[str], None], every: float = 2.0
    ) -> None:
        super().__init__()
        self.epochs, self.rows, self.log, self.every = epochs, rows, log, every

    def on_train_begin(self, logs: Logs = None) -> None:
        """Starts the clock."""
        self._started = self._logged = time.monotonic()
        self._best = math.inf, 0

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Logs where it is time to."""
        now = time.monotonic()
        self._last = f"epoch {epoch + 1}/{self.epochs}", logs
        self._best = min(self._best, (logs["val_loss"], epoch + 1))
        if now - self._logged >= self.every and epoch + 1 < self.epochs:
            self._logged = now
            pace = (now - self._started) / (epoch + 1)
            left = pace * (self.epochs - epoch - 1)
            self._write(f"{self.rows / pace:,.0f} rows/s, at most {left:.0f} s left")

    def on_train_end(self, logs: Logs = None) -> None:
        """Logs the last epoch, the whole time, and which epoch's weights are kept."""
        seconds = time.monotonic() - self._started
        self._write(f"done in {seconds:.0f} s; the weights of epoch {self._best[1]} are the best")

    def _write(self, pace: str) -> None:
        where, logs = self._last
        losses = "  ".join(f"{name} {logs[name]:.3f}" for name in ("loss", "nll", "kl", "val_loss"))
        self.log(f"{where}  {losses}  ({pace})")


class StopOnDivergence(keras.callbacks.Callback):
    """Raises ValueError at the end of an epoch whose losses are not finite."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Checks every loss of the epoch."""
        bad = [name for name, value in logs.items() if not math.isfinite(value)]
        if bad:
            raise ValueError(
                f"training diverged: expected finite losses. Received: {bad[0]} = {logs[bad[0]]} "
                f"in epoch {epoch + 1}. Lower --learning-rate, or look for extreme values."
            )
