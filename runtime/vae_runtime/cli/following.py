"""Command that scores a live source: lines in as they come, results out."""

import argparse
import contextlib
import functools
import sys
from collections.abc import Iterator
from typing import IO

from vae_runtime._base.paths import path_of
from vae_runtime.live import DriftSettings, StreamScorer
from vae_runtime.live.follow import Followed, FollowSettings
from vae_runtime.live.follow import follow as follow_lines
from vae_runtime.rows.times.gaps import seconds
from vae_runtime.runner import Runner

from .dialects import reading_of
from .opening import machine_column, open_runner
from .writing import counted

OF_FILES = {
    "output": "-o",
    "to": "--to",
    "column": "--column",
    "on_bad_row": "--on-bad-row",
    "recording": "--recording",
    "engine": "--engine",
    "address": "--address",
    "ship": "--ship",
    "fdr": "--fdr",
    "samples": "--samples",
    "seed": "--seed",
    "keep": "--keep",
    "resume": "--resume",
    "rejects": "--rejects",
    "metrics": "--metrics",
    "json": "--json",
    "latents": "--latents",
    "reconstruction": "--reconstruction",
}  # options of what is scored whole
AS_THEY_COME = "which scores lines as they come"
INSTEAD = {
    "to": "which writes lines of JSON",
    "column": "whose lines are samples, by name or in the order of the features",
    "on_bad_row": "which tells of bad lines where they come, and goes on",
    "recording": "which follows one machine in one process",
    "engine": "which follows lines on this machine",
    "address": "which follows lines on this machine",
    "ship": "which follows lines on this machine",
}  # why not


def follow(args: argparse.Namespace) -> int:
    """Writes a line of JSON for each window, or row, that the lines of the input complete."""
    _check(args)
    runner = open_runner(args)
    _check_machine(args, runner)
    stream = StreamScorer(
        runner,
        stride=args.stride,
        period=args.period,
        longest_step=args.gap,
        alpha=args.alpha,
        threshold=args.threshold,
        drift=_drift(args),
    )
    time = args.time or (None if args.time == "" else runner.manifest.model.time)
    settings = FollowSettings(
        top=args.top or 0,
        time=time,
        time_format=args.time_format,
        state=args.state,
        reading=reading_of(args, runner.manifest.model.dialect),
    )
    with _lines(args) as lines:
        write = functools.partial(print, flush=True)
        done = follow_lines(runner, stream, lines, write, settings=settings)
    print(_summary(done, times=stream.time is not None), file=sys.stderr)
    if done.errors and not stream.pushed:
        raise ValueError(
            f"expected one valid line at least. Received: {counted(done.errors, 'invalid line')}. "
            "The errors above say why; docs/streams.md says what a sample looks like."
        )
    if done.mostly_gaps and not done.results:
        raise ValueError(
            f"expected steps in time of at most {seconds(stream.longest_step or 0.0)}. Received: "
            f"mostly gaps, {done.gaps:,}, and no result. Correct the period (--period SECONDS), or "
            "say which steps are no gap (--gap SECONDS)."
        )
    return 0


def _summary(done: Followed, *, times: bool) -> str:
    """Counts of what was followed, for people."""
    anomalies = counted(done.anomalies, "anomaly", "anomalies")
    words = f"{anomalies} in {counted(done.results, 'result')}"
    words += f"; {counted(done.errors, 'invalid line')}"
    if times:
        words += f"; {counted(done.gaps, 'gap')} in time"
    if done.set_back:
        words += f"; the clock was set back {counted(done.set_back, 'time')}"
    if done.repeated:
        words += f"; {counted(done.repeated, 'repeated time')}"
    if done.mostly_gaps:
        words += "; most steps are gaps: see --period and --gap"
    return words


def _check(args: argparse.Namespace) -> None:
    """Refuses options of files that are scored whole."""
    if len(args.inputs) > 1:
        args.error(f"expected one input with --follow. Received: {len(args.inputs)}.")
    for name, option in OF_FILES.items():
        given = getattr(args, name)
        if given is not None and given is not False:  # a seed may be 0
            if name == "recording" and not given:
                continue  # '' is none
            args.error(f"expected no {option} with --follow, {INSTEAD.get(name, AS_THEY_COME)}")
    if args.spacing is not None and args.drift is None:
        args.error("expected --drift ROWS with --spacing. Received: --spacing alone.")


def _check_machine(args: argparse.Namespace, runner: Runner) -> None:
    """Refuses a stream of several machines."""
    column = machine_column(args, runner.manifest.model, runner.calibration)
    if args.machine is None and column is not None:
        raise ValueError(
            f"expected --machine NAME with --follow, as the bundle is calibrated for each "
            f"{column}: follow one machine in one process. (--machine-column '' judges by all "
            "machines together.)"
        )


def _drift(args: argparse.Namespace) -> DriftSettings | None:
    if args.drift is None:
        return None
    return DriftSettings(rows_between_false_alarms=args.drift, spacing=args.spacing)


@contextlib.contextmanager
def _lines(args: argparse.Namespace) -> Iterator[IO[bytes]]:
    """Opens the input, or standard input."""
    if not args.inputs or args.inputs == ["-"]:
        yield sys.stdin.buffer
    else:
        with path_of(args.inputs[0], "an input").open("rb") as file:
            yield file
