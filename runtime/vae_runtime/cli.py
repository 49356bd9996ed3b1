"""The command `vae-runtime`: parse, call one function, print."""

import argparse
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
from .errors import BundleError
from .files import read_rows, write_aside
from .manifest import Manifest
from .png import contact_sheet
from .runner import Runner, Scores
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
    return parser


def _command(
    commands: Any, name: str, run: Any, summary: str, *, rows: bool = False
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    parser.add_argument("bundle", type=Path, help="the bundle's directory")
    if rows:
        parser.add_argument("input", type=Path, help="rows: .npy, .npz (key x) or .csv")
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
        *([("features", ", ".join(model.feature_names))] if model.feature_names else []),
        ("latent", f"{model.latent_dim} dimensions"),
        ("trained on", f"{training.rows:,} rows of {training.data}"),
        (
            "score",
            f"{manifest.score.definition} ({manifest.score.unit}), {manifest.score.direction}",
        ),
        *[("alarm", _describe_alarm(manifest, precision)) for precision in manifest.calibration],
        *[("file", f"{f.name} ({f.bytes:,} bytes)") for f in manifest.files],
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
    if args.output is not None and args.output.resolve() == args.input.resolve():
        raise ValueError(
            f"{args.output}: expected another file than the input. Received: the same."
        )
    runner = Runner.load(args.bundle)
    scores = runner.score(_rows(args, runner), alpha=args.alpha, threshold=args.threshold)
    _write_scores(scores, args.output)
    alarms = int(scores.is_anomaly.sum())
    print(f"{alarms:,} anomalies in {len(scores.score):,} rows", file=sys.stderr)
    return 0


def _write_scores(scores: Scores, output: Path | None) -> None:
    if output is not None and output.suffix not in (".csv", ".npz"):
        raise ValueError(f"{output}: expected an output of .csv or .npz.")
    if output is not None and output.suffix == ".npz":
        write_aside(output, lambda file: np.savez(file, **scores._asdict()))
        return
    lines = [",".join(("row", *Scores._fields))]
    for row, (score, p_value, is_anomaly) in enumerate(zip(*scores, strict=True)):
        lines.append(f"{row},{score!s},{p_value!s},{int(is_anomaly)}")
    text = "\n".join(lines) + "\n"
    if output is None:
        sys.stdout.write(text)
    else:
        write_aside(output, lambda file: file.write(text.encode()))


def _sample(args: argparse.Namespace) -> int:
    runner = Runner.load(args.bundle)
    return _write_rows(runner.sample(args.n, seed=args.seed), args.output, runner)


def _encode(args: argparse.Namespace) -> int:
    runner = Runner.load(args.bundle)
    return _write_rows(runner.encode(_rows(args, runner)), args.output, runner)


def _reconstruct(args: argparse.Namespace) -> int:
    runner = Runner.load(args.bundle)
    return _write_rows(runner.reconstruct(_rows(args, runner)), args.output, runner)


def _rows(args: argparse.Namespace, runner: Runner) -> NDArray[Any]:
    """The rows of the input file, whole numbers taken as training took them."""
    model = runner.manifest.model
    x = read_rows(args.input, columns=model.feature_names).x
    whole = x.dtype.kind in "biu" and model.input_dtype == "float32"
    return x.astype(np.float32) if whole else x


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
