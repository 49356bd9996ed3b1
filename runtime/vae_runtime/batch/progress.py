"""Counts of rows, told while a run goes on: a line on a terminal, a file for monitoring."""

import os
import time
from collections import Counter, deque
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TextIO

from vae_runtime._base.atomic_files import write_aside
from vae_runtime.batch.results import Result

SECONDS_BETWEEN_LINES = 0.5  # seconds from one line to the next
LINES_OF_RATE = 20  # lines over which the rate is a mean
LINE_WIDTH = 79


class Counts(NamedTuple):
    """Rows of a run so far; of a model of windows, windows.

    Args:
        done: with results.
        rejected: bad rows; `read` counts these and those done.
        anomalies: that raise an alarm, among those done.
        left_out: rows that are in no window.
        classes: those done that are of each class, by name.
    """

    done: int = 0
    rejected: int = 0
    anomalies: int = 0
    left_out: int = 0
    classes: Mapping[str, int] = {}

    @property
    def read(self) -> int:
        """Number of rows that were read."""
        return self.done + self.rejected

    def plus(self, result: Result) -> "Counts":
        """Sum with the counts of another block."""
        return Counts(
            self.done + result.rows,
            self.rejected + len(result.rejects),
            self.anomalies + result.anomalies,
            self.left_out + result.left_out,
            Counter(self.classes) + Counter(result.classes),
        )


class Progress:
    """Told the counts of a run; tells people and machines.

    Args:
        rows: that there are in all.
        terminal: to write the line to; None for no line.
        metrics: the file of metrics, which is written at once; None for none. Once it is there, a
            disk that refuses it is told, but does not stop the run: its output counts.

    Raises:
        OSError, ValueError: the file of metrics cannot be written.
    """

    def __init__(self, rows: int, terminal: TextIO | None, metrics: Path | None) -> None:
        self._rows, self._terminal, self._metrics = rows, terminal, metrics
        self._begun = self._told = time.monotonic()
        self._counts, self._is_line = Counts(), False
        # times, and rows that were read by then
        self._lately = deque([(self._begun, 0)], LINES_OF_RATE)
        self.refused: OSError | None = None  # why the metrics are not those of the end
        self._write_metrics(finished=False)

    def __call__(self, counts: Counts) -> None:
        """Tells them now and then."""
        self._counts, now = counts, time.monotonic()
        if now - self._told >= SECONDS_BETWEEN_LINES:
            self._told = now
            self._tell(now)

    def close(self, *, finished: bool) -> None:
        """Takes the line away, and tells the metrics how it ended."""
        if self._terminal is not None and self._is_line:
            self._terminal.write(f"\r{' ' * _width(self._terminal)}\r")
            self._terminal.flush()
        self._try_metrics(finished)

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._begun

    def _tell(self, now: float) -> None:
        since, read = self._lately[0]
        rate = (self._counts.read - read) / (now - since)
        self._lately.append((now, self._counts.read))
        if self._terminal is not None:
            line, width = line_of(self._counts, self._rows, rate), _width(self._terminal)
            self._terminal.write(f"\r{line:{width}.{width}}")
            self._terminal.flush()
            self._is_line = True
        self._try_metrics(finished=False)

    def _try_metrics(self, finished: bool) -> None:
        try:
            self._write_metrics(finished)
            self.refused = None
        except OSError as error:
            self.refused = error

    def _write_metrics(self, finished: bool) -> None:
        if self._metrics is not None:
            text = metrics_of(self._counts, self._rows, self.seconds, finished=finished)
            write_aside(self._metrics, lambda file: file.write(text.encode()))


def line_of(counts: Counts, rows: int, rate: float) -> str:
    """For people: `1,000,000 of 4,000,000 rows, 250,000 a second, 12 s left, 1,234 anomalies`."""
    left = (rows - counts.read) / rate if rate > 0 else 0.0
    parts = [
        f"{counts.read:,} of {rows:,} rows",
        f"{rate:,.0f} a second",
        f"{_duration(left)} left",
        f"{counts.anomalies:,} anomalies",
    ]
    return ", ".join([*parts, *([f"{counts.rejected:,} rejected"] if counts.rejected else [])])


def metrics_of(counts: Counts, rows: int, seconds: float, *, finished: bool) -> str:
    """The counts as OpenMetrics text, as Prometheus reads it from a file."""
    lines = []
    for name, help_text, kind, value in (
        ("vae_batch_rows_expected", "Rows of the input.", "gauge", rows),
        ("vae_batch_rows_scored", "Rows with results.", "counter", counts.done),
        ("vae_batch_rows_rejected", "Rows that were rejected.", "counter", counts.rejected),
        ("vae_batch_anomalies", "Rows that raise an alarm.", "counter", counts.anomalies),
        ("vae_batch_seconds", "Time since the run began.", "gauge", round(seconds, 3)),
        ("vae_batch_finished", "1 once the output is there.", "gauge", int(finished)),
    ):
        sample = f"{name}_total" if kind == "counter" else name
        lines += [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}", f"{sample} {value}"]
    return "\n".join([*lines, "# EOF", ""])


def _width(terminal: TextIO) -> int:
    """Characters of the longest progress line: one more would begin the next line."""
    try:
        columns = os.get_terminal_size(terminal.fileno()).columns
    except OSError:  # not known, as of a file
        return LINE_WIDTH
    return min(columns - 1, LINE_WIDTH) if columns else LINE_WIDTH


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
    )
