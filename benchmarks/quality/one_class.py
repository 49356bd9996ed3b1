"""One class is normal, all others are anomalies: images of Fashion-MNIST and digits, heartbeats.

    python benchmarks/quality/one_class.py digits --out FILE
    python benchmarks/quality/one_class.py fashion --data-dir DIR --out FILE   four idx files
    python benchmarks/quality/one_class.py ecg5000 --data-dir DIR --out FILE   UCR's two .tsv

Models are the default for what they are given, through train, export and the device's runner.
Fashion-MNIST: 2,000 images of a class train for 40 epochs at most (what a laptop does in minutes),
the 10,000 test images are told apart. Digits and heartbeats: half of the normal rows train, the
others and all anomalies are told apart.
"""

import argparse
import functools
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sets import Split
from spreading import Row, spread

TRAINING = 2_000  # images of a class of Fashion-MNIST
CLASSES = {"digits": range(10), "fashion": range(10), "ecg5000": [1]}
OPTIONS: dict[str, dict[str, Any]] = {
    "digits": {"value_range": (0.0, 16.0)},
    "fashion": {"epochs": 40},
    "ecg5000": {},
}


def main() -> None:
    """Judges each class of a source, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", choices=CLASSES)
    parser.add_argument("--data-dir", type=Path, help="folder of the files")
    parser.add_argument("--out", type=Path, required=True, help="JSON lines to add figures to")
    args = parser.parse_args()
    judge = functools.partial(_judge, args.data_dir)
    jobs = [(args.source, normal) for normal in CLASSES[args.source]]
    rows = spread(judge, jobs, args.out, keys=("source", "normal"))
    print(table([row for row in rows if row["source"] == args.source]))


def table(rows: list[Row]) -> str:
    """AUROC of each method, a line for each class, and their mean."""
    methods = list(dict.fromkeys(row["method"] for row in rows))
    by_class = {row["normal"]: {} for row in sorted(rows, key=lambda row: int(row["normal"]))}
    for row in rows:
        by_class[row["normal"]][row["method"]] = row["auroc"]
    lines = [f"| normal | {' | '.join(methods)} |", f"|---|{'---:|' * len(methods)}"]
    by_class["**mean**"] = {m: np.mean([v[m] for v in by_class.values()]) for m in methods}
    for normal, found in by_class.items():
        lines.append(f"| {normal} | {' | '.join(f'{found[m]:.3f}' for m in methods)} |")
    return "\n".join(lines)


def load(source: str, folder: Path | None, normal: int) -> Split:
    """Rows of the normal class to train on, and rows to tell apart."""
    return {"digits": _digits, "fashion": _fashion, "ecg5000": _ecg5000}[source](folder, normal)


def _digits(_: Path | None, normal: int) -> Split:
    from sklearn.datasets import load_digits

    x, labels = load_digits(return_X_y=True)
    return _halves(x.reshape(-1, 8, 8, 1), labels != normal)


def _fashion(folder: Path | None, normal: int) -> Split:
    from vae_keras.data.idx import read_idx

    parts = ("train-images", "train-labels", "t10k-images", "t10k-labels")
    files = [next(iter(sorted(Path(folder or ".").glob(f"{part}*"))), None) for part in parts]
    if None in files:
        raise ValueError(f"{folder}: expected Fashion-MNIST's four idx files. Received: {files}.")
    x, labels, test, test_labels = (read_idx(file) for file in files if file)
    return Split(x[labels == normal][:TRAINING, ..., None], test[..., None], test_labels != normal)


def _ecg5000(folder: Path | None, normal: int) -> Split:
    files = [Path(folder or ".") / f"ECG5000_{part}.tsv" for part in ("TRAIN", "TEST")]
    rows = np.concatenate([np.loadtxt(file) for file in files])
    return _halves(rows[:, 1:, None], rows[:, 0] != normal)


def _halves(x: NDArray[Any], y: NDArray[np.bool_]) -> Split:
    normal = np.random.default_rng(0).permutation(np.flatnonzero(~y))
    half = len(normal) // 2
    rest = np.concatenate([normal[half:], np.flatnonzero(y)])
    return Split(x[normal[:half]], x[rest], y[rest])


def _judge(folder: Path | None, source: str, normal: int) -> list[Row]:
    import baselines
    import ours
    from figures import alarms, ranking

    from vae_runtime import Runner

    split = load(source, folder, normal)
    with ours.trained(split.train, 0, OPTIONS[source]) as bundle:
        runner = Runner.load(bundle)
        given, known = runner.score(ours.as_given(split.test)), len(runner.calibration.scores)
    ranked, alarmed = ranking(split.y, given.score), alarms(split.y, given.p_value, known)
    rows = [{"method": "ours", **ranked, **alarmed}]
    train, test = (part.reshape(len(part), -1).astype(float) for part in (split.train, split.test))
    varies = train.std(0) > 0
    train, test = train[:, varies], test[:, varies]
    mean, std = train.mean(0), train.std(0)
    for method, detect in baselines.CLASSICAL.items():
        score = detect((train - mean) / std, (test - mean) / std)
        rows.append({"method": method, **ranking(split.y, score)})
    return rows


if __name__ == "__main__":
    sys.exit(main())
