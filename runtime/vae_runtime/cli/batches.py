"""Commands on files of any length: turns what was typed into a job, and reports its outcome."""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vae_runtime._base.interrupts import stopped_by_signals
from vae_runtime._base.printable import printable
from vae_runtime.batch.counts import Counts
from vae_runtime.batch.inputs import Plan, plan, spool
from vae_runtime.batch.jobs import Given, Target, job_of
from vae_runtime.batch.journal import JournalRefused
from vae_runtime.batch.locks import locked
from vae_runtime.batch.parts import Wanted
from vae_runtime.batch.progress import Progress
from vae_runtime.batch.run import Job, NothingDone, Settle, run
from vae_runtime.batch.tasks import OfRows, Task
from vae_runtime.bundle.manifest import Model
from vae_runtime.rows.inputs import Windowing
from vae_runtime.rows.tables import ColumnError
from vae_runtime.runner import Runner

from .files import ALONE, STANDARD, ending_of, rejects_of
from .opening import UNIT_ADVICE
from .writing import counted


def wanted_of(args: argparse.Namespace, model: Model, unit: str | None = None) -> Wanted:
    """What to read of the inputs; `unit` is the column that names units."""
    windowing = Windowing(args.stride, args.group, args.time)
    return Wanted(model, args.keep or (), unit, args.column or args.rows_in, windowing)


def cut_by(args: argparse.Namespace) -> dict[str, Any]:
    """Options that results depend on, by names for people."""
    options = ("keep", "column", "stride", "group", "time", "unit_column", "by")
    cut = {f"--{name.replace('_', '-')}": getattr(args, name, None) for name in options}
    return {**cut, "--column": cut["--column"] or getattr(args, "rows_in", None)}


@contextmanager
def inputs_of(args: argparse.Namespace) -> Iterator[list[str]]:
    """Context with the inputs as files; standard input is one while it lasts."""
    if STANDARD not in args.inputs:
        yield args.inputs
        return
    with tempfile.TemporaryDirectory() as folder:
        yield [str(spool(sys.stdin.buffer, Path(folder)))]


def run_files(args: argparse.Namespace, runner: Runner, task: OfRows, *, values: int = 0) -> Counts:
    """Runs a task on rows of files; see `run_batch`, and `Wanted` of values."""
    task.check_options(runner)
    with inputs_of(args) as inputs:
        given = plan(inputs, wanted_of(args, runner.manifest.model)._replace(values=values))
        return run_batch(args, runner, task, given, more=cut_by(args))


def run_batch(
    args: argparse.Namespace,
    runner: Runner,
    task: Task,
    given: Given,
    *,
    more: dict[str, Any],
    settle: Settle | None = None,
) -> Counts:
    """Runs what was typed; its output is there when this returns, and its counts are told.

    Args:
        args: of the command line.
        runner: of the bundle.
        task: what to compute.
        given: what to read.
        more: that results depend on, by names for people.
        settle: see `batch.run.Job`.
    """
    if isinstance(given, Plan) and STANDARD in args.inputs:
        given = given._replace(name="stdin")
    metrics = [] if args.metrics is None else [args.metrics]
    with _target(args, several=len(given.files) > 1) as target, locked(metrics):
        job = job_of(runner, task, given, target, more=more, settle=settle)
        terminal = sys.stderr if sys.stderr.isatty() else None
        progress = Progress(given.rows, terminal, args.metrics)
        counts = _watched(args, job, progress)
        if args.output is None:
            sys.stdout.flush()
            with target.path.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
    if args.json:
        print(json.dumps(summary_of(counts, progress.seconds, target)))
    return counts


