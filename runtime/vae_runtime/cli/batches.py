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
from vae_runtime.batch.computations import Computation, OfRows
from vae_runtime.batch.job import Job, Settle, Source, Target, job_of
from vae_runtime.batch.journal import JournalRefused
from vae_runtime.batch.locks import locked
from vae_runtime.batch.progress import Counts, Progress
from vae_runtime.batch.results import MACHINE
from vae_runtime.batch.run import NothingDone, run
from vae_runtime.bundle.manifest import Model
from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.input_files import Inputs, plan, spool
from vae_runtime.rows.text.tables import ColumnError
from vae_runtime.rows.windows.windowing import Windowing
from vae_runtime.runner import Runner
from vae_runtime.verdicts.row_machines import MACHINE_ADVICE

from .dialects import reading_of
from .files import ONE_ARRAY, STANDARD, ending_of, rejects_of
from .writing import counted

# Options that results depend on.
CUT = ("keep", "column", "stride", "recording", "machine_column", "by")
OF_TIME = ("time", "time_format", "gap")
TEXT = ("sep", "decimal", "thousands", "encoding", "comment", "header", "skiprows", "missing")


def windowing_of(args: argparse.Namespace) -> Windowing:
    """Windowing that the options ask for."""
    return Windowing(args.stride, args.recording, args.time, args.time_format, args.gap)


def wanted_of(args: argparse.Namespace, model: Model, machine_column: str | None = None) -> Wanted:
    """Selects what to read of the inputs; `machine_column` is the column that names machines."""
    windowing = windowing_of(args)
    kept = args.keep or ()
    if machine_column == MACHINE and args.machine is None:  # results have this column in any case
        kept = tuple(name for name in kept if name != MACHINE)
    return Wanted.of(
        model,
        keep=kept,
        machine_column=machine_column,
        column=args.column or args.rows_in,
        windowing=windowing,
        reading=reading_of(args, model.dialect),
    )._replace(allow_missing=expects_missing(args))


def expects_missing(args: argparse.Namespace) -> bool:
    """True where rows may lack values, which are then expected."""
    return getattr(args, "missing_values", None) == "expect"


def cut_by(args: argparse.Namespace) -> dict[str, Any]:
    """Options that results depend on, by names for people."""
    options = (*CUT, *OF_TIME, "missing_values", *TEXT)
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


def run_files(
    args: argparse.Namespace, runner: Runner, computation: OfRows, *, values: int = 0
) -> Counts:
    """Runs a computation on rows of files; see `run_batch`, and `Wanted` of values."""
    computation.check_options(runner)
    with inputs_of(args) as inputs:
        given = plan(inputs, wanted_of(args, runner.manifest.model)._replace(values=values))
        return run_batch(args, runner, computation, given, more=cut_by(args))


def run_batch(
    args: argparse.Namespace,
    runner: Runner,
    computation: Computation,
    given: Source,
    *,
    more: dict[str, Any],
    settle: Settle | None = None,
) -> Counts:
    """Runs what was typed; its output is there when this returns, and its counts are told.

    Args:
        args: of the command line.
        runner: of the bundle.
        computation: what to compute.
        given: what to read.
        more: that results depend on, by names for people.
        settle: see `batch.job.Job`.
    """
    if isinstance(given, Inputs) and STANDARD in args.inputs:
        given = given._replace(name="stdin")
    metrics = [] if args.metrics is None else [args.metrics]
    with _target(args, several=len(given.files) > 1) as target, locked(metrics):
        job = job_of(runner, computation, given, target, more=more, settle=settle)
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


def counted_rows(counts: Counts, args: argparse.Namespace, row: str, where: str = "") -> str:
    """Counts of rows, for people.

    Args:
        counts: of the run.
        args: of the command line.
        row: what one is called; see `RowSpec.noun`.
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


def say_written(args: argparse.Namespace, counts: Counts, row: str) -> int:
    """Tells what was written, and where, see `counted_rows`; 0, for done."""
    where = "" if args.output is None else f" to {args.output}"
    print(printable(f"wrote {counted_rows(counts, args, row, where)}"), file=sys.stderr)
    return 0


def plan_machines(
    args: argparse.Namespace, runner: Runner, inputs: list[str], column: str | None
) -> Inputs:
    """Plans the reading of the inputs, with the machines that `column` names.

    See `machine_column`. With `--machine`, inputs without that column are read without it.

    Raises:
        ValueError: there is no such column.
    """
    model = runner.manifest.model
    wanted = wanted_of(args, model, column)
    try:
        return plan(inputs, wanted)
    except ColumnError as error:
        if wanted.machine_column is None or args.machine_column is not None:
            raise
        try:
            given = plan(inputs, wanted._replace(machine_column=None))
        except ColumnError:
            raise error from None  # which is not about machines
        if args.machine is not None:
            return given  # rows of one machine need not say so
        raise ValueError(
            f"{error} The bundle's machines are named in {column!r}: {MACHINE_ADVICE}."
        ) from error


@contextmanager
def _target(args: argparse.Namespace, *, several: bool) -> Iterator[Target]:
    """Context with the file for results: a temporary one where they are for standard output."""
    ending = ending_of(args)
    bare = ending == ONE_ARRAY
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
