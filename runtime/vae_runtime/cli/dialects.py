"""Options that say how text files are written, by pandas's names."""

import argparse
from functools import partial

from vae_runtime.bundle.records import Dialect
from vae_runtime.rows.text.dialect import Reading
from vae_runtime.rows.text.text_files import ENCODINGS

from .values import listed

HEADERS = ("0", "none")  # as pandas has them


def dialects(command: argparse.ArgumentParser) -> None:
    """Adds options that say how text files are written, by pandas's names."""
    group = command.add_argument_group("text files (what is not said is recognised, and told)")
    marks = {
        "--sep": "between cells: a character, tab or blanks",
        "--decimal": "before the fraction of a number, such as ,",
        "--thousands": "between groups of three digits",
        "--encoding": f"one of {', '.join(ENCODINGS)}",
        "--comment": "at the begin of lines to leave out, such as #",
    }
    for option, text in marks.items():
        group.add_argument(option, help=text)
    group.add_argument(
        "--header", choices=HEADERS, help="0: the first line has names; none: it is a row"
    )
    group.add_argument("--skiprows", type=int, metavar="LINES", help="above the table")
    group.add_argument(
        "--missing",
        type=partial(listed, what="codes with --missing"),
        metavar="CODES",
        help="cells that mean no value beside NA, null, - and the like: --missing=-200,-999",
    )


def reading_of(args: argparse.Namespace, recorded: Dialect | None = None) -> Reading:
    """Options of `dialects` that were typed; `recorded` is the dialect of training."""
    header = None if args.header is None else args.header == HEADERS[0]
    names = ("sep", "decimal", "thousands", "encoding", "comment", "skiprows")
    typed = {name: getattr(args, name) for name in names}
    return Reading(**typed, header=header, missing=args.missing or (), recorded=recorded)
