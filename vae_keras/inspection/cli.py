"""Options and output of `vae-keras inspect`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from vae_keras.configs import DataConfig
from vae_keras.configs.options import DATA, add_options
from vae_keras.survey.files import open_files, survey_files
from vae_runtime._base.atomic_files import write_aside
from vae_runtime._base.libraries import need
from vae_runtime._base.printable import printable
from vae_runtime.cli.values import name_or_path, path
from vae_runtime.rows.input_files import GLOB_MARKS
from vae_runtime.rows.text.dialect import Reading

from .arrays import inspect_arrays
from .findings import Findings
from .images import images_in, inspect_images
from .sparklines import ASCII, BARS, can_show_bars
from .tables import inspect_table

TEXT = ("sep", "decimal", "thousands", "encoding", "comment", "header", "skiprows", "missing")


def add_inspect(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    parser.add_argument(
        "files", nargs="+", type=name_or_path, metavar="FILE", help="files, folders and globs"
    )
    parser.add_argument("--json", action="store_true", help="print all of it as JSON, for scripts")
    parser.add_argument(
        "--html", type=path, metavar="PAGE", help="write a page with a plot of each column"
    )
    add_options(parser, DataConfig, {name: DATA[name] for name in TEXT})
    parser.set_defaults(run=inspect)


def _findings(args: argparse.Namespace) -> Findings:
    sources, given = args.files, {name: getattr(args, name) for name in TEXT}
    for source in sources:
        _check_there(source)
    if images := images_in(sources):
        return inspect_images(sources, images)
    files = open_files(sources, Reading(**given | {"missing": args.missing or ()}))
    if not files.is_table:
        return inspect_arrays(sources[0], files.paths[0])
    bars = BARS if can_show_bars(sys.stdout.encoding) else ASCII
    typed = [word for name, value in given.items() for word in _option(name, value)]
    return inspect_table(survey_files(files), sources, typed, bars=bars)


def _check_there(source: str) -> None:
    if not any(mark in source for mark in GLOB_MARKS) and not Path(source).exists():
        raise ValueError(
            f"{source}: expected a file, a folder or a glob. Received: nothing at that path."
        )


def _option(name: str, value: Any) -> list[str]:
    """Option of reading as it is typed; nothing where it was not given."""
    if value is None or name == "missing":
        return []
    if name == "header":
        return ["--header", "0" if value else "none"]
    return [f"--{name}", str(value)]


def _shown(line: str) -> str:
    """A line with characters that the terminal cannot show escaped."""
    encoding = sys.stdout.encoding or "ascii"
    return line.encode(encoding, "backslashreplace").decode(encoding)


def inspect(args: argparse.Namespace) -> int:
    """Prints what is in files, and the command to train with."""
    need("pyarrow", "inspecting files")
    found = _findings(args)
    if args.html is not None:
        page = found.page().encode()
        write_aside(args.html, lambda file: file.write(page))
        print(printable(f"wrote {args.html}"), file=sys.stderr)
    if args.json:
        print(found.json())
        return 0
    for line in found.text():
        print(_shown(printable(line)))
    return 0