def _watched(args: argparse.Namespace, job: Job, progress: Progress) -> Counts:
    """Runs a job; says what became of its journal and of the metrics."""
    counts, begun = Counts(), job.journal.exists()
    try:
        with stopped_by_signals():
            threads = 0 if args.threads is None else args.threads
            counts = run(job, threads=threads, resume=args.resume, watch=progress)
    except JournalRefused:
        raise
    except NothingDone as error:
        listed = rejects_of(args)
        if listed is None:
            raise
        raise NothingDone(f"{error} All of them are listed in {listed}.") from error
    except BaseException as error:
        if args.output is not None and job.journal.exists():
            error.add_note(f"--resume goes on from {job.journal}")
        raise
    finally:
        progress.close(finished=counts.read > 0)
        if progress.refused is not None:
            why = progress.refused.strerror
            print(printable(f"{args.metrics}: left as it was: {why}"), file=sys.stderr)
    if begun and not args.resume:
        replaced = f"the journal of an earlier run was replaced: {job.journal}"
        print(printable(replaced), file=sys.stderr)
    return counts


def summary_of(counts: Counts, seconds: float, target: Target) -> dict[str, Any]:
    """Summary of a run, for `--json`."""
    return {
        "rows": counts.read,
        "scored": counts.done,
        "rejected": counts.rejected,
        "in_no_window": counts.left_out,
        "anomalies": counts.anomalies,
        "classes": counts.classes,
        "seconds": round(seconds, 3),
        "output": str(target.path),
        "rejects": None if target.rejects is None else str(target.rejects),
    }


def told(counts: Counts, args: argparse.Namespace, row: str, where: str = "") -> str:
    """Counts of rows, for people.

    Args:
        counts: of the run.
        args: of the command line.
        row: what one is called; see `row_of`.
        where: those done are now.
    """
    words = f"{counted(counts.done, row)}{where}"
    if counts.left_out:
        verb = "is" if counts.left_out == 1 else "are"
        words += f"; {counted(counts.left_out, 'row')} {verb} in no window"
    if args.on_bad_row == "reject":
        words += f"; {counts.rejected:,} of {counts.read:,} rejected"
        words += f", see {_where_rejects_are(args)}" if counts.rejected and args.output else ""
    return words


def row_of(runner: Runner) -> str:
    """Name of one row of a model, such as `window`."""
    return "row" if runner.manifest.model.stride is None else "window"


def say_written(args: argparse.Namespace, counts: Counts, row: str) -> int:
    """Tells what was written, and where, see `told`; 0, for done."""
    where = "" if args.output is None else f" to {args.output}"
    print(printable(f"wrote {told(counts, args, row, where)}"), file=sys.stderr)
    return 0


def plan_units(
    args: argparse.Namespace, runner: Runner, inputs: list[str], column: str | None
) -> Plan:
    """What to read of the inputs, of `--unit` or with the units that `column` names.

    Raises:
        ValueError: there is no such column.
    """
    model = runner.manifest.model
    wanted = wanted_of(args, model, column if args.unit is None else model.unit)
    try:
        return plan(inputs, wanted)
    except ColumnError as error:
        if wanted.unit is None or args.unit_column is not None:
            raise
        try:
            given = plan(inputs, wanted._replace(unit=None))
        except ColumnError:
            raise error from None  # which is not about units
        if args.unit is not None:
            return given  # rows of one unit need not say so
        raise ValueError(
            f"{error} The bundle's units are named in {column!r}: {UNIT_ADVICE}."
        ) from error


@contextmanager
def _target(args: argparse.Namespace, *, several: bool) -> Iterator[Target]:
    """Context with the file for results: a temporary one where they are for standard output."""
    ending = ending_of(args)
    bare = ending == ALONE
    if args.output is not None:
        yield Target(args.output, ending, rejects_of(args), bare, several and not bare)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"results{ending}"
        rejects = args.rejects
        if args.on_bad_row == "reject" and rejects is None:
            rejects = Path(folder) / "rejects.csv"
        yield Target(path, ending, rejects, bare, several and not bare)


def _where_rejects_are(args: argparse.Namespace) -> str:
    return (
        str(rejects_of(args)) if getattr(args, "engine", None) is None else "the column 'rejected'"
    )
