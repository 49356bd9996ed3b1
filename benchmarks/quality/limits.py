"""Where scores fail: digits left out, few rows to train on, a world that shifts.

    python benchmarks/quality/limits.py digits|rows|shift --adbench DIR

Prints the tables of docs/limits.md.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import ours
import sets
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from vae_keras import DataConfig, ModelConfig, TrainConfig, train
from vae_runtime import Runner

FEW = (30, 100, 300, 1000, 3000)
OF_ROWS = ("mammography", "pendigits", "satellite", "shuttle", "annthyroid")
SHIFTS = (0.0, 0.25, 0.5, 1.0, 2.0)


def main() -> None:
    """Prints the table that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--adbench", type=Path, required=True, help="folder of its .npz files")
    args = parser.parse_args()
    for line in TABLES[args.table](args.adbench):
        print(line, flush=True)


def digits(_: Path) -> Iterator[str]:
    """Each digit is left out of training in turn, and is then to be told from the others."""
    x, labels = load_digits(return_X_y=True)
    yield "| left out | AUROC | found at 5 % |\n|---|---:|---:|"
    for digit in range(10):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "digits.npz"
            images = x.reshape(-1, 8, 8, 1).astype(np.float32)
            np.savez(path, x=images, y=(labels == digit).astype(int))
            data = DataConfig(str(path), value_range=(0.0, 16.0))
            config = TrainConfig(alpha=0.05)
            _, metrics = train(data, ModelConfig(), config, out=Path(folder) / "run", log=str)
        yield f"| {digit} | {metrics.auroc:.3f} | {metrics.detection_rate:.1%} |"


def rows(adbench: Path) -> Iterator[str]:
    """So many rows to train and calibrate on; judged on the same rows each time."""
    yield "| rows | mean AUROC | false alarms at 5 % |\n|---:|---:|---:|"
    for n in FEW:
        figures = []
        for name in OF_ROWS:
            split = sets.split(adbench, name, "normals_only", 0)
            with ours.trained(split.train[:n], 0) as bundle:
                scores = Runner.load(bundle).score(split.test.astype(np.float32))
            alarms = (scores.p_value[~split.y] <= 0.05).mean()
            figures.append((roc_auc_score(split.y, scores.score), alarms))
        auroc, alarms = np.mean(figures, axis=0)
        yield f"| {n:,} | {auroc:.3f} | {alarms:.1%} |"


def shift(adbench: Path) -> Iterator[str]:
    """Normal rows whose features have all moved by a share of their deviation."""
    yield "| shift, deviations | false alarms at 1 % | at 5 % |\n|---:|---:|---:|"
    found: dict[float, list[tuple[float, ...]]] = {size: [] for size in SHIFTS}
    for name in OF_ROWS:
        split = sets.split(adbench, name, "normals_only", 0)
        normal, deviation = split.test[~split.y], split.train.std(0)
        with ours.trained(split.train, 0) as bundle:
            runner = Runner.load(bundle)
            for size in SHIFTS:
                p = runner.score((normal + size * deviation).astype(np.float32)).p_value
                found[size].append(tuple((p <= level).mean() for level in (0.01, 0.05)))
    for size, figures in found.items():
        at_1, at_5 = np.mean(figures, axis=0)
        yield f"| {size:g} | {at_1:.1%} | {at_5:.1%} |"


TABLES = {"digits": digits, "rows": rows, "shift": shift}

if __name__ == "__main__":
    sys.exit(main())
