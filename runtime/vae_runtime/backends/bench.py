"""Cost of scoring on this device: latency by batch size, throughput, and memory."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.arguments import number, whole

SIZES = (1, 16, 256)
SECONDS = 1.0  # for each size

STATUS = Path("/proc/self/status")

MOST_BYTES = 2**30  # of one batch: a mistyped size must not take the machine down
MOST_SECONDS = 3600

WARM_UP = 10  # calls that are not counted


@dataclass(frozen=True)
class Timing:
    """Timings of calls with so many rows: microseconds a call, by percentile."""

    rows: int
    calls: int
    p50: float
    p90: float
    p99: float
    worst: float

    @property
    def rows_per_second(self) -> float:
        """Rows a second, at the median."""
        return self.rows / self.p50 * 1e6


@dataclass(frozen=True)
class BenchReport:
    """Timings by batch size; memory in MiB, None where the system does not tell."""

    timings: tuple[Timing, ...]
    memory: float | None
    memory_peak: float | None


def measure(
    score: Callable[[NDArray[Any]], object],
    rows: NDArray[Any],
    sizes: Sequence[int] = SIZES,
    *,
    seconds: float = SECONDS,
) -> BenchReport:
    """Times a scorer on batches of these sizes, made of these rows.

    Args:
        score: takes (batch, ...).
        rows: (n, ...), repeated or cut to each size.
        sizes: rows a call.
        seconds: for each size; at least ten calls are made all the same.

    Raises:
        ValueError: a size is below 1 or takes more than 1 GiB, or seconds are not above 0 or more
            than an hour.
    """
    most = MOST_BYTES // rows[0].nbytes
    sizes = [whole("sizes (one batch: 1 GiB at most)", size, least=1, most=most) for size in sizes]
    if not sizes or not 0 < number("seconds", seconds) <= MOST_SECONDS:
        raise ValueError(
            f"expected a size and seconds above 0, for each size {MOST_SECONDS:,} at most. "
            f"Received: {tuple(sizes)} and {seconds}."
        )
    timings = []
    for size in sizes:
        batch = np.resize(rows, (size, *rows.shape[1:]))
        each = _time(partial(score, batch), seconds)
        p50, p90, p99 = np.percentile(each, [50, 90, 99]) * 1e6
        timings.append(Timing(size, len(each), p50, p90, p99, float(each.max() * 1e6)))
    return BenchReport(tuple(timings), memory("VmRSS"), memory("VmHWM"))


def memory(key: str = "VmRSS") -> float | None:
    """Memory of this process in MiB: now ("VmRSS"), or at most so far ("VmHWM").

    None where the system has no /proc.
    """
    if not STATUS.exists():
        return None
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(lines[key].split()[0]) / 1024


def _time(call: Callable[[], object], seconds: float) -> NDArray[np.float64]:
    """Seconds of each call."""
    for _ in range(WARM_UP):
        call()
    each: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(each) < WARM_UP:
        start = time.perf_counter()
        call()
        each.append(time.perf_counter() - start)
    return np.array(each)
