"""The command `vae-runtime`: parse, call one function, print."""

import argparse
import csv
import dataclasses
import io
import json
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import __version__
from .bundle import open_bundle
from .calibration import threshold
from .containers import SUFFIX, pack
from .errors import BundleError
from .files import write_aside
from .inputs import Input, Windowing, read_input
from .manifest import Manifest
from .png import contact_sheet
from .runner import Runner
from .selftest import Report

DESCRIPTION = "Runs VAE bundles: anomaly scores, reconstructions and samples on this device."


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0 when done, 1 when it failed (2 is argparse's, wrong usage)."""
    args = _parser().parse_args(arguments)
    try:
        code = int(args.run(args))
        sys.stdout.flush()  # a reader that has gone is noticed here, not while Python ends
        return code
    except BrokenPipeError:  # the reader of our output, say `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (BundleError, ValueError, OSError, MemoryError) as error:
        print(f"vae-runtime: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("vae-runtime: interrupted; nothing was written", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vae-runtime", description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"vae-runtime {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    info = _command(commands, "info", _info, "what a bundle holds and what it was trained on")
    info.add_argument("--json", action="store_true", help="the whole manifest as JSON")
    test = _command(commands, "selftest", _selftest, "does this device answer as Keras did?")
    test.add_argument("--json", action="store_true", help="every check as JSON")
    score = _command(commands, "score", _score, "anomaly scores, p-values and verdicts", rows=True)
    score.add_argument("-o", "--output", type=Path, help=".csv or .npz; standard output if absent")
    level = score.add_mutually_exclusive_group()
    level.add_argument("--alpha", type=float, help="alarm where p_value <= ALPHA")
    level.add_argument("--threshold", type=float, help="alarm where score > THRESHOLD, in nats")
    classify = _command(commands, "classify", _classify, "which class each row is of", rows=True)
    classify.add_argument("-o", "--output", type=Path, help=".csv or .npz; else standard output")
    sample = _command(commands, "sample", _sample, "draws from the model's prior")
    sample.add_argument("-n", type=int, default=16, help="how many (default: 16)")
    sample.add_argument("--seed", type=int, help="the same seed gives the same samples")
    sample.add_argument("-o", "--output", type=Path, required=True, help=".npy, or .png of images")
    encode = _command(commands, "encode", _encode, "the latent mean of each row", rows=True)
    encode.add_argument("-o", "--output", type=Path, required=True, help=".npy")
    again = _command(
        commands, "reconstruct", _reconstruct, "what the model makes of rows", rows=True
    )
    again.add_argument("-o", "--output", type=Path, required=True, help=".npy, or .png of images")
    single = _command(commands, "pack", _pack, "the bundle as one file")
    single.add_argument("-o", "--output", type=Path, required=True, help=".vaeb")
    return parser


def _command(
    commands: Any, name: str, run: Any, summary: str, *, rows: bool = False
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    parser.add_argument("bundle", type=Path, help="the bundle: a directory or a .vaeb file")
    if rows:
        parser.add_argument(
            "input", type=Path, help="rows: .npy, .npz (key x), .csv, .parquet or a folder of such"
        )
        parser.add_argument("--stride", type=int, help="of windows; default: as in training")
        parser.add_argument("--group", help="of windows: the column that tells recordings apart")
        parser.add_argument("--time", help="of windows: the column of times; no window spans a gap")
    parser.set_defaults(run=run)
    return parser


def _info(args: argparse.Namespace) -> int:
    manifest = open_bundle(args.bundle).manifest
    if args.json:
        print(json.dumps(dataclasses.asdict(manifest), indent=2))
    else:
        print("\n".join(f"{key:<12} {value}" for key, value in _describe(manifest)))
    return 0


def _describe(manifest: Manifest) -> list[tuple[str, str]]:
    model, training = manifest.model, manifest.training
    values = (
        f" in [{model.value_range[0]:g}, {model.value_range[1]:g}]" if model.value_range else ""
    )
    return [
        ("model", f"{model.name}: {model.likelihood} VAE, {model.parameters:,} parameters"),
        ("input", f"{model.input_dtype} (batch, {', '.join(map(str, model.input_shape))}){values}"),
        *(
            [("windows", f"of {model.input_shape[0]} rows, every {model.stride}")]
            if model.stride
            else []
        ),
        *([("features", ", ".join(model.feature_names))] if model.feature_names else []),
        ("latent", f"{model.latent_dim} dimensions"),
        *([("classes", ", ".join(model.classes))] if model.classes else []),
        ("trained on", f"{training.rows:,} rows of {training.data}"),
        (
            "score",
            f"{manifest.score.definition} ({manifest.score.unit}), {manifest.score.direction}",
        ),
        *[("alarm", _describe_alarm(manifest, precision)) for precision in manifest.calibration],
        *[("file", f"{f.name} ({f.bytes:,} bytes)") for f in manifest.files],
        *[("degraded", lost) for f in manifest.files for lost in f.degraded],
    ]


def _describe_alarm(manifest: Manifest, precision: str) -> str:
    calibration = manifest.calibration[precision]
    limit = threshold(np.array(calibration.scores), calibration.alpha)
    return (
        f"where p_value <= {calibration.alpha:g}, that is score > {limit:.6g} ({precision}, "
        f"calibrated on {len(calibration.scores):,} normal rows)"
    )


def _selftest(args: argparse.Namespace) -> int:
    report = Runner.load(args.bundle).selftest()
    if args.json:
        print(json.dumps(_as_json(report), indent=2, allow_nan=False))
    else:
        for check in report.checks:
            verdict = "ok" if check.passed else "FAILED"
            print(f"{verdict:<7}{check.name:<25}{check.rows:<15}{check.deviation:.1e}")
        print(
            f"selftest {'passed' if report.passed else 'FAILED'}: {len(report.checks)} comparisons "
            f"with Keras, each to stay within {report.tolerance:g} of the largest magnitude"
        )
    return 0 if report.passed else 1


def _as_json(report: Report) -> dict[str, Any]:
    """The report; a deviation that is infinite, which JSON cannot say, is null."""
    document = dataclasses.asdict(report)
    for check in document["checks"]:
        check["deviation"] = check["deviation"] if math.isfinite(check["deviation"]) else None
    return {"passed": report.passed, **document}


def _score(args: argparse.Namespace) -> int:
    _check_output(args)
    runner = Runner.load(args.bundle)
    given = _read(args, runner)
    scores = runner.score(given.x, alpha=args.alpha, threshold=args.threshold)
    _write_table({**given.where, **scores._asdict()}, args.output)
    alarms = int(scores.is_anomaly.sum())
    print(f"{alarms:,} anomalies in {len(scores.score):,} rows", file=sys.stderr)
    return 0


def _classify(args: argparse.Namespace) -> int:
    _check_output(args)
    runner = Runner.load(args.bundle)
    given = _read(args, runner)
    probabilities = runner.classify(given.x)
    names = np.array(runner.manifest.model.classes)
    likeliest = probabilities.argmax(axis=1)
    columns = {"class": names[likeliest], "probability": probabilities.max(axis=1)}
    each = {f"p_{name}": column for name, column in zip(names, probabilities.T, strict=True)}
    _write_table({**given.where, **columns, **each}, args.output)
    counts = np.bincount(likeliest, minlength=len(names))
    each_class = ", ".join(f"{name}: {n:,}" for name, n in zip(names, counts, strict=True))
    print(f"classes of {len(likeliest):,} rows: {each_class}", file=sys.stderr)
    return 0


def _check_output(args: argparse.Namespace) -> None:
    """Refuses an output that cannot be, before any work is done for it."""
    if args.output is not None and args.output.resolve() == args.input.resolve():
        raise ValueError(
            f"{args.output}: expected another file than the input. Received: the same."
        )
    if args.output is not None and args.output.suffix not in (".csv", ".npz"):
        raise ValueError(f"{args.output}: expected an output of .csv or .npz.")


def _write_table(columns: dict[str, Any], output: Path | None) -> None:
    """Columns of one length as .npz or .csv."""
    if output is not None and output.suffix == ".npz":
        write_aside(output, lambda file: np.savez(file, **columns))
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    plain = [c.astype(np.int8) if c.dtype == bool else c for c in columns.values()]
    writer.writerows(zip(*plain, strict=True))
    if output is None:
        sys.stdout.write(text.getvalue())
    else:
        write_aside(output, lambda file: file.write(text.getvalue().encode()))


def _sample(args: argparse.Namespace) -> int:
    runner = Runner.load(args.bundle)
    return _write_rows(runner.sample(args.n, seed=args.seed), args.output, runner)


def _encode(args: argparse.Namespace) -> int:
    runner = Runner.load(args.bundle)
    return _write_rows(runner.encode(_read(args, runner).x), args.output, runner)


def _reconstruct(args: argparse.Namespace) -> int:
    runner = Runner.load(args.bundle)
    return _write_rows(runner.reconstruct(_read(args, runner).x), args.output, runner)


def _pack(args: argparse.Namespace) -> int:
    if args.output.suffix != SUFFIX:
        raise ValueError(f"{args.output}: expected an output of {SUFFIX}.")
    content = pack(open_bundle(args.bundle).contents())
    write_aside(args.output, lambda file: file.write(content))
    print(f"wrote {len(content):,} bytes to {args.output}", file=sys.stderr)
    return 0


def _read(args: argparse.Namespace, runner: Runner) -> Input:
    windowing = Windowing(args.stride, args.group, args.time)
    return read_input(args.input, runner.manifest.model, windowing)


def _write_rows(rows: NDArray[Any], output: Path, runner: Runner) -> int:
    if output.suffix == ".png":
        content = contact_sheet(rows, runner.manifest.model.value_range)
    elif output.suffix == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, rows)
        content = buffer.getvalue()
    else:
        raise ValueError(f"{output}: expected an output of .npy, or .png for images.")
    write_aside(output, lambda file: file.write(content))
    print(f"wrote {len(rows):,} rows to {output}", file=sys.stderr)
    return 0
