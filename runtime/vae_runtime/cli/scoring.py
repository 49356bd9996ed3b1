"""Commands that judge the rows of a file: scores, shares of features, classes."""

import argparse
import sys

from vae_runtime._base.printable import printable
from vae_runtime.batch.computations import Classifying, Explaining, Scoring
from vae_runtime.batch.results import Discoveries
from vae_runtime.batch.writing import WRITERS
from vae_runtime.bundle.manifest import Calibration
from vae_runtime.runner import Runner
from vae_runtime.verdicts.calibration import check_alpha, fewest_discoveries

from .batches import (
    counted_rows,
    cut_by,
    inputs_of,
    plan_machines,
    run_batch,
    run_files,
    say_written,
)
from .clusters import check_engine, run_on_engine
from .files import ARRAYS, TABLES, check, ending_of, is_folder
from .following import follow
from .heat_maps import draw_heat_maps
from .opening import machine_column, open_batch_runner
from .writing import counted

PICTURES = (".png", ".jpg", ".jpeg")  # endings of what is drawn, or expected to be


def score(args: argparse.Namespace) -> int:
    """Writes score, p-value and verdict of each row, and its top features where asked."""
    if args.top is not None and args.top < 1:
        args.error(f"expected --top from 1. Received: {args.top}.")
    if args.follow:
        return follow(args)
    _check_whole(args)
    if args.engine is None:
        check(args, *TABLES)
    else:
        check_engine(args)
    runner = open_batch_runner(args)
    column = machine_column(args, runner.manifest.model, runner.calibration)
    computation = _computation(args)
    computation.check_options(runner)
    discoveries = _discoveries(args, runner)
    with inputs_of(args) as inputs:
        given = plan_machines(args, runner, inputs, column)
        if args.engine is None:
            more = {**cut_by(args), "--fdr": args.fdr}
            counts = run_batch(args, runner, computation, given, more=more, settle=discoveries)
        else:
            counts = run_on_engine(args, computation, given)
            _check_some(counts.done, counts.rejected)
    alarms = counted(counts.anomalies, "anomaly", "anomalies")
    rows = counted_rows(counts, args, runner.manifest.model.noun)
    print(printable(f"{alarms} in {rows}"), file=sys.stderr)
    if discoveries is not None and not counts.anomalies:
        n = _calibration_rows(runner.calibration, discoveries.machines)
        _say_what_is_needed(discoveries.fdr, counts.done, n)
    return 0


def explain(args: argparse.Namespace) -> int:
    """Writes what each feature adds to each row's score, in nats; into a folder, as pictures."""
    if is_folder(args):
        return draw_heat_maps(args)
    if ending_of(args) in PICTURES:
        raise ValueError(
            f"{args.output}: expected a folder for heat maps, such as -o maps, with a picture of "
            "each image in it. Received: the name of one picture."
        )
    check(args, *WRITERS)
    runner, ending = open_batch_runner(args), ending_of(args)
    model = runner.manifest.model
    if ending == ".csv" and (model.feature_names is None or len(model.input_shape) != 1):
        raise ValueError(
            "expected another output than .csv, such as .npz, for rows that are not a table; for "
            f"heat maps of images, a folder: -o maps. Received: rows of shape {model.input_shape}."
        )
    counts = run_files(args, runner, Explaining(by_name=ending not in ARRAYS))
    return say_written(args, counts, runner.manifest.model.noun)


def classify(args: argparse.Namespace) -> int:
    """Writes the likeliest class of each row, and the probability of each."""
    check(args, *TABLES)
    runner = open_batch_runner(args)
    counts = run_files(args, runner, Classifying())
    found = {name: counts.classes.get(name, 0) for name in runner.manifest.model.classes or ()}
    each_class = ", ".join(f"{name}: {n:,}" for name, n in found.items())
    done = f"classes of {counted_rows(counts, args, runner.manifest.model.noun)}: {each_class}"
    print(printable(done), file=sys.stderr)
    return 0


def _check_some(done: int, rejected: int) -> None:
    if rejected and not done:
        raise ValueError(
            f"expected a row that can be judged. Received: {rejected:,}, all of them rejected; the "
            "column 'rejected' of the output says why."
        )


def _computation(args: argparse.Namespace) -> Scoring:
    return Scoring(
        args.alpha,
        args.threshold,
        args.samples,
        args.seed,
        args.top,
        args.latents,
        args.reconstruction,
    )


def _check_whole(args: argparse.Namespace) -> None:
    """Refuses options of a live source."""
    if not args.inputs:
        args.error("expected an input to score, or --follow. Received: neither.")
    for name in ("period", "state", "drift", "spacing"):
        if getattr(args, name) is not None:
            args.error(f"expected --{name} with --follow. Received: a file to score whole.")
    for name in ("address", "ship"):
        if getattr(args, name) and args.engine is None:
            args.error(f"expected --{name} with --engine. Received: --{name} alone.")


def _discoveries(args: argparse.Namespace, runner: Runner) -> Discoveries | None:
    if args.fdr is None:
        return None
    check_alpha(args.fdr, len(runner.calibration.scores), name="fdr")
    return Discoveries(args.fdr)


def _say_what_is_needed(fdr: float, rows: int, n: int) -> None:
    """Prints why a false discovery rate has named no row."""
    print(
        f"none is named at a false discovery rate of {fdr:g} unless "
        f"{fewest_discoveries(rows, n, fdr):,} of {rows:,} rows score above nearly all of "
        f"the {n:,} calibration rows; --alpha judges each row by itself",
        file=sys.stderr,
    )


def _calibration_rows(calibration: Calibration, machines: set[str]) -> int:
    """Number of calibration rows that rows are judged by; of several machines, the largest."""
    if not machines or calibration.by_machine is None:
        return len(calibration.scores)
    return max(len(calibration.by_machine[machine]) for machine in machines)
