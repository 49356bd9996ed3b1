"""How often the drift alarm is wrong, and how soon it is right.

    python benchmarks/drift.py

Simulated scores, Gaussian with standard deviation 1: only their ranks matter, so normal data of any
distribution give the same figures. Each alarm is followed by a new start with new calibration rows.
Compared with Kolmogorov and Smirnov's distance between the calibration scores and those of the last
rows, looked at every tenth row, with the limit that gives it the same false alarms.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime import DriftSettings, drift, uncorrelated_spacing
from vae_runtime.bundle.manifest import Calibration
from vae_runtime.live.drift import DriftTest

STREAM = 100_000  # rows
NOMINAL = 10_000  # rows between false alarms
RARE = 100_000_000  # the default
RECORDING = 20_000  # rows, from which a spacing is told
SIZES = (99, 360, 1000)  # of calibration sets
GROWS = DriftSettings().capacity
EVERY = 10  # rows from one look of the KS test to the next
REPEATS, LONGEST = 40, 2000  # changes of each kind; rows after which one counts as missed

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Array]


class Design(NamedTuple):
    """A way to rank scores: its name, capacity (None: the calibration set alone), and slack."""

    name: str
    capacity: int | None
    deviations: float


DESIGNS = (
    Design("grows", GROWS, drift.DEVIATIONS),
    Design("fixed, taken for the truth", None, 0.0),
    Design("fixed, with slack", None, drift.DEVIATIONS),
)


def beta_half(rng: np.random.Generator, n: int) -> Array:
    """Scores whose p-values are Beta(1/2, 1)."""
    from scipy.stats import norm

    scores: Array = -norm.ppf(rng.beta(0.5, 1.0, n))
    return scores


CHANGES: dict[str, Draw] = {
    "mean + 0.25 sd": lambda rng, n: rng.normal(0.25, 1.0, n),
    "mean + 0.5 sd": lambda rng, n: rng.normal(0.5, 1.0, n),
    "mean + 1 sd": lambda rng, n: rng.normal(1.0, 1.0, n),
    "mean - 1 sd": lambda rng, n: rng.normal(-1.0, 1.0, n),
    "mean + 5 sd": lambda rng, n: rng.normal(5.0, 1.0, n),
    "p-values Beta(.5, 1)": beta_half,
    "sd x 0.3": lambda rng, n: rng.normal(0.0, 0.3, n),
    "sd x 2": lambda rng, n: rng.normal(0.0, 2.0, n),
    "stuck at the median": lambda rng, n: np.zeros(n),
}


def main() -> None:
    """Prints every table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--streams", type=int, default=10, help=f"of {STREAM:,} rows a figure")
    streams = parser.parse_args().streams
    false_alarms(streams)
    autocorrelated(streams)
    delays()
    cost()


def false_alarms(streams: int) -> None:
    """Normal data: rows between false alarms, by size of the calibration set and design."""
    print(f"\n| calibration rows | reference | rows between false alarms, of {NOMINAL:,} asked |")
    print("|---|---|---|", flush=True)
    for n in (*SIZES, GROWS):
        for design in DESIGNS if n < GROWS else DESIGNS[1:]:
            rng = np.random.default_rng(n)
            rows, alarms = streams * STREAM, 0
            for _ in range(streams):
                alarms += count(rng, n, rng.normal(size=STREAM), design)
            print(f"| {n:,} | {design.name} | {between(rows, alarms)} |", flush=True)


def autocorrelated(streams: int) -> None:
    """Scores that resemble those before: AR(1), by how far apart tested ones are."""
    spacings = (1, 10, 100, 1000)
    heads = [*(f"every {s:,}" for s in spacings), "as a recording tells"]
    print(f"\n| AR(1) | {' | '.join(heads)} |")
    print("|---|" + "---|" * len(heads), flush=True)
    for rho in (0.5, 0.9, 0.99):
        cells = []
        told = uncorrelated_spacing(ar1(np.random.default_rng(0), rho, RECORDING))
        for spacing in (*spacings, told):
            rng, alarms = np.random.default_rng(spacing), 0
            for _ in range(streams):
                scores = ar1(rng, rho, STREAM)[::spacing]
                alarms += count(rng, 360, scores, DESIGNS[0], spacing=spacing)
            cells.append(between(streams * STREAM, alarms))
        print(f"| {rho} | {' | '.join(cells)}, every {told} |", flush=True)


def delays() -> None:
    """Rows from a change to its alarm: median, and how many were missed."""
    n, before = 360, 2000
    limits = {window: ks_limit(n, window) for window in (50, 200)}
    heads = [f"KS, last {window}" for window in limits]
    heads += [f"{NOMINAL:,}", f"{RARE:,}", f"{RARE:,}, at once", f"{RARE:,}, n = 99, at once"]
    print(f"\n| change | {' | '.join(heads)} |\n|---|" + "---|" * len(heads), flush=True)
    for name, draw in CHANGES.items():
        cells = [median(ks_delays(draw, n, w, limit)) for w, limit in limits.items()]
        for rows, size, normal in (
            (NOMINAL, n, before),
            (RARE, n, before),
            (RARE, n, 0),
            (RARE, 99, 0),
        ):
            cells.append(median(own_delays(draw, rows, size, normal)))
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def cost() -> None:
    """Microseconds of a row and bytes kept, while the reference grows and when it is full."""
    print("\n| calibration rows | reference | us a row | bytes, reference |\n|---|---|---|---|")
    for n in (360, GROWS):
        rng = np.random.default_rng(0)
        test, scores = new_test(rng, n, DESIGNS[0], RARE), rng.normal(size=5000).tolist()
        start = time.perf_counter()
        for row, score in enumerate(scores):
            test.update(score, row)
        spent = 1e6 * (time.perf_counter() - start) / len(scores)
        full = "full" if n == GROWS else f"grows to {n + len(scores):,}"
        size = sum(sys.getsizeof(kept) for kept in (test._reference, test._added))
        print(f"| {n:,} | {full} | {spent:.0f} | {size:,} |", flush=True)


