"""Callbacks for messages: progress of training, and an error when it diverges."""

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import keras

Logs = Any  # a dict of losses, or None where Keras has none

LOGGED_LOSSES = ("loss", "nll", "kl", "val_elbo", "cross_entropy", "val_accuracy")


class Ahead(NamedTuple):
    """Models that are still to be trained after this one, and the seconds that finished ones took.

    A `Progress` adds its own seconds at its end.
    """

    models: int
    seconds: list[float]

    def left(self, whole: float) -> float:
        """Seconds that the models ahead take: as long as finished ones, or `whole` each."""
        usual = sum(self.seconds) / len(self.seconds) if self.seconds else whole
        return self.models * usual


class Progress(keras.callbacks.Callback):
    """Logs a line with losses, rate and time left, every few seconds and at the end.

    Args:
        epochs: how many there will be at most.
        rows: training rows an epoch.
        log: called with each line.
        first_epoch: where a resumed run goes on, counted from 0.
        every: seconds between lines.
        ahead: the models that come after this one, for the time left in all.
    """

    def __init__(
        self,
        epochs: int,
        rows: int,
        log: Callable[[str], None],
        *,
        first_epoch: int = 0,
        every: float = 2.0,
        ahead: Ahead | None = None,
    ) -> None:
        super().__init__()
        self.ahead = Ahead(0, []) if ahead is None else ahead
        self.epochs, self.rows, self.log, self.every = epochs, rows, log, every
        self.first_epoch = first_epoch

    def on_train_begin(self, logs: Logs = None) -> None:
        """Starts the clock."""
        self._started = self._logged = time.monotonic()
        self._last: tuple[str, Any] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Logs a line when it is time to."""
        now = time.monotonic()
        self._last = f"epoch {epoch + 1}/{self.epochs}", logs
        if now - self._logged >= self.every and epoch + 1 < self.epochs:
            self._logged = now
            pace = (now - self._started) / (epoch + 1 - self.first_epoch)
            left = pace * (self.epochs - epoch - 1)
            self._write(f"{self.rows / pace:,.0f} rows/s, at most {left:.0f} s left", left)

    def on_train_end(self, logs: Logs = None) -> None:
        """Logs the last epoch and the total time."""
        if self._last:  # a resumed run may have had no epoch left
            taken = time.monotonic() - self._started
            self.ahead.seconds.append(taken)
            self._write(f"done in {taken:.0f} s", 0.0)

    def _write(self, pace: str, left: float) -> None:
        """Logs a line; `left` are the seconds that this model still takes at most."""
        if self.ahead.models:
            taken = time.monotonic() - self._started
            total = left + self.ahead.left(taken + left)
            pace += f"; about {total:.0f} s with {_models(self.ahead.models)} to come"
        where, logs = self._last or ("", {})
        shown = [name for name in LOGGED_LOSSES if name in logs]
        losses = "  ".join(f"{name} {logs[name]:.3f}" for name in shown)
        self.log(f"{where}  {losses}  ({pace})")


def _models(count: int) -> str:
    return "1 model" if count == 1 else f"{count} models"


class StopOnDivergence(keras.callbacks.Callback):
    """Raises ValueError at the first loss that is not finite, before it costs another epoch.

    Args:
        by_steps: whether batches come one after the other; else an epoch is all that is seen.
    """

    def __init__(self, *, by_steps: bool = True) -> None:
        super().__init__()
        self.by_steps = by_steps

    def on_train_begin(self, logs: Logs = None) -> None:
        """Forgets the last training's losses."""
        self._epoch, self._finite = 0, None

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Records the number of the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Checks the losses of the epoch so far."""
        if self.by_steps:
            self._check(logs, f"epoch {self._epoch + 1}, step {batch + 1}")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Checks every loss of the epoch, those on the validation rows too."""
        self._check(logs, f"epoch {epoch + 1}")

    def _check(self, logs: Logs, where: str) -> None:
        bad = [name for name, value in logs.items() if not math.isfinite(value)]
        if bad:
            last = "none" if self._finite is None else f"{self._finite:.6g}"
            raise ValueError(
                f"training diverged: expected finite losses. Received: {bad[0]} = {logs[bad[0]]} "
                f"in {where}; the last finite loss was {last}. Lower --learning-rate, set "
                "--clip-norm, or look for extreme values."
            )
        self._finite = logs["loss"]
