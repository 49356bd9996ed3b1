"""Commands, their options, and the function that each of them runs."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vae_runtime import __version__
from vae_runtime.batch.writing import WRITERS
from vae_runtime.cli.values import listed
from vae_runtime.rows.latents import METHODS

from . import about, calibrating, generating, options, scoring
from .files import TABLES
from .parser import Parser
from .values import path, whole_numbers
from .writing import PICTURE

DESCRIPTION = "Runs VAE bundles: anomaly scores, reconstructions and samples on this device."


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parses what was typed; argparse exits with 2 and shows the usage for wrong usage.

    Where there may be any number of inputs, argparse gives those behind an option to nobody.
    """
    args, left = parser().parse_known_args(arguments)
    if getattr(args, "inputs", None) is not None and all(map(_is_a_path, left)):
        args.inputs += left
    elif left:
        args.error(f"unrecognized arguments: {' '.join(left)}")
    return args


def parser() -> argparse.ArgumentParser:
    """Parser of the whole command line; `args.run(args)` runs the command that was typed."""
    top = Parser(prog="vae-runtime", description=DESCRIPTION)
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
    options.running(test)
    test.add_argument("--json", action="store_true", help="every check as JSON")
    bench = _command(commands, "bench", about.bench, "what scoring costs on this device")
    options.running(bench)
    options.judging(bench)
    bench.add_argument(
        "--sizes",
        type=whole_numbers,
        default=(1, 16, 256),
        help="rows a call (default: 1,16,256)",
    )
    bench.add_argument("--seconds", type=float, default=1.0, help="for each size (default: 1)")
    bench.add_argument("--json", action="store_true", help="the figures as JSON")
    single = _command(commands, "pack", about.pack, "the bundle as one file")
    single.add_argument("-o", "--output", type=path, required=True, help=".vaeb")


def _add_scoring(commands: Any) -> None:
    score = _command(commands, "score", scoring.score, "anomaly scores, p-values and verdicts")
    options.running(score)
    options.judging(score)
    options.files(score, *TABLES)
    options.cutting(score)
    options.missing(score)
    options.whose(score)
    options.following(score)
    options.engines(score)
    level = score.add_mutually_exclusive_group()
    level.add_argument("--alpha", type=float, help="alarm where p_value <= ALPHA")
    level.add_argument("--threshold", type=float, help="alarm where score > THRESHOLD, in nats")
    level.add_argument("--fdr", type=float, help="at most this share of the file's alarms is false")
    score.add_argument("--samples", type=int, help="average over draws; needs --threshold")
    score.add_argument("--seed", type=int, help="of the draws of --samples")
    score.add_argument("--top", type=int, metavar="K", help="name the K features that say most")
    score.add_argument("--latents", action="store_true", help="give the latent mean too: z")
    score.add_argument(
        "--reconstruction", action="store_true", help="give what the model makes of it too: x_mean"
    )
    explain = _command(commands, "explain", scoring.explain, "what each feature adds to a score")
    options.running(explain)
    options.judging(explain)
    options.files(explain, *WRITERS, folder="heat maps of images")
    options.cutting(explain)
    options.missing(explain)
    classify = _command(commands, "classify", scoring.classify, "which class each row is of")
    options.running(classify)
    options.files(classify, *TABLES)
    options.cutting(classify)
    options.missing(classify)


def _add_calibrating(commands: Any) -> None:
    new = _command(commands, "calibrate", calibrating.calibrate, "alarm levels from normal rows")
    options.reading(new)
    options.missing(new)
    options.whose(new)
    new.add_argument(
        "-o", "--output", type=path, required=True, help="the new bundle: a directory, or .vaeb"
    )
    new.add_argument("--alpha", type=float, help="the alarm level; default: that of BUNDLE")
    new.add_argument(
        "--precision",
        type=listed,
        metavar="NAMES",
        help="keep these files alone, with commas between: fp32,int8.tflite; default: all",
    )
    new.add_argument(
        "--force", action="store_true", help="set a threshold of rows that the model does not know"
    )
    new.add_argument("--json", action="store_true", help="thresholds and what changed as JSON")


def _add_generating(commands: Any) -> None:
    sample = _command(commands, "sample", generating.sample, "draws from the model's prior")
    sample.add_argument("-n", type=int, default=16, help="how many (default: 16)")
    sample.add_argument("--seed", type=int, help="the same seed gives the same samples")
    options.results(sample, PICTURE, *WRITERS)
    sample.set_defaults(inputs=None, keep=None, on_bad_row="fail", rejects=None)
    encode = _command(commands, "encode", generating.encode, "the latent mean of each row")
    options.files(encode, *WRITERS)
    options.cutting(encode)
    options.missing(encode)
    encode.add_argument("--draws", type=int, help="as many from each row's posterior instead")
    encode.add_argument("--seed", type=int, help="of the draws")
    decode = _command(commands, "decode", generating.decode, "rows from latents")
    options.files(decode, PICTURE, *WRITERS, column="z")
    decode.set_defaults(stride=None, recording=None, time=None, time_format=None, gap=None)
    again = _command(
        commands, "reconstruct", generating.reconstruct, "what the model makes of rows"
    )
    options.files(again, PICTURE, *WRITERS)
    options.cutting(again)
    options.missing(again)
    between = _command(commands, "interpolate", generating.interpolate, "from one row to another")
    options.reading(between)
    between.add_argument(
        "--rows", type=whole_numbers, default=(0, 1), help="which two (default: 0,1)"
    )
    between.add_argument("--steps", type=int, default=8, help="with both ends (default: 8)")
    between.add_argument("--method", choices=METHODS, default="spherical")
    between.add_argument("-o", "--output", type=path, required=True, help=".npy, or .png of images")
    for command in (sample, encode, decode, again, between):
        options.running(command)


def _command(commands: Any, name: str, run: Any, summary: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    command.add_argument("bundle", type=path, help="the bundle: a directory or a .vaeb file")
    command.add_argument(
        "--verify", type=Path, metavar="KEY", help="refuse what was not signed for this public key"
    )  # an empty one is refused as the other paths that are no file of a key are
    command.set_defaults(run=run, error=command.error)  # what options say only together
    return command
