"""Command `vae-export`: turns a run directory into a verified bundle."""

import argparse
import importlib.metadata
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from vae_export.convert.libraries import NEEDED
from vae_export.convert.precisions import PRECISIONS
from vae_keras._base.libraries import check as check_libraries
from vae_keras._base.tf_log_filter import filter_tf_log
from vae_runtime import BundleError
from vae_runtime._base.printable import printable, say
from vae_runtime.bundle import signature
from vae_runtime.bundle.containers import SUFFIX
from vae_runtime.cli.parser import Parser
from vae_runtime.cli.values import listed, path

from .errors import ExportError

INCOMPLETE = 3  # the exit code where there is a bundle, without some precision that was asked for


def main(arguments: Sequence[str] | None = None) -> int:
    """Exports; returns 0 when done, 1 when it was refused (2 is argparse's, wrong usage).

    `INCOMPLETE` says that there is a bundle, without some lower precision that was asked for.
    """
    args = _parser().parse_args(arguments)
    try:
        out, models, refused = _export(args)
    except (BundleError, ExportError, ValueError, OSError, MemoryError) as error:
        print(printable(f"vae-export: {error}"), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("vae-export: interrupted; nothing was written", file=sys.stderr)
        return 130
    for model in models:
        print(printable(f"wrote {model}, a model for a server"))
    print(printable(f"wrote {out}: try `vae-runtime selftest {out}`"))
    if refused:
        lost = f"{out} is without {', '.join(refused)}, as said above"
        print(printable(f"vae-export: {lost}"), file=sys.stderr)
    return INCOMPLETE if refused else 0


def _parser() -> Parser:
    parser = Parser(
        prog="vae-export",
        description="Exports a trained run as a bundle of ONNX and TFLite graphs, each of which "
        "has answered as Keras does; where those in float32 do not, writes nothing and exits 1. "
        f"Another precision that loses too much is left out, and the exit code is {INCOMPLETE}.",
    )
    parser.add_argument("run", type=path, help="a run directory, as vae-keras train writes it")
    parser.add_argument(
        "--out",
        metavar="BUNDLE",
        type=path,
        required=True,
        help="the bundle: a directory, or x.vaeb",
    )
    parser.add_argument("--zip", action="store_true", help="write one file, BUNDLE.vaeb")
    parser.add_argument(
        "--formats", type=listed, default=("onnx", "tflite"), help="default: onnx,tflite"
    )
    parser.add_argument(
        "--precision",
        type=_precisions,
        default=("fp32",),
        help="of fp32,fp16,dynamic,int8, with commas between, or all (default: fp32)",
    )
    parser.add_argument(
        "--allow-degraded",
        action="store_true",
        help="write files of lower precision that lose more accuracy than they may; "
        "the manifest says so",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="write nothing and exit 1 where any precision is refused",
    )
    parser.add_argument(
        "--synthetic-probe",
        action="store_true",
        help="draw the rows of the self-test from the model, and show none in the report, so that "
        "no row of the data is in either; refused where they would not test as much",
    )
    parser.add_argument(
        "--triton",
        metavar="DIR",
        type=path,
        help="write the scorers as models into DIR too, a model repository of Triton or KServe",
    )
    parser.add_argument(
        "--mlflow", metavar="DIR", type=path, help="write DIR too, the bundle as an MLflow model"
    )
    parser.add_argument(
        "--sign",
        metavar="KEY.pem",
        type=path,
        help="sign the bundle with this private Ed25519 key, as openssl genpkey writes it",
    )
    version = importlib.metadata.version("vae-keras")
    parser.add_argument("--version", action="version", version=f"vae-export {version}")
    return parser


def _export(args: argparse.Namespace) -> tuple[Path, list[Path], Mapping[str, str]]:
    """Exports; returns paths of the bundle and of models for servers, and refused precisions."""
    if args.sign is not None:
        signature.read_private_key(args.sign)  # refused before any work is done for nothing
    check_libraries("exporting", *NEEDED)
    with filter_tf_log():
        from vae_export.bundle.sign import sign
        from vae_export.convert.variants import variants

        from .exporting import Options, export_variants
        from .servers import mlflow, triton

    out = _with_suffix(args.out) if args.zip else args.out
    wanted = variants(args.formats, args.precision)
    if args.triton is not None:
        scorers = [v for v in wanted if v.format == "onnx"]
        triton.check(out, args.triton, [scorer.precision for scorer in scorers])
    if args.mlflow is not None:
        mlflow.check(out, args.mlflow)
    options = Options(args.allow_degraded, args.strict, args.synthetic_probe)
    refused = export_variants(args.run, out, wanted, options, log=_log).refused
    if args.sign is not None:
        sign(out, args.sign)
    models = triton.write(out, args.triton) if args.triton is not None else []
    models += [mlflow.write(out, args.mlflow)] if args.mlflow is not None else []
    return out, models, refused


def _precisions(text: str) -> tuple[str, ...]:
    return PRECISIONS if text == "all" else listed(text)


def _with_suffix(out: Path) -> Path:
    return out if out.suffix == SUFFIX else out.with_name(out.name + SUFFIX)


def _log(line: str) -> None:
    say(line, sys.stderr)
