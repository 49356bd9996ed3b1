"""Options that commands share, a function for each kind."""

import argparse
from functools import partial
from typing import Any

from vae_runtime.backends import DEFAULT, Backend, kinds, names
from vae_runtime.backends.profiles import PROFILES
from vae_runtime.batch.writing import WRITERS
from vae_runtime.bundle.manifest import SCORES
from vae_runtime.cli.values import listed
from vae_runtime.explain.missing_values import CHOICES as MISSING_CHOICES
from vae_runtime.rows.text.endings import ENDINGS

from .clusters import ENGINES
from .dialects import dialects
from .opening import heeded
from .values import duration, name_or_path, path, path_or_standard

INPUTS = f"files, folders or globs of {', '.join(ENDINGS)}; images, folders and globs of them"
PRECISIONS = ("fp32", "fp16", "dynamic", "int8")


def files(
    command: argparse.ArgumentParser, *endings: str, column: str = "x", folder: str = ""
) -> None:
    """Adds options of files of any length; see also `results`.

    Args:
        command: that gets them.
        endings: of files that it can write.
        column: that holds rows as lists, unless it is named.
        folder: what it writes into a folder, if anything.
    """
    command.add_argument(
        "inputs",
        nargs="*",
        type=name_or_path,
        metavar="INPUT",
        help=f"{INPUTS}; - is stdin",
    )
    results(command, *endings, folder=folder)
    dialects(command)
    command.set_defaults(rows_in=column)
    group = command.add_argument_group("files of any length")
    group.add_argument(
        "--keep",
        type=partial(listed, what="names of columns with --keep"),
        metavar="COLUMNS",
        help="to pass through, with commas between",
    )
    group.add_argument(
        "--column",
        help=f"of rows as lists, where features have no names; key of .npz (default: {column})",
    )
    bad_rows(group, "list it elsewhere")
    group.add_argument("--rejects", type=path, help="that list (default: OUTPUT.rejects.csv)")


def results(command: argparse.ArgumentParser, *endings: str, folder: str = "") -> None:
    """Adds options of a file of results, of one of these endings, written whole or not at all."""
    also = f"; a folder: {folder}" if folder else ""
    command.add_argument(
        "-o",
        "--output",
        type=path_or_standard,
        help=f"{', '.join(endings)}{also}; absent or -: stdout",
    )
    formats = [ending[1:] for ending in endings if ending in WRITERS]
    command.add_argument("--to", choices=formats, help="the format of stdout (default: csv)")
    command.add_argument("--resume", action="store_true", help="go on where a killed run stopped")
    command.add_argument("--metrics", type=path, help="a file of progress, as OpenMetrics text")
    command.add_argument("--json", action="store_true", help="what became of the rows as JSON")


def following(score: argparse.ArgumentParser) -> None:
    """Adds options of a live source in place of a whole file."""
    live = score.add_argument_group("live sources")
    live.add_argument(
        "--follow", action="store_true", help="score lines of JSON or CSV as they come; no input: -"
    )
    live.add_argument(
        "--period",
        type=duration,
        metavar="SECONDS",
        help="usual time between samples, 0.1 or 5min (default: as in training)",
    )
    live.add_argument("--state", type=path, help="a file, by which a restart goes on where it was")
    live.add_argument(
        "--drift", type=float, metavar="ROWS", help="tell of drift, wrongly once in ROWS at most"
    )
    live.add_argument("--spacing", type=int, help="rows from one that drift looks at to the next")


def engines(score: argparse.ArgumentParser) -> None:
    """Adds options of engines: workers on many machines in place of the threads of one."""
    many = score.add_argument_group("clusters")
    many.add_argument(
        "--engine", choices=ENGINES, help="score there; -o is a new folder of Parquet files"
    )
    many.add_argument(
        "--address", help="of the cluster: Spark's master, Ray's address; absent: on this machine"
    )
    many.add_argument(
        "--ship", action="store_true", help="send the bundle along; else workers see it at its path"
    )


def running(command: argparse.ArgumentParser) -> None:
    """Adds options to open and run a bundle."""
    command.add_argument(
        "--precision", choices=PRECISIONS, default="fp32", help="of the files (default: fp32)"
    )
    command.add_argument(
        "--backend",
        choices=names(),
        default=DEFAULT,
        help=f"that runs the files: {'; '.join(map(_described, kinds()))} (default: {DEFAULT})",
    )
    command.add_argument(
        "--profile",
        choices=PROFILES,
        help=f"of the machine, {heeded('profile')} (default: edge; of long files: server)",
    )
    command.add_argument(
        "--threads", type=int, help="that work on one call, or on one long file; 0: as cores"
    )
    command.add_argument(
        "--provider", help=f"execution provider, {heeded('provider')} (default: of the processor)"
    )


def _described(kind: type[Backend]) -> str:
    """Text on a backend: the files that it runs, and what to install for it."""
    runs = f"{kind.name} runs {', '.join(f'.{format}' for format in kind.formats)}"
    return runs if kind.extra is None else f"{runs}, pip install {kind.extra.install}"


def judging(command: argparse.ArgumentParser) -> None:
    """Adds the option that chooses one of a bundle's scores."""
    command.add_argument(
        "--by",
        choices=SCORES,
        default="score",
        help="the score: all of the bundle's, or neg_elbo, without its mixture (default: score)",
    )


def reading(command: argparse.ArgumentParser) -> None:
    """Adds options of a file that is held in memory whole."""
    command.add_argument(
        "inputs", nargs="+", type=name_or_path, metavar="INPUT", help=f"{INPUTS}; - is stdin"
    )
    bad_rows(command, "leave it out")
    cutting(command)
    dialects(command)


def bad_rows(command: Any, instead: str) -> None:
    """Adds the option that says what becomes of bad rows; `instead` of stopping."""
    command.add_argument(
        "--on-bad-row",
        choices=("fail", "reject"),
        help=f"at an invalid row: stop, or {instead} (default: fail)",
    )


def missing(command: argparse.ArgumentParser) -> None:
    """Adds the option that says what becomes of missing values."""
    command.add_argument(
        "--missing-values",
        choices=MISSING_CHOICES,
        help="refuse rows that lack a value (default), or expect it: score such rows with what "
        "their other values lead the model to expect",
    )


def cutting(command: argparse.ArgumentParser) -> None:
    """Adds options to cut rows into windows."""
    command.add_argument("--stride", type=int, help="of windows; default: as in training")
    command.add_argument("--recording", help="of windows: the column that tells recordings apart")
    command.add_argument(
        "--time",
        metavar="COLUMN",
        help="of windows: the column of times, or date,clock; no window spans a gap; '': none",
    )
    command.add_argument(
        "--time-format",
        metavar="FORMAT",
        help="how times are written, in strftime's codes: %%d.%%m.%%Y %%H:%%M (default: found out)",
    )
    command.add_argument(
        "--gap",
        type=duration,
        metavar="SECONDS",
        help="of windows: a longer step in time is a gap, 90s or 5min (default: as in training)",
    )


def whose(command: argparse.ArgumentParser) -> None:
    """Adds the options that say which machine of a fleet the rows are of."""
    whose = command.add_mutually_exclusive_group()
    whose.add_argument("--machine", metavar="NAME", help="the one machine that all rows are of")
    whose.add_argument(
        "--machine-column", metavar="COLUMN", help="the column that names it; '': none"
    )
