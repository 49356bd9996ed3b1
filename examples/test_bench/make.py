"""Writes recordings of a test bench: good pumps to `bench`, three new ones to `new`."""

import csv
from pathlib import Path

import numpy as np

NAMES = ["second", "pressure", "flow", "power", "noise"]
SECONDS, GOOD, NEW = 120, 24, 3


def recording(number, *, leaks=False):
    """Readings of a pump, which has offsets of its own: float64 (SECONDS, 4)."""
    rng = np.random.default_rng(number)
    speed = np.linspace(0.2, 1.0, SECONDS) + 0.03 * rng.normal(size=SECONDS)
    x = np.stack([4 * speed**2, 30 * speed, 200 * speed**3, 40 + 20 * speed], axis=1)
    x *= 1 + 0.01 * rng.normal(size=4)  # of this pump and its mounting
    x += rng.normal(size=x.shape) * [0.03, 0.3, 3.0, 0.5]
    if leaks:
        x[:, 1] -= 4.0
    return x


def write(path, x):
    """Writes a recording with semicolons and decimal commas, as the bench's program does."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(NAMES)
        for second, row in enumerate(x):
            writer.writerow([second, *(f"{value:.2f}".replace(".", ",") for value in row)])


def main():
    """Writes both folders; the last new pump leaks."""
    for folder, first, count in (("bench", 0, GOOD), ("new", GOOD, NEW)):
        Path(folder).mkdir(exist_ok=True)
        for number in range(first, first + count):
            leaks = number == GOOD + NEW - 1
            write(Path(folder, f"pump_{number}.csv"), recording(number, leaks=leaks))


if __name__ == "__main__":
    main()
