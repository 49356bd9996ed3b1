"""Checks of what was typed of a command on files."""

import argparse
from pathlib import Path

from vae_runtime._base.directories import Kind, check_replaceable
from vae_runtime._base.paths import file_target, is_same
from vae_runtime.batch.job import Target
from vae_runtime.batch.writing import WRITERS
from vae_runtime.bundle.writer import check_apart as check_no_bundle
from vae_runtime.rows.input_files import check_apart

from .writing import STANDARD as STANDARD

FORMAT = "csv"  # of standard output
ONE_ARRAY = ".npy"  # the ending of files that hold one array, with nothing beside it
ARRAYS = (".npz", ONE_ARRAY)
TABLES = tuple(ending for ending in WRITERS if ending != ONE_ARRAY)


def check(args: argparse.Namespace, *endings: str) -> None:
    """Refuses options that contradict each other, before any work is done.

    Args:
        args: of the command line.
        endings: of files that the command can write.
    """
    output = args.output
    _check_inputs(args)
    _check_format(args)
    if ending_of(args) not in endings:
        known = f"{', '.join(endings[:-1])} or {endings[-1]}"
        given = output or args.to or FORMAT
        raise ValueError(
            f"{given}: expected an output of {known}. For standard output, leave -o "
            "out; --to says in which format."
        )
    if output is None:
        for name in ("resume", "json"):
            if getattr(args, name):
                args.error(f"expected -o FILE with --{name}. Received: --{name} alone.")
    _check_rejects(args)
    if ending_of(args) == ONE_ARRAY and args.keep:
        kept = ",".join(args.keep)
        args.error(f"expected no --keep with .npy, which holds one array. Received: --keep {kept}.")
    _check_written(args)


def is_folder(args: argparse.Namespace) -> bool:
    """True where the output is a folder, there already or of a name without an ending."""
    output: Path | None = args.output
    return output is not None and (output.suffix == "" or output.is_dir())


def check_folder(args: argparse.Namespace, kind: Kind) -> None:
    """Refuses options that contradict each other where the output is a folder of this kind."""
    _check_inputs(args)
    _check_format(args)
    for name in ("resume", "keep", "metrics"):
        if getattr(args, name):
            args.error(f"expected no --{name} with a {kind.name}. Received: --{name}.")
    _check_rejects(args)
    given = [each for each in args.inputs if each != STANDARD]
    rejects, out = rejects_of(args), args.output.resolve()
    check_no_bundle(args.bundle, args.output)
    check_replaceable(args.output, kind)
    if rejects is not None:
        file_target(rejects)
        check_no_bundle(args.bundle, rejects)
        check_apart(given, [rejects])
        if rejects.resolve().is_relative_to(out):
            raise ValueError(
                f"{rejects}: expected a file outside of {args.output}. Received: one in it."
            )
    for each in map(Path, given):
        place = each.resolve()
        if out.is_relative_to(place) or place.is_relative_to(out):
            raise ValueError(
                f"{args.output}: expected a folder apart from {each}, which is read. Received: one "
                "in it, or around it."
            )


def _check_inputs(args: argparse.Namespace) -> None:
    inputs = args.inputs
    if inputs == []:
        args.error("expected an input. Received: none.")
    if STANDARD in (inputs or ()) and len(inputs) > 1:
        args.error("expected - alone, which is standard input. Received: other inputs with it.")
    if STANDARD in (inputs or ()) and args.resume:
        args.error("expected a file with --resume. Received: -, which cannot be read again.")


def _check_rejects(args: argparse.Namespace) -> None:
    if args.rejects is not None and args.on_bad_row != "reject":
        args.error("expected --on-bad-row reject with --rejects. Received: --rejects alone.")


def _check_format(args: argparse.Namespace) -> None:
    """Refuses an output whose name says another format than --to."""
    if args.output is not None and args.to is not None and args.output.suffix != f".{args.to}":
        args.error(
            f"expected an output whose name ends in .{args.to}, as --to says. Received: "
            f"{args.output}. Leave --to out, which is for standard output, or name another file."
        )


def _check_written(args: argparse.Namespace) -> None:
    """Refuses to write over an input, or one output over another."""
    given = [each for each in args.inputs or () if each != STANDARD]
    written = [path for path in (args.output, rejects_of(args), args.metrics) if path is not None]
    if args.output is not None:
        written.append(Target(args.output, ending_of(args)).journal)
    for i, path in enumerate(written):
        file_target(path)
        check_no_bundle(args.bundle, path)
        if any(is_same(path, other) for other in written[:i]):
            raise ValueError(f"{path}: expected a file for each output. Received: one for two.")
    check_apart(given, written)


def ending_of(args: argparse.Namespace) -> str:
    """Ending of the output's format."""
    return f".{args.to or FORMAT}" if args.output is None else str(args.output.suffix)


def rejects_of(args: argparse.Namespace) -> Path | None:
    """Path of the list of rejected rows; None without one, or for one that is not kept."""
    if args.on_bad_row != "reject" or args.rejects is not None or args.output is None:
        return args.rejects  # type: ignore[no-any-return]
    beside: Path = args.output.with_name(f"{args.output.name}.rejects.csv")
    return beside
