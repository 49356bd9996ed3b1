"""Scoring on Spark or Ray: turns what was typed into a job there, and reports its outcome."""

import argparse
import json
import os
import time

from vae_runtime._base.paths import path_of
from vae_runtime.batch.computations import Computation
from vae_runtime.batch.job import Target
from vae_runtime.batch.locks import locked
from vae_runtime.batch.progress import Counts
from vae_runtime.batch.writing import WRITERS
from vae_runtime.engines.options import RowOptions, RunnerOptions
from vae_runtime.engines.record_batches import BatchScorer
from vae_runtime.engines.shards import count
from vae_runtime.rows.input_files import Inputs, check_apart

from .batches import summary_of
from .files import STANDARD

ENGINES = ("spark", "ray")
PARQUET = ".parquet"
CUT = "windows"  # the format of shards that are cut from tables

# What a single machine alone does, and why or what to do instead.
NOT_ON_ENGINES = {
    "to": "it writes a folder of Parquet files",
    "resume": "a job starts anew, and a task that fails is done again by the engine",
    "fdr": "it judges all rows together; have p-values written, and judge these",
    "rejects": "rejected rows keep their place in the output; the column 'rejected' says why",
    "metrics": "the engine has metrics of its own",
    "threads": "each worker has one; the engine says how many there are",
    "profile": "each worker has one thread",
    "provider": "workers run on CPUs",
    "stride": "windows are cut on a single machine",
    "recording": "windows are cut on a single machine",
    "time": "windows are cut on a single machine",
}


def check_engine(args: argparse.Namespace) -> None:
    """Refuses options that an engine does not have, before any work is done."""
    for name, why in NOT_ON_ENGINES.items():
        given = getattr(args, name)
        if given is not None and given is not False:  # 0 threads are some
            args.error(f"expected no --{name} with --engine {args.engine}: {why}.")
    if STANDARD in args.inputs:
        args.error(f"expected files that all workers see with --engine {args.engine}. Received: -.")
    if args.output is None:
        args.error(f"expected -o FOLDER with --engine {args.engine}. Received: no output.")
    if args.output.suffix in WRITERS and args.output.suffix != PARQUET:
        raise ValueError(
            f"{args.output}: expected a folder, for files of Parquet, as --engine {args.engine} "
            f"writes. Received: a name of {args.output.suffix}."
        )
    # as all workers see them
    args.inputs = [str(path_of(each, "an input").absolute()) for each in args.inputs]
    check_apart(args.inputs, [args.output / f"rows{PARQUET}"])
    if os.path.lexists(args.output):
        raise ValueError(
            f"{args.output}: expected a new folder. Received: one that is there already. Name "
            "another, or remove it if it is left from a job that failed."
        )


def run_on_engine(args: argparse.Namespace, computation: Computation, plan: Inputs) -> Counts:
    """Runs what was typed; its output is there when this returns, and all its rows are counted."""
    _check_no_cutting(plan)
    _check_installed(args.engine)
    key = None if args.verify is None else str(args.verify)
    runner_options = RunnerOptions(
        args.precision,
        args.backend,
        args.by,
        args.machine,
        key,
        args.ship,
        args.missing_values or "refuse",
    )
    begun = time.monotonic()
    scorer = BatchScorer.of(
        args.bundle, runner_options, RowOptions(computation, on_bad_row=args.on_bad_row or "fail")
    )
    with locked([args.output]):
        _score(args, scorer, plan)
    counts = count(args.output, plan.rows)
    if args.json:
        target = Target(args.output, PARQUET)
        print(json.dumps(summary_of(counts, time.monotonic() - begun, target)))
    return counts


def _score(args: argparse.Namespace, scorer: BatchScorer, plan: Inputs) -> None:
    output = args.output.absolute()
    if args.engine == "spark":
        from vae_runtime.engines import spark

        with spark.connected(args.address) as session:
            spark.score_files(session, scorer, plan, output.as_uri())
    else:
        from vae_runtime.engines import ray

        with ray.connected(args.address):
            ray.score_files(scorer, plan, output)


def _check_installed(engine: str) -> None:
    from vae_runtime.engines import ray, spark

    (spark if engine == "spark" else ray).check_installed()


def _check_no_cutting(plan: Inputs) -> None:
    cut = [shard.file for shard in plan.shards if shard.format == CUT]
    if cut:
        raise ValueError(
            f"{cut[0]}: expected rows that are whole windows already, in arrays or lists, as "
            "engines take them. Received: a table to cut windows from. Score it without --engine."
        )
