"""Opener of what the command line names: a bundle with its backend, and rows."""

import argparse
import dataclasses

import numpy as np

from vae_runtime.backends import SETTINGS, kind_of, kinds
from vae_runtime.backends.profiles import PROFILES, Profile, check_threads, profile_of_files
from vae_runtime.bundle import Bundle, open_bundle
from vae_runtime.bundle.manifest import Calibration, Model
from vae_runtime.rows.inputs import Input, Windowing, read_input
from vae_runtime.rows.tables import ColumnError
from vae_runtime.runner import Runner

UNIT_ADVICE = (
    "name the unit that all rows are of (--unit NAME), or the column that names it (--unit-column "
    "COLUMN; '' judges by all units together, right on average over them)"
)


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
    args: argparse.Namespace, model: Model, unit: str | None = None, *, every_offset: bool = False
) -> Input:
    """The rows of the input, as windows where the model takes them; `unit` is their column."""
    windowing = Windowing(args.stride, args.group, args.time)
    return read_input(args.input, model, windowing, unit=unit, every_offset=every_offset)


def read_units(args: argparse.Namespace, model: Model, column: str | None) -> Input:
    """Rows to calibrate on, of `--unit` or with the units that `column` names.

    Raises:
        ValueError: there is no such column, or it says that rows are of others than `--unit`.
    """
    try:
        named = column if args.unit is None else model.unit
        given = read(args, model, named, every_offset=True)
    except ColumnError as error:
        if args.unit is not None:
            return read(args, model, every_offset=True)  # rows of one unit need not say so
        if column is None or args.unit_column is not None:
            raise
        raise ValueError(
            f"{error} The bundle's units are named in {column!r}: {UNIT_ADVICE}."
        ) from error
    if args.unit is None or given.units is None:
        return given
    others = np.unique(given.units[given.units != args.unit])
    if len(others):
        raise ValueError(
            f"expected rows of {args.unit} alone, as --unit says. Received: rows of "
            f"{', '.join(others[:5])}, as their {model.unit!r} says. Leave --unit out, to judge "
            "each by its own, or leave out the rows of others."
        )
    return given._replace(units=None)


def unit_column(args: argparse.Namespace, model: Model, calibration: Calibration) -> str | None:
    """The column of the input by which each row is judged; None where all are judged alike.

    Raises:
        ValueError: the bundle has units, and nobody says whose the rows are: judged by all units
            together, they would alarm more often than promised on some machines.
    """
    if args.unit is not None:
        return None  # of which the runner was loaded
    column: str | None = model.unit if args.unit_column is None else args.unit_column
    if calibration.units is None:
        if column:
            raise ValueError(
                f"expected a bundle with units, for --unit-column {column}. Received: one without. "
                "`vae-runtime calibrate BUNDLE ROWS --unit-column COLUMN -o NEW` makes one."
            )
        return None
    if column is None:
        raise ValueError(
            f"expected to be told whose rows these are, as the bundle has units. {UNIT_ADVICE}."
        )
    return column or None


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
        unit=getattr(args, "unit", None),
        score=getattr(args, "by", "score"),
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
