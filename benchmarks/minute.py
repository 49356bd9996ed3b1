"""Where a user's minute goes: each phase of `vae-keras train` and of `vae-export`, in seconds.

    python benchmarks/minute.py [--against DIR] [--folds 5] [--rows 5000] [--repeat 1]

Trains on a table of correlated sensors with times, from the start of the process to the run
directory, and exports the run in all precisions. With --against, the checkout in DIR does the same
in turn, with the same Python and libraries, and the table has a column for each.

A phase is what its functions take without those of another phase that they call: a library that
k-means imports counts as an import. Seconds are of CPU, of all threads and of processes that were
started: other work on the machine changes them little. The last line is the time on the clock.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
CLOCK = "seconds on the clock"

Seconds = dict[str, float]


def main() -> None:
    """Prints a table for training and one for exporting."""
    args = parse()
    checkouts = {"here": HERE.parent, **({"against": args.against} if args.against else {})}
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "sensors.csv"
        write_table(table, args.rows)
        train = ["train", "--data", table, "--label", "broken", "--folds", args.folds]
        for command in ("train", "export"):
            found: dict[str, list[Seconds]] = {name: [] for name in checkouts}
            for _ in range(args.repeat):
                for name, checkout in checkouts.items():
                    run, bundle = (Path(folder) / f"{name}.{what}" for what in ("run", "bundle"))
                    export = [run, "--out", bundle, "--precision", "all"]
                    words = [*train, "--out", run] if command == "train" else export
                    found[name].append(time_phases(checkout, command, list(map(str, words))))
            show(command, {name: medians(each) for name, each in found.items()})


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--against", type=Path, help="another checkout of this repository")
    parser.add_argument("--folds", type=int, default=1)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--repeat", type=int, default=1, help="times; medians are shown")
    return parser.parse_args()


def write_table(path: Path, rows: int, sensors: int = 20) -> None:
    """Writes a CSV file of times, correlated sensors and a label; 3 % of the rows are broken."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 4)) @ rng.normal(size=(4, sensors))
    x = 20 + 5 * (x + 0.2 * rng.normal(size=x.shape))
    broken = rng.permutation(rows) < 0.03 * rows
    x[broken] += 15 * rng.normal(size=(broken.sum(), sensors))
    times = np.datetime64("2026-03-01T00:00:00") + np.arange(rows) * np.timedelta64(1, "m")
    with path.open("w") as file:
        print("time", *(f"s{i:02}" for i in range(sensors)), "broken", sep=",", file=file)
        for time, row, label in zip(times, x, broken, strict=True):
            print(time, *(f"{value:.3f}" for value in row), int(label), sep=",", file=file)


def time_phases(checkout: Path, command: str, words: list[str]) -> Seconds:
    """Seconds of each phase of a command, run in a process of its own from a checkout."""
    folders = [checkout, checkout / "export", checkout / "runtime"]
    done = subprocess.run(
        [sys.executable, HERE / "minute_phases.py", command, *words],
        env={"PYTHONPATH": ":".join(map(str, folders)), "PATH": "/usr/bin:/bin"},
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return dict(json.loads(done.stdout.splitlines()[-1]))
    except (IndexError, ValueError) as error:
        raise SystemExit(f"{checkout}: {command} failed: {done.stderr[-2000:]}") from error


def medians(each: list[Seconds]) -> Seconds:
    """Median of each phase over several runs."""
    return {phase: float(np.median([seconds[phase] for seconds in each])) for phase in each[0]}


def show(command: str, found: dict[str, Seconds]) -> None:
    """Prints a table with a row for each phase."""
    names, first = list(found), next(iter(found.values()))
    print(f"\n| {command} | {' | '.join(names)} |\n|---|{'---:|' * len(names)}")
    write: Callable[[float], str] = "{:.2f}".format
    phases = [phase for phase in first if phase != CLOCK]
    for phase in phases:
        print(f"| {phase} | {' | '.join(write(each[phase]) for each in found.values())} |")
    sums = (sum(each[phase] for phase in phases) for each in found.values())
    print(f"| CPU seconds | {' | '.join(map(write, sums))} |")
    print(f"| {CLOCK} | {' | '.join(write(each[CLOCK]) for each in found.values())} |", flush=True)


if __name__ == "__main__":
    main()
