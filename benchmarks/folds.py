"""What calibration by folds is worth where rows are few: false alarms, detections.

    python benchmarks/folds.py --adbench DIR [--rows N] [--folds 1,5,10] [--seeds S]

From each table of ADBench with normal rows enough, N are drawn to train and calibrate on; fresh
rows of the same table, thousands where it has them, tell how many false alarms a level gives.
1 fold is split-conformal calibration on a fifth of the N rows.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from vae_keras._base.tf_log_filter import filter_tf_log

with filter_tf_log():
    from vae_keras import DataConfig, ModelConfig, TrainConfig, train
    from vae_keras.data import Dataset
    from vae_keras.evaluate import calibration_scores, evaluate, score_rows

TABLES = (
    *("1_ALOI", "20_letter", "26_optdigits", "28_pendigits", "30_satellite", "38_thyroid"),
    *("40_vowels", "41_Waveform"),
)
LEVELS = (0.05, 0.1)
FRESH = 3000  # rows of a kind at most to judge on
RATES = ("false_alarm_rate", "detection_rate")
CONFIG = {"epochs": 100, "learning_rate": 3e-3, "batch_size": 32, "alpha": 0.05}


def main() -> None:
    """Prints a row for each table and number of folds, then their means."""
    args = parse()
    heads = ["table", "folds", "seconds", *(f"false alarms at {a:g}" for a in LEVELS)]
    heads += [*(f"found at {a:g}" for a in LEVELS), "AUROC"]
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    found: dict[int, list[list[float]]] = {folds: [] for folds in args.folds}
    for name in args.tables:
        for folds in args.folds:
            figures = [judge(args.adbench / f"{name}.npz", folds, args.rows, s) for s in args.seeds]
            found[folds].append(np.mean(figures, axis=0).tolist())
            show(name, folds, found[folds][-1])
    for folds, figures in found.items():
        show("mean", folds, np.mean(figures, axis=0).tolist())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--adbench", type=Path, required=True, help="directory of the .npz files")
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--folds", type=numbers, default=(1, 5), help="with commas between")
    parser.add_argument("--seeds", type=numbers, default=(0,), help="with commas between")
    parser.add_argument("--tables", type=lambda text: text.split(","), default=TABLES)
    return parser.parse_args()


def numbers(text: str) -> tuple[int, ...]:
    """Of an option."""
    return tuple(int(number) for number in text.split(","))


def judge(table: Path, folds: int, rows: int, seed: int) -> list[float]:
    """Trains on some of a table's normal rows, and judges the alarms on others."""
    few, fresh = draw(table, rows, seed)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "few.npy", few)
        run, _ = train(
            DataConfig(str(Path(folder) / "few.npy"), folds=folds, seed=seed),
            ModelConfig(hidden=(64, 64)),
            TrainConfig(**CONFIG, seed=seed),
            out=Path(folder) / "run",
            log=lambda line: None,
        )
        took = time.monotonic() - started
        score, calibration = (
            score_rows(run.vae, fresh.x)["score"],
            calibration_scores(run.calibration),
        )
    found = [evaluate(score, fresh.y, calibration=calibration, alpha=alpha) for alpha in LEVELS]
    false, detected = ([getattr(m, rate) for m in found] for rate in RATES)
    return [took, *false, *detected, found[0].auroc]


def draw(table: Path, rows: int, seed: int) -> tuple[np.ndarray, Dataset]:
    """Normal rows to train on, and fresh ones with anomalies, without constant columns."""
    with np.load(table) as file:
        x, y = file["X"].astype(np.float32), file["y"].astype(bool)
    rng = np.random.default_rng(seed)
    normal, broken = rng.permutation(np.flatnonzero(~y)), rng.permutation(np.flatnonzero(y))
    few, fresh = normal[:rows], normal[rows : rows + FRESH]
    judged = np.concatenate([fresh, broken[:FRESH]])
    x = x[:, x[few].std(axis=0) > 0]
    return x[few], Dataset(table.stem, x[judged], y[judged])


def show(name: str, folds: int, figures: list[float]) -> None:
    """A row of the table."""
    took, *rates = figures
    cells = [name, str(folds), f"{took:.0f}", *(f"{rate:.3f}" for rate in rates)]
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
