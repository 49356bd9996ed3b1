"""Opener of what the command line names: a bundle with its backend, and rows."""

import argparse
import dataclasses

from vae_runtime.backends import SETTINGS, kind_of, kinds
from vae_runtime.backends.profiles import PROFILES, Profile, profile_of_files
from vae_runtime.backends.threads import check_threads
from vae_runtime.bundle import Bundle, open_bundle
from vae_runtime.bundle.manifest import Calibration, Model
from vae_runtime.rows.inputs import Input, read_input
from vae_runtime.rows.text.tables import ColumnError
from vae_runtime.runner import Runner
from vae_runtime.verdicts.row_machines import MACHINE_ADVICE, check_own, resolve_machines

from .batches import expects_missing, inputs_of, windowing_of
from .dialects import reading_of
from .files import STANDARD


def open_runner(args: argparse.Namespace) -> Runner:
    """Opens a verified bundle with `--precision`, `--backend` and its settings."""
    _check_backend(args)
    profile = PROFILES[args.profile or "edge"]
    if args.threads is not None:
        profile = dataclasses.replace(profile, threads=args.threads)
    return _runner(args, _bundle(args), profile)


def open_batch_runner(args: argparse.Namespace) -> Runner:
    """Opens a bundle for long files, where `--threads` call the runner side by side."""
    _check_backend(args)
    bundle = _bundle(args)
    fitting = profile_of_files(bundle.manifest.model.input_shape)
    return _runner(args, bundle, PROFILES.get(args.profile, fitting))


def read(
    args: argparse.Namespace,
    model: Model,
    machine_column: str | None = None,
    *,
    every_offset: bool = False,
) -> Input:
    """The rows of the inputs, as windows where the model takes them, of what machine each is."""
    windowing = windowing_of(args)
    with inputs_of(args) as inputs:
        return read_input(
            inputs,
            model,
            windowing,
            machine_column=machine_column,
            every_offset=every_offset,
            reject=args.on_bad_row == "reject",
            name="stdin" if STANDARD in args.inputs else None,
            allow_missing=expects_missing(args),
            reading=reading_of(args, model.dialect),
        )


def read_machines(args: argparse.Namespace, model: Model, column: str | None) -> Input:
    """Rows to calibrate on, of `--machine` or with the machines that `column` names.

    Raises:
        ValueError: there is no such column, or it says that rows are of others than `--machine`.
    """
    try:
        named = column if args.machine is None else model.machine_column
        given = read(args, model, named, every_offset=True)
    except ColumnError as error:
        if args.machine is not None:
            return read(args, model, every_offset=True)  # rows of one machine need not say so
        if column is None or args.machine_column is not None:
            raise
        raise ValueError(
            f"{error} The bundle's machines are named in {column!r}: {MACHINE_ADVICE}."
        ) from error
    if args.machine is None or given.machines is None:
        return given
    check_own(given.machines, args.machine, model.machine_column)
    return given._replace(machines=None)


def machine_column(args: argparse.Namespace, model: Model, calibration: Calibration) -> str | None:
    """The column of the input that names machines; see `resolve_machines`."""
    return resolve_machines(model, calibration, own=args.machine, asked=args.machine_column)


def heeded(setting: str) -> str:
    """Names the backends that heed one of their `SETTINGS`."""
    found = [kind.name for kind in kinds() if setting in kind.settings]
    return f"heeded by {', '.join(found)}"


def _bundle(args: argparse.Namespace) -> Bundle:
    bundle = open_bundle(args.bundle, key=args.verify)
    bundle.verify()
    return bundle


def _runner(args: argparse.Namespace, bundle: Bundle, profile: Profile) -> Runner:
    return Runner(
        bundle,
        precision=args.precision,
        backend=kind_of(args.backend).of(profile, args.provider),
        machine=getattr(args, "machine", None),
        score=getattr(args, "by", "score"),
        missing_values=getattr(args, "missing_values", None) or "refuse",
    )


def _check_backend(args: argparse.Namespace) -> None:
    """Refuses settings that a backend does not have, and invalid threads, before any reading."""
    if args.threads is not None:
        check_threads(args.threads)
    for option in SETTINGS:
        if getattr(args, option) is not None and option not in kind_of(args.backend).settings:
            args.error(
                f"expected no --{option} with --backend {args.backend}: it is {heeded(option)}."
            )
