"""Writes what a logger would: `logger.csv` to train on, and `today.csv` to be scored."""

import csv
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

NAMES = ["time", "temperature", "current", "vibration", "flow", "fault"]
CLOGGED = 120  # seconds


def readings(seconds, seed):
    """Four sensors that follow one load: float64 (seconds, 4)."""
    rng = np.random.default_rng(seed)
    load = np.sin(np.arange(seconds) / 60) + 0.3 * rng.normal(size=seconds)
    return np.stack(
        [
            40 + 5 * load + rng.normal(size=seconds),
            12 + 3 * load + 0.2 * rng.normal(size=seconds),
            1.5 + 0.2 * np.abs(load) + 0.1 * rng.normal(size=seconds),
            100 + 20 * load + 2 * rng.normal(size=seconds),
        ],
        axis=1,
    )


def write(path, start, x, fault):
    """Writes rows with semicolons, a second apart."""
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(NAMES)
        for second, row in enumerate(x):
            time = start + timedelta(seconds=second)
            cells = [f"{value:.3f}" for value in row]
            writer.writerow([time.isoformat(sep=" "), *cells, int(fault[second])])


def main():
    """Writes both files; at the end of each a filter is clogged."""
    for path, day, seconds in (("logger.csv", 1, 3000), ("today.csv", 2, 1200)):
        x, fault = readings(seconds, seed=day), np.arange(seconds) >= seconds - CLOGGED
        x[fault, 3] -= 25
        write(path, datetime(2026, 3, day, 8), x, fault)


if __name__ == "__main__":
    main()
