"""Verdicts on the rows of a file: scores, shares of features, classes."""

import argparse
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime.bundle.manifest import Calibration
from vae_runtime.calibration import fewest_discoveries
from vae_runtime.features import TopFeatures

from .following import follow
from .opening import open_runner, read, read_units, unit_column
from .writing import check_output, counted, write_rows, write_table


def score(args: argparse.Namespace) -> int:
    """Writes score, p-value and verdict of each row, and what says most about it where asked."""
    if args.top is not None and args.top < 1:
        args.error(f"expected --top from 1. Received: {args.top}.")
    if args.follow:
        return follow(args)
    _check_whole(args)
    check_output(args, ".csv", ".npz")
    runner = open_runner(args)
    model, calibration = runner.manifest.model, runner.calibration
    given = read_units(args, model, unit_column(args, model, calibration))
    scores = runner.score(
        given.x,
        alpha=args.alpha,
        threshold=args.threshold,
        fdr=args.fdr,
        samples=args.samples,
        seed=args.seed,
        units=given.units,
    )
    whose = {} if given.units is None else {"unit": given.units}
    columns = {**given.where, **whose, **scores._asdict()}
    if args.top is not None:
        columns |= _top_columns(runner.top_features(given.x, args.top))
    write_table(columns, args.output)
    alarms = int(scores.is_anomaly.sum())
    print(f"{counted(alarms, 'anomaly', 'anomalies')} in {given.summary}", file=sys.stderr)
    if args.fdr is not None and not alarms:
        _say_what_is_needed(args.fdr, len(given.x), _calibration_rows(calibration, given.units))
    return 0


def explain(args: argparse.Namespace) -> int:
    """Writes each feature's nats of each row's score: columns, or one array `nats` in an .npz."""
    check_output(args, ".csv", ".npy", ".npz")
    runner = open_runner(args)
    given = read(args, runner.manifest.model)
    shares, names = runner.explain(given.x), runner.manifest.model.feature_names
    if args.output is not None and args.output.suffix == ".npy":
        return write_rows(shares, args.output, runner.manifest.model)
    columns: dict[str, Any] = {"nats": shares}
    if args.output is None or args.output.suffix == ".csv":
        if names is None or shares.ndim != 2:
            raise ValueError(
                "expected a .npy or .npz output for rows that are no table. Received: "
                f"rows of shape {shares.shape[1:]}."
            )
        columns = dict(zip(names, shares.T, strict=True))
    write_table({**given.where, **columns}, args.output)
    if args.output is not None:
        print(f"wrote {counted(len(shares), 'row')} to {args.output}", file=sys.stderr)
    return 0


def classify(args: argparse.Namespace) -> int:
    """Writes the likeliest class of each row, and the probability of each."""
    check_output(args, ".csv", ".npz")
    runner = open_runner(args)
    given = read(args, runner.manifest.model)
    probabilities = runner.classify(given.x)
    names = np.array(runner.manifest.model.classes)
    likeliest = probabilities.argmax(axis=1)
    columns = {"class": names[likeliest], "probability": probabilities.max(axis=1)}
    each = {f"p_{name}": column for name, column in zip(names, probabilities.T, strict=True)}
    write_table({**given.where, **columns, **each}, args.output)
    counts = np.bincount(likeliest, minlength=len(names))
    each_class = ", ".join(f"{name}: {n:,}" for name, n in zip(names, counts, strict=True))
    print(f"classes of {given.summary}: {each_class}", file=sys.stderr)
    return 0


def _check_whole(args: argparse.Namespace) -> None:
    """Refuses what belongs to a live source."""
    if args.input is None:
        args.error("expected an input to score, or --follow. Received: neither.")
    if str(args.input) == "-":
        args.error("expected --follow with -, which is standard input. Received: - alone.")
    for name in ("period", "state", "drift", "spacing"):
        if getattr(args, name) is not None:
            args.error(f"expected --{name} with --follow. Received: a file to score whole.")


def _say_what_is_needed(fdr: float, rows: int, n: int) -> None:
    """Why a false discovery rate has named no row."""
    print(
        f"none is named at a false discovery rate of {fdr:g} unless "
        f"{fewest_discoveries(rows, n, fdr):,} of {rows:,} rows score above nearly all of "
        f"the {n:,} calibration rows; --alpha judges each row by itself",
        file=sys.stderr,
    )


def _calibration_rows(calibration: Calibration, units: NDArray[np.str_] | None) -> int:
    """How many the rows are judged by; the most that one of several units has."""
    if units is None or calibration.units is None:
        return len(calibration.scores)
    return max(len(calibration.units[unit]) for unit in np.unique(units).tolist())


def _top_columns(top: TopFeatures) -> dict[str, Any]:
    """`top_1`, `nats_1`, `top_2`, ...: names and nats, largest first."""
    columns: dict[str, Any] = {}
    for i, (names, nats) in enumerate(zip(top.names.T, top.nats.T, strict=True), 1):
        columns |= {f"top_{i}": names, f"nats_{i}": nats}
    return columns
