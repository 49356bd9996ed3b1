"""Command that sets new alarm thresholds for a bundle, without training."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping

from numpy.typing import ArrayLike

from vae_runtime._base.printable import printable
from vae_runtime.backends import DEFAULT, backend_of
from vae_runtime.backends.graphs import Graphs
from vae_runtime.bundle import open_bundle
from vae_runtime.bundle.manifest import Calibration
from vae_runtime.bundle.records import SIGNATURE_NAME
from vae_runtime.explain.missing_values import MissingValues
from vae_runtime.rows.inputs import Input
from vae_runtime.rows.names.missing_names import some
from vae_runtime.verdicts.calibration import rows_needed
from vae_runtime.verdicts.recalibration import Recalibrated, recalibrate
from vae_runtime.verdicts.threshold_change import Change

from .batches import expects_missing
from .opening import read_machines
from .writing import counted, score_of

MOST_ALARM = 0.5  # share of rows, beyond which it is said that they are strange


def calibrate(args: argparse.Namespace) -> int:
    """Writes a bundle with new thresholds, and prints what became of the old ones."""
    bundle = open_bundle(args.bundle, key=args.verify)
    model, before = bundle.manifest.model, bundle.manifest.calibration["fp32"]
    said = model.machine_column if args.machine_column is None else args.machine_column
    column = None if args.machine is not None else said or None
    given = read_machines(args, model, column)
    _check_normal(given, model.noun)
    machines: str | Mapping[str, ArrayLike] | None = args.machine
    if column is not None and given.machines is not None:
        machines = {column: given.machines}
    x = given.x
    if expects_missing(args):
        x = MissingValues(bundle.manifest, Graphs(bundle, backend_of(DEFAULT), "fp32")).filled(x)
    done = recalibrate(
        bundle,
        x,
        args.output,
        alpha=args.alpha,
        precisions=args.precision,
        machines=machines,
        force=args.force,
    )
    if args.json:
        print(json.dumps({**dataclasses.asdict(done), "path": str(done.path)}, indent=2))
    else:
        print("\n".join(printable(_describe(change, model.noun)) for change in done.changes))
    for note in (*_notes(done, before), *_repeated(done, model.noun), *_often(done, model.noun)):
        print(printable(note), file=sys.stderr)
    wrote = f"wrote {done.path}, calibrated on {given.summary}"
    print(printable(wrote), file=sys.stderr)
    return 0


def _check_normal(given: Input, noun: str) -> None:
    if given.anomalies:
        how = "by folders beside good or normal" if "file" in given.where else "y"  # of images
        raise ValueError(
            f"expected normal {noun}s, to calibrate on. Received: {given.anomalies:,} of "
            f"{len(given.x):,} marked as anomalies ({how}). Leave them out."
        )


def _describe(change: Change, noun: str) -> str:
    """Line about one threshold, before and after."""
    whose = change.precision if change.machine is None else f"{change.precision}, {change.machine}"
    old = f"the old {noun}s are too few for this alpha"
    if change.old_threshold is not None and change.old_alarm_rate is not None:
        old = (
            f"the old threshold, {change.old_threshold:.6g}, alarms on {change.old_alarm_rate:.2%} "
            f"of these {counted(change.rows, noun)}"
        )
    now = f"{score_of(change.precision)} > {change.threshold:.6g} at alpha {change.alpha:g}"
    return f"{whose}: {now}; {old}"


def _notes(done: Recalibrated, before: Calibration) -> Iterator[str]:
    """Notes on what the old bundle had and the new one does not."""
    report = [name for name in done.left_out if name.startswith("report.")]
    others = [name for name in done.left_out if name not in (*report, SIGNATURE_NAME)]
    if done.lost_machines:
        yield f"removed, as none of these rows are of them: the machines {some(done.lost_machines)}"
    if done.record.machine is not None and before.by_machine is None:
        yield "removed, as it was not by machine: the old calibration"
    if report:
        yield f"left out, as the report shows the old thresholds: {some(report)}"
    if others:
        yield f"left out, as --precision says: {some(others)}"
    if SIGNATURE_NAME in done.left_out:
        yield (
            f"left out, as it was of the old manifest: {SIGNATURE_NAME}. Sign the new bundle where "
            f'the key is: python -c "import vae_export; vae_export.sign({str(done.path)!r}, '
            "'key.pem')\""
        )


def _repeated(done: Recalibrated, noun: str) -> Iterator[str]:
    """Warnings of rows that repeat: a sensor that is stuck, or a file put together twice."""
    for change in done.changes:
        if change.distinct < rows_needed(change.alpha):
            whose = "" if change.machine is None else f" of {change.machine}"
            yield (
                f"{change.precision}: {counted(change.distinct, 'score')} in "
                f"{counted(change.rows, noun)}{whose}: {noun}s that repeat say no more than one of "
                "them, and the threshold is worth less than it seems"
            )


def _often(done: Recalibrated, noun: str) -> Iterator[str]:
    """Warnings of rows that the model hardly knows, as most of them alarmed."""
    for change in done.changes:
        if change.old_alarm_rate is not None and change.old_alarm_rate > MOST_ALARM:
            whose = "" if change.machine is None else f" of {change.machine}"
            yield (
                f"{change.precision}: the old threshold alarms on {change.old_alarm_rate:.1%} of "
                f"the {noun}s{whose}: the model hardly knows them, and a model that is trained on "
                f"{noun}s of this place would find more"
            )
