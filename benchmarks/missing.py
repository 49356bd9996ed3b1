"""What scores are worth of rows with missing values: AUROC and false alarms.

    python benchmarks/missing.py --adbench DIR [--shares 0.05,0.1,0.2] [--rounds 3] [--seeds 0]

A model is trained on whole normal rows of each table of ADBench. Of other rows a share of the cells
is then taken away at random, or a column in all rows, and filled in as `vae-runtime score
--missing-values expect` does.
"calibrated so" are the false alarms where calibration rows lack as many values as those that are
judged.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vae_keras._base.tf_log_filter import filter_tf_log

with filter_tf_log():
    from vae_keras import DataConfig, ModelConfig, TrainConfig, train
    from vae_keras.evaluate import evaluate, score_rows
    from vae_runtime.bundle.manifest import Model, Preprocessing
    from vae_runtime.explain.missing_values import ROUNDS, Expected, fill

TABLES = ("6_cardio", "26_optdigits", "30_satellite", "38_thyroid", "40_vowels", "41_Waveform")
ROWS = 3000  # to train on, and of a kind to judge
ALPHA = 0.05
LOST = -1.0  # in place of a share: one column is missing in all rows
COLUMNS = 5  # that are lost, one after the other


class Trained(NamedTuple):
    """A model, its calibration rows, what a device knows of it; rows to judge, their labels."""

    vae: Any
    known: Any
    model: Model
    x: np.ndarray
    y: np.ndarray


def main() -> None:
    """Prints a row for each table and share, then their means."""
    args = parse()
    heads = ["table", "cells missing", "AUROC", "false alarms", "found", "calibrated so"]
    print(f"| {' | '.join(heads)} |\n|---|---:|---:|---:|---:|---:|")
    found: dict[float, list[list[float]]] = {share: [] for share in (0.0, *args.shares, LOST)}
    for name in args.tables:
        trained = [fit(args.adbench / f"{name}.npz", seed) for seed in args.seeds]
        for share, figures in found.items():
            each = [
                judge(t, share, args.rounds, s) for s, t in zip(args.seeds, trained, strict=True)
            ]
            figures.append(np.mean(each, axis=0).tolist())
            show(name, share, figures[-1])
    for share, figures in found.items():
        show("mean", share, np.mean(figures, axis=0).tolist())


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--adbench", type=Path, required=True, help="directory of the .npz files")
    parser.add_argument("--tables", type=lambda text: text.split(","), default=TABLES)
    parser.add_argument("--shares", type=numbers, default=(0.05, 0.1, 0.2))
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="0: the middle of each column")
    parser.add_argument("--seeds", type=lambda text: [*map(int, text.split(","))], default=[0])
    return parser.parse_args()


def numbers(text: str) -> tuple[float, ...]:
    """Of an option."""
    return tuple(map(float, text.split(",")))


def fit(table: Path, seed: int) -> Trained:
    """Trains on a half of a table's normal rows; the others are there to judge."""
    with np.load(table) as file:
        x, y = file["X"].astype(np.float32), file["y"].astype(bool)
    rng = np.random.default_rng(seed)
    normal, broken = rng.permutation(np.flatnonzero(~y)), np.flatnonzero(y)
    half = min(len(normal) // 2, ROWS)
    known, judged = normal[:half], np.concatenate([normal[half : half + ROWS], broken])
    x = x[:, x[known].std(axis=0) > 0]
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "known.npy", x[known])
        run, _ = train(
            DataConfig(str(Path(folder) / "known.npy"), folds=1, seed=seed),
            ModelConfig(hidden=(64, 64)),
            TrainConfig(epochs=100, learning_rate=3e-3, batch_size=64, alpha=ALPHA, seed=seed),
            out=Path(folder) / "run",
            log=lambda line: None,
        )
        model = model_of(run.vae, x.shape[1:])
        return Trained(run.vae, run.calibration, model, x[judged], y[judged])


def model_of(vae: Any, shape: tuple[int, ...]) -> Model:
    """The description of rows that filling in needs."""
    offset = np.ravel(vae.preprocessing.inverse(np.zeros((1, *shape), np.float32)))
    scaling = Preprocessing(tuple(map(float, offset)), (1.0,), None, None)
    return Model(
        name="test",
        input_shape=shape,
        input_dtype="float32",
        value_range=None,
        feature_names=None,
        one_hot=(),
        latent_dim=1,
        likelihood="gaussian",
        beta=1.0,
        parameters=0,
        preprocessing=scaling,
    )


def judge(trained: Trained, share: float, rounds: int, seed: int) -> list[float]:
    """AUROC, false alarms and detections with this share of cells missing, or `LOST`."""
    if share != LOST:
        return judge_with(trained, share, rounds, seed, None)
    columns = np.random.default_rng(seed).permutation(trained.x.shape[1])[:COLUMNS]
    each = [judge_with(trained, share, rounds, seed, int(column)) for column in columns]
    return np.mean(each, axis=0).tolist()


def judge_with(
    trained: Trained, share: float, rounds: int, seed: int, column: int | None
) -> list[float]:
    """The same of one column that is lost."""
    vae, rng = trained.vae, np.random.default_rng((seed, 1))
    values = np.eye(trained.x.shape[1], dtype=np.float32)

    def expect(rows: np.ndarray) -> Expected:
        parts = [rows[start : start + 256] for start in range(0, len(rows), 256)]
        each = [vae.mixture.given_others(vae.preprocessing(part), values) for part in parts]
        return Expected(np.concatenate([vae.preprocessing.inverse(u) for u in each]))

    def score(x: np.ndarray) -> np.ndarray:
        lacking = rng.random(x.shape) < share
        if column is not None:
            lacking[:, column] = True
        lacking[lacking.all(axis=1), 0] = False
        x = np.where(lacking, np.nan, x)
        return score_rows(vae, fill(x, trained.model, expect, rounds=rounds) if share else x)[
            "score"
        ]

    known = trained.known
    scores = score(trained.x)
    plain = evaluate(scores, trained.y, calibration=known["score"], alpha=ALPHA)
    alike = evaluate(scores, trained.y, calibration=score(known["x"]), alpha=ALPHA)
    return [plain.auroc, plain.false_alarm_rate, plain.detection_rate, alike.false_alarm_rate]


def show(name: str, share: float, figures: list[float]) -> None:
    """A row of the table."""
    auroc, *rates = figures
    what = "a column" if share == LOST else f"{share:.0%}"
    cells = [name, what, f"{auroc:.4f}", *(f"{rate:.1%}" for rate in rates)]
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
