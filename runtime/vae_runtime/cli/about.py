"""Commands about a bundle: its contents, its self-test, its cost, its packing."""

import argparse
import dataclasses
import json
import math
import sys
from typing import Any

import numpy as np

from vae_runtime._base.atomic_files import write_aside
from vae_runtime._base.printable import printable
from vae_runtime.backends import runs
from vae_runtime.backends.bench import BenchReport
from vae_runtime.backends.selftest import ReplayedAnswer, SelftestReport
from vae_runtime.bundle import open_bundle, writer
from vae_runtime.bundle.containers import SUFFIX
from vae_runtime.bundle.containers import pack as pack_files
from vae_runtime.bundle.manifest import Manifest, Model, Recalibration
from vae_runtime.rows.formats.pixels import said
from vae_runtime.verdicts.calibration import rows_needed, threshold
from vae_runtime.verdicts.observed_rates import promises_of, warnings_of

from .opening import open_runner
from .writing import score_of

SHOWN = 10  # machines with their thresholds


def info(args: argparse.Namespace) -> int:
    """Prints what the manifest says."""
    manifest = open_bundle(args.bundle, key=args.verify).manifest
    if args.json:
        print(json.dumps(dataclasses.asdict(manifest), indent=2))
    else:
        print("\n".join(printable(f"{key:<12} {value}") for key, value in _describe(manifest)))
    for line in warnings_of(promises_of(manifest.calibration, noun=manifest.model.noun)):
        print(printable(line), file=sys.stderr)
    return 0


def selftest(args: argparse.Namespace) -> int:
    """Prints each check of the self-test; 1 where one failed."""
    report = open_runner(args).selftest()
    if args.json:
        print(json.dumps(_as_json(report), indent=2, allow_nan=False))
        return 0 if report.passed else 1
    for check in report.checks:
        verdict = "ok" if check.passed else "FAILED"
        line = (
            f"{verdict:<7}{check.name:<25}{check.rows:<15}{check.deviation:.1e} of at most "
            f"{check.tolerance:.1e}{_noise_of(check)}"
        )
        print(printable(line))
    print(
        f"selftest {'passed' if report.passed else 'FAILED'}: {len(report.checks)} comparisons "
        "with Keras, each as a share of the largest magnitude"
    )
    return 0 if report.passed else 1


def bench(args: argparse.Namespace) -> int:
    """Prints latency and memory."""
    report = open_runner(args).bench(args.sizes, seconds=args.seconds)
    if args.json:
        print(json.dumps(dataclasses.asdict(report), indent=2))
    else:
        print("\n".join(_table(report)))
    return 0


def pack(args: argparse.Namespace) -> int:
    """Writes the bundle as one file."""
    if args.output.suffix != SUFFIX:
        raise ValueError(f"{args.output}: expected an output of {SUFFIX}.")
    writer.check_out(args.output)
    content = pack_files(open_bundle(args.bundle, key=args.verify).contents())
    write_aside(args.output, lambda file: file.write(content))
    print(printable(f"wrote {len(content):,} bytes to {args.output}"), file=sys.stderr)
    return 0


def _describe(manifest: Manifest) -> list[tuple[str, str]]:
    model, training = manifest.model, manifest.training
    values = (
        f" in [{model.value_range[0]:g}, {model.value_range[1]:g}]" if model.value_range else ""
    )
    lines = [
        ("model", f"{model.name}: {model.likelihood} VAE, {model.parameters:,} parameters"),
        ("input", f"{model.input_dtype} (batch, {', '.join(map(str, model.input_shape))}){values}"),
    ]
    if model.image:
        lines.append(("images", _describe_images(model)))
    if model.stride:
        lines.append(("windows", f"of {model.input_shape[0]} rows, every {model.stride}"))
    if model.feature_names:
        lines.append(("features", ", ".join(model.feature_names)))
    lines.append(("latent", f"{model.latent_dim} dimensions"))
    if model.classes:
        lines.append(("classes", ", ".join(model.classes)))
    score = manifest.score
    return [
        *lines,
        ("trained on", f"{training.rows:,} {model.noun}s of {training.data}"),
        ("score", f"{score.definition} ({score.unit}), {score.direction}"),
        *[("alarm", _describe_alarm(manifest, precision)) for precision in manifest.calibration],
        *[("tested", line) for line in _describe_tests(manifest)],
        *[
            ("machines", _describe_machines(manifest, precision))
            for precision in _with_machines(manifest)
        ],
        *[("calibrated", _describe_rows(made, model.noun)) for made in manifest.recalibrated],
        *[("run by", line) for line in _describe_backends(manifest)],
        *[("file", f"{f.name} ({f.bytes:,} bytes)") for f in manifest.files],
        *[("degraded", lost) for f in manifest.files for lost in f.degraded],
    ]


