"""What can be typed: commands, their options, and the function that each of them runs."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vae_runtime import __version__
from vae_runtime.backends import BACKENDS
from vae_runtime.backends.onnx_runtime import CPU
from vae_runtime.backends.profiles import PROFILES
from vae_runtime.bundle.manifest import SCORES
from vae_runtime.latents import METHODS

from . import about, calibrating, generating, scoring

PRECISIONS = ("fp32", "fp16", "dynamic", "int8")
DESCRIPTION = "Runs VAE bundles: anomaly scores, reconstructions and samples on this device."


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What was typed; argparse exits with 2 and says how where it is wrong usage.

    Where an input may be left out, argparse gives one that stands behind an option to nobody.
    """
    args, left = parser().parse_known_args(arguments)
    if len(left) == 1 and getattr(args, "input", Path()) is None and _is_a_path(left[0]):
        args.input = Path(left[0])
    elif left:
        args.error(f"unrecognized arguments: {' '.join(left)}")
    return args


def parser() -> argparse.ArgumentParser:
    """The whole command line; `args.run(args)` runs the command that was typed."""
    top = argparse.ArgumentParser(prog="vae-runtime", description=DESCRIPTION)
    top.add_argument("--version", action="version", version=f"vae-runtime {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_about(commands)
    _add_scoring(commands)
    _add_calibrating(commands)
    _add_generating(commands)
    return top


def _is_a_path(text: str) -> bool:
    return text == "-" or not text.startswith("-")


def _add_about(commands: Any) -> None:
    info = _command(commands, "info", about.info, "what a bundle holds and what it was trained on")
    info.add_argument("--json", action="store_true", help="the whole manifest as JSON")
    test = _command(commands, "selftest", about.selftest, "does this device answer as Keras did?")
    _running(test)
    test.add_argument("--json", action="store_true", help="every check as JSON")
    bench = _command(commands, "bench", about.bench, "what scoring costs on this device")
    _running(bench)
    _judging(bench)
    bench.add_argument(
        "--sizes", type=whole_numbers, default=(1, 16, 256), help="rows a call (default: 1,16,256)"
    )
    bench.add_argument("--seconds", type=float, default=1.0, help="for each size (default: 1)")
    bench.add_argument("--json", action="store_true", help="the figures as JSON")
    single = _command(commands, "pack", about.pack, "the bundle as one file")
    single.add_argument("-o", "--output", type=Path, required=True, help=".vaeb")


def _add_scoring(commands: Any) -> None:
    score = _command(commands, "score", scoring.score, "anomaly scores, p-values and verdicts")
    _running(score)
    _judging(score)
    _reading(score, optional=True)
    _whose(score)
    score.add_argument("-o", "--output", type=Path, help=".csv or .npz; standard output if absent")
    _following(score)
    level = score.add_mutually_exclusive_group()
    level.add_argument("--alpha", type=float, help="alarm where p_value <= ALPHA")
    level.add_argument("--threshold", type=float, help="alarm where score > THRESHOLD, in nats")
    level.add_argument("--fdr", type=float, help="at most this share of the file's alarms is false")
    score.add_argument("--samples", type=int, help="average over draws; needs --threshold")
    score.add_argument("--seed", type=int, help="of the draws of --samples")
    score.add_argument("--top", type=int, metavar="K", help="name the K features that say most")
    explain = _command(commands, "explain", scoring.explain, "what each feature adds to a score")
    _running(explain)
    _judging(explain)
    _reading(explain)
    explain.add_argument(
        "-o", "--output", type=Path, help=".npy, .npz, or .csv of a table; in nats"
    )
    classify = _command(commands, "classify", scoring.classify, "which class each row is of")
    _running(classify)
    _reading(classify)
    classify.add_argument("-o", "--output", type=Path, help=".csv or .npz; else standard output")


def _add_calibrating(commands: Any) -> None:
    new = _command(commands, "calibrate", calibrating.calibrate, "alarm levels from normal rows")
    _reading(new)
    _whose(new)
    new.add_argument(
        "-o", "--output", type=Path, required=True, help="the new bundle: a directory, or .vaeb"
    )
    new.add_argument("--alpha", type=float, help="the alarm level; default: as it is")
    new.add_argument(
        "--precision",
        type=names,
        metavar="NAMES",
        help="keep these files alone, with commas between: fp32,int8.tflite; default: all",
    )
    new.add_argument("--json", action="store_true", help="thresholds and what changed as JSON")


def _add_generating(commands: Any) -> None:
    sample = _command(commands, "sample", generating.sample, "draws from the model's prior")
    sample.add_argument("-n", type=int, default=16, help="how many (default: 16)")
    sample.add_argument("--seed", type=int, help="the same seed gives the same samples")
    encode = _command(commands, "encode", generating.encode, "the latent mean of each row")
    _reading(encode)
    encode.add_argument("--draws", type=int, help="as many from each row's posterior instead")
    encode.add_argument("--seed", type=int, help="of the draws")
    decode = _command(commands, "decode", generating.decode, "rows from latents")
    decode.add_argument("input", type=Path, help="latents (rows, latent_dim): .npy")
    again = _command(
        commands, "reconstruct", generating.reconstruct, "what the model makes of rows"
    )
    _reading(again)
    between = _command(commands, "interpolate", generating.interpolate, "from one row to another")
    _reading(between)
    between.add_argument(
        "--rows", type=whole_numbers, default=(0, 1), help="which two (default: 0,1)"
    )
    between.add_argument("--steps", type=int, default=8, help="with both ends (default: 8)")
    between.add_argument("--method", choices=METHODS, default="spherical")
    for command in (sample, encode, decode, again, between):
        _running(command)
        kinds = ".npy" if command is encode else ".npy, or .png of images"
        command.add_argument("-o", "--output", type=Path, required=True, help=kinds)


def _command(commands: Any, name: str, run: Any, summary: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    command.add_argument("bundle", type=Path, help="the bundle: a directory or a .vaeb file")
    command.add_argument(
        "--verify", type=Path, metavar="KEY", help="refuse what was not signed for this public key"
    )
    command.set_defaults(run=run, error=command.error)  # what options say only together
    return command


def _following(score: argparse.ArgumentParser) -> None:
    """A live source in place of a file that is whole."""
    live = score.add_argument_group("live sources")
    live.add_argument(
        "--follow", action="store_true", help="score lines of JSON or CSV as they come; no input: -"
    )
    live.add_argument(
        "--period", type=float, help="usual seconds between samples: a gap is seen by --time"
    )
    live.add_argument("--state", type=Path, help="a file, by which a restart goes on where it was")
    live.add_argument(
        "--drift", type=float, metavar="ROWS", help="tell of drift, wrongly once in ROWS at most"
    )
    live.add_argument("--spacing", type=int, help="rows from one that drift looks at to the next")


def _running(command: argparse.ArgumentParser) -> None:
    """How a bundle is opened and run."""
    command.add_argument(
        "--precision", choices=PRECISIONS, default="fp32", help="of the files (default: fp32)"
    )
    command.add_argument("--backend", choices=BACKENDS, default="onnxruntime")
    command.add_argument("--profile", choices=PROFILES, help="of onnxruntime (default: edge)")
    command.add_argument("--threads", type=int, help="that one call may use; 0: as there are cores")
    command.add_argument("--provider", help=f"of onnxruntime (default: {CPU})")


def _judging(command: argparse.ArgumentParser) -> None:
    """By which of a bundle's scores."""
    command.add_argument(
        "--by",
        choices=SCORES,
        default="score",
        help="the score: all of the bundle's, or neg_elbo, without its mixture (default: score)",
    )


def _reading(command: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Rows, and how they are cut into windows."""
    command.add_argument(
        "input",
        type=Path,
        nargs="?" if optional else None,
        help="rows: .npy, .npz (key x), .csv, .parquet; a folder of .parquet",
    )
    command.add_argument("--stride", type=int, help="of windows; default: as in training")
    command.add_argument("--group", help="of windows: the column that tells recordings apart")
    command.add_argument("--time", help="of windows: the column of times; no window spans a gap")


def _whose(command: argparse.ArgumentParser) -> None:
    """Which machine of a fleet rows are of."""
    whose = command.add_mutually_exclusive_group()
    whose.add_argument("--unit", metavar="NAME", help="the one machine that all rows are of")
    whose.add_argument("--unit-column", metavar="COLUMN", help="the column that names it; '': none")


def names(text: str) -> tuple[str, ...]:
    """Names between commas."""
    return tuple(name.strip() for name in text.split(","))


def whole_numbers(text: str) -> tuple[int, ...]:
    """Whole numbers between commas."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"expected whole numbers, as in 1,16,256. Received: {text!r}."
        ) from error