def new_test(
    rng: np.random.Generator, n: int, design: Design, rows: float, *, spacing: int = 1
) -> DriftTest:
    """A test of a design with n new calibration scores."""
    drift.DEVIATIONS = design.deviations
    scores = np.sort(rng.normal(size=n)).tolist()
    settings = DriftSettings(rows, capacity=n if design.capacity is None else design.capacity)
    return DriftTest(Calibration(0.01, 1e-6, tuple(scores)), settings, spacing=spacing)


def count(
    rng: np.random.Generator, n: int, scores: Array, design: Design, *, spacing: int = 1
) -> int:
    """Alarms in a stream."""
    test, alarms = new_test(rng, n, design, NOMINAL, spacing=spacing), 0
    for score in scores.tolist():
        if test.update(score, 0):
            alarms += 1
            test = new_test(rng, n, design, NOMINAL, spacing=spacing)
    return alarms


def ar1(rng: np.random.Generator, rho: float, n: int) -> Array:
    """Gaussian, standard deviation 1, correlation rho of neighbours."""
    noise, scores = rng.normal(size=n) * np.sqrt(1 - rho**2), np.empty(n)
    scores[0] = rng.normal()
    for i in range(1, n):
        scores[i] = rho * scores[i - 1] + noise[i]
    return scores


def own_delays(draw: Draw, rows: float, n: int, before: int) -> Iterator[float]:
    """Of each change, how many rows until it was noticed; infinity where it was missed."""
    rng = np.random.default_rng(1)
    for _ in range(REPEATS):
        test = new_test(rng, n, DESIGNS[0], rows)
        while any([test.update(score, 0) for score in rng.normal(size=before).tolist()]):
            test.reset()
        noticed = (i for i, s in enumerate(draw(rng, LONGEST).tolist(), 1) if test.update(s, i))
        yield next(noticed, np.inf)


def ks_distances(reference: Array, scores: Array, window: int) -> Array:
    """Distance of the last `window` scores from the reference, at every tenth row."""
    place, n = np.searchsorted(np.sort(reference), scores), len(reference)
    bins = np.arange(n + 1) / n
    counts = [np.bincount(part, minlength=n + 1) for part in place.reshape(-1, EVERY)]
    kept = window // EVERY
    cumulative = np.cumsum(np.concatenate([np.zeros((1, n + 1), int), counts]), axis=0)
    recent = np.cumsum(cumulative[kept:] - cumulative[:-kept], axis=1)
    distances: Array = np.abs(recent / window - bins).max(axis=1)
    return distances


def ks_limit(n: int, window: int) -> float:
    """The distance that normal data pass once in NOMINAL rows."""
    rng, rows = np.random.default_rng(2), 10_000
    seen = [ks_distances(rng.normal(size=n), rng.normal(size=rows), window) for _ in range(100)]
    low, high = 0.0, 1.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        alarms = sum(ks_alarms(distances > middle, window) for distances in seen)
        low, high = (middle, high) if alarms > rows * len(seen) / NOMINAL else (low, middle)
    return high


def ks_alarms(above: NDArray[np.bool_], window: int) -> int:
    """Alarms, after each of which a window must fill anew."""
    alarms, wait = 0, -1
    for i in np.flatnonzero(above).tolist():
        if i > wait:
            alarms, wait = alarms + 1, i + window // EVERY
    return alarms


def ks_delays(draw: Draw, n: int, window: int, limit: float) -> Iterator[float]:
    """As `own_delays`, of the KS test; a window of normal rows comes before the change."""
    rng = np.random.default_rng(3)
    for _ in range(REPEATS):
        scores = np.concatenate([rng.normal(size=window), draw(rng, LONGEST)])
        above = ks_distances(rng.normal(size=n), scores, window)[1:] > limit
        yield EVERY * (1 + float(above.argmax())) if above.any() else np.inf


def between(rows: int, alarms: int) -> str:
    """Rows between alarms, and how many of these there were."""
    return f"{rows / alarms:,.0f} ({alarms:,})" if alarms else f"more than {rows:,} (0)"


def median(delays: Iterator[float]) -> str:
    """The median, and the share that was missed."""
    found = np.array(list(delays))
    missed = np.isinf(found).mean()
    rows = f"{np.median(found):.0f}" if missed < 0.5 else f"over {LONGEST:,}"
    return rows + (f" ({missed:.0%} missed)" if missed else "")


if __name__ == "__main__":
    main()