def _describe_images(model: Model) -> str:
    """Steps that turn an image into a row."""
    image, (height, width, channels) = model.image, model.input_shape
    if image is None:
        return "nothing is said"
    done = "others are bad rows" if image.resampling is None else "others are resized"
    turned = "turned as their EXIF tag says" if image.orientation == "upright" else "as stored"
    return (
        f"{said(width, height)} (width x height), {done}; {'grey' if channels == 1 else 'RGB'}, "
        f"{image.bits} bits a channel, {turned}"
    )


def _describe_alarm(manifest: Manifest, precision: str) -> str:
    calibration = manifest.calibration[precision]
    limit = threshold(np.array(calibration.scores), calibration.alpha)
    crossed = f" in {calibration.folds} folds, cross-conformal" if calibration.folds > 1 else ""
    return (
        f"where p_value <= {calibration.alpha:g}, that is {score_of(precision)} > {limit:.6g} "
        f"({precision}, calibrated on {len(calibration.scores):,} normal "
        f"{manifest.model.noun}s{crossed})"
    )


def _describe_tests(manifest: Manifest) -> list[str]:
    """Outcome of each alarm's promise on test rows, where it was measured."""
    told = [
        f"{promise.rate_said}; ranking {promise.ranking_said} ({name})"
        for name, promise in promises_of(manifest.calibration, noun=manifest.model.noun).items()
    ]
    if len(told) == len(manifest.calibration):
        return told
    noun = f"{manifest.model.noun}s"
    why = f"the bundle does not say how alarms went on test {noun}"
    if manifest.recalibrated:
        why = f"it was calibrated anew, on {noun} that say nothing of {noun} to come"
    return [*told, f"not known: {why}"]


def _with_machines(manifest: Manifest) -> list[str]:
    return [name for name, found in manifest.calibration.items() if found.by_machine is not None]


def _describe_machines(manifest: Manifest, precision: str) -> str:
    """Threshold of each machine, unless there are many."""
    calibration = manifest.calibration[precision]
    machines = calibration.by_machine or {}
    each = [
        f"{machine} > {threshold(np.array(scores), calibration.alpha):.6g}"
        if len(scores) >= rows_needed(calibration.alpha)
        else f"{machine} has too few {manifest.model.noun}s, {len(scores)}"
        for machine, scores in list(machines.items())[:SHOWN]
    ]
    more = [f"{len(machines) - SHOWN:,} more"] if len(machines) > SHOWN else []
    by = "" if manifest.model.machine_column is None else f" by {manifest.model.machine_column!r}"
    return (
        f"{len(machines):,}{by} ({precision}), each by its own "
        f"{manifest.model.noun}s: {', '.join([*each, *more])}"
    )


def _describe_rows(made: Recalibration, noun: str) -> str:
    whose = "" if made.machine is None else f" of {made.machine}"
    return f"anew on {made.rows:,} {noun}s{whose}, {made.date} (their sha256: {made.sha256})"


def _describe_backends(manifest: Manifest) -> list[str]:
    """Backends of the registry that run files of the bundle, with their precisions."""
    found: dict[str, dict[str, None]] = {}
    for kind, _, precision in runs(manifest):
        found.setdefault(kind.name, {})[precision] = None
    return [f"{name}: {', '.join(precisions)}" for name, precisions in found.items()]


def _noise_of(check: ReplayedAnswer) -> str:
    """Remark on an answer whose noise is too large to tell rows apart."""
    if check.noise <= check.most_noise:
        return ""
    return f"; off by {check.noise:.1e} of its spread, of at most {check.most_noise:g}"


def _as_json(report: SelftestReport) -> dict[str, Any]:
    """Report as JSON can say it: null for infinity."""
    checks = [{**dataclasses.asdict(check), "passed": check.passed} for check in report.checks]
    for check in checks:
        for name in ("deviation", "noise"):
            check[name] = check[name] if math.isfinite(check[name]) else None
    return {"passed": report.passed, "checks": checks}


def _table(report: BenchReport) -> list[str]:
    """Lines of columns of figures."""
    lines = [f"{'rows':>8}{'p50 us':>12}{'p90 us':>12}{'p99 us':>12}{'rows/s':>14}{'calls':>9}"]
    lines += [
        f"{t.rows:>8,}{t.p50:>12,.1f}{t.p90:>12,.1f}{t.p99:>12,.1f}{t.rows_per_second:>14,.0f}"
        f"{t.calls:>9,}"
        for t in report.timings
    ]
    if report.memory is not None and report.memory_peak is not None:
        lines.append(f"memory {report.memory:.0f} MiB, at most {report.memory_peak:.0f} MiB")
    return lines
