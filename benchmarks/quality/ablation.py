"""What each part of the default configuration is worth: one change at a time, on half of the sets.

    python benchmarks/quality/ablation.py --adbench DIR --out FILE [--half second] [NAME ...]

Models are judged as they are trained, with the usual rows held back to calibrate on, and are not
exported: that a bundle ranks as its model does is for the export's gates to say. The default's
terms are put together in other ways too, which costs no training.
"""

import argparse
import functools
import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import sets
from scipy.stats import wilcoxon
from spreading import Row, spread

DEFAULT = "default"
CHANGES: dict[str, dict[str, Any]] = {
    DEFAULT: {},
    "no corruption": {"corruption": 0.0},
    "corruption .1": {"corruption": 0.1},
    "corruption .4": {"corruption": 0.4},
    "scaled by median and middle half": {"scaling": "robust"},
    "scaled by ranks": {"scaling": "quantile"},
    "latent of 4": {"latent_dim": 4},
    "latent of 16": {"latent_dim": 16},
    "hidden 64, 64": {"hidden": (64, 64)},
    "hidden 128, 128": {"hidden": (128, 128)},
    "hidden 256, 128": {"hidden": (256, 128)},
    "one sigma for all features": {"sigma": "shared"},
    "beta .5": {"beta": 0.5},
    "beta warm-up": {"schedule": "warmup"},
    "cosine decay": {"decay": "cosine"},
    "batches of 128": {"batch_size": 128},
    "patience 10": {"patience": 10},
    "free bits .1": {"free_bits": 0.1},
    "mean of three models": {"members": 3},
    "trimmed training": {"contamination_robust": True},
}


def main() -> None:
    """Judges the changes that are named, all by default, and prints their table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="of changes; default: all")
    parser.add_argument("--adbench", type=Path, required=True, help="folder of its .npz files")
    parser.add_argument("--out", type=Path, required=True, help="JSON lines to add figures to")
    parser.add_argument("--half", default="first", choices=["first", "second", "both"])
    parser.add_argument("--protocol", default="normals_only", choices=sets.PROTOCOLS)
    parser.add_argument("--seeds", type=int, default=1, help="splits of each set")
    args = parser.parse_args()
    names = sets.names(args.adbench, args.half)
    changes = dict.fromkeys([DEFAULT, *(args.names or CHANGES)])
    jobs = itertools.product(names, [args.protocol], range(args.seeds), changes)
    judge = functools.partial(_judge, args.adbench)
    rows = spread(judge, jobs, args.out, keys=("set", "protocol", "seed", "change"))
    own = [r for r in rows if r["set"] in names and r["protocol"] == args.protocol]
    print(table([row for row in own if row["method"] == "score"], "change", DEFAULT))
    print(table([row for row in own if row["change"] == DEFAULT], "method", "score"))


def table(rows: list[Row], column: str, default: str) -> str:
    """A line for each value of a column: mean AUROC, and its differences from the default's."""
    auroc: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        by_set = auroc.setdefault(row[column], {})
        by_set.setdefault(row["set"], []).append(row["auroc"])
    means = {k: {s: float(np.mean(v)) for s, v in own.items()} for k, own in auroc.items()}
    lines = [
        f"| {column} | mean AUROC | difference | won | lost | p |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, by_set in sorted(means.items(), key=lambda each: each[0] != default):
        gains = np.array([by_set[each] - means[default][each] for each in by_set])
        p = wilcoxon(gains).pvalue if np.any(gains) else 1.0
        lines.append(
            f"| {name} | {np.mean(list(by_set.values())):.4f} | {gains.mean():+.4f} | "
            f"{np.sum(gains > 0)} | {np.sum(gains < 0)} | {p:.2f} |"
        )
    return "\n".join([*lines, ""])


def _judge(adbench: Path, name: str, protocol: str, seed: int, change: str) -> list[Row]:
    import judging

    return judging.ablate(adbench, name, protocol, seed, CHANGES[change])


if __name__ == "__main__":
    sys.exit(main())
