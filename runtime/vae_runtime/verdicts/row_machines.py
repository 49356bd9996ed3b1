"""One rule of whose calibration judges a row, for files, tables and record batches alike."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from vae_runtime.bundle.manifest import Calibration, Model

UNIT_ADVICE = (
    "name the unit that all rows are of (--unit NAME), or the column that names it (--unit-column "
    "COLUMN; '' judges by all units together, right on average over them)"
)
SHOWN = 5  # units that an error names


def resolve_machines(
    model: Model,
    calibration: Calibration,
    *,
    own: str | None,
    asked: str | None,
    names: Collection[str] | None = None,
) -> str | None:
    """The column that names each row's unit; None where all rows are judged alike.

    Args:
        model: of the bundle, with its own name of that column.
        calibration: of the bundle.
        own: the one unit that all rows are said to be of. The column is looked at where rows have
            it, see `check_own`, as they need not say so.
        asked: the column that was asked for; "" judges by all units together.
        names: of the columns that there are, where they are known.

    Raises:
        ValueError: there is a column and no calibration by unit; or there is one, and nobody says
            whose the rows are: judged by all units together, they would alarm more often than
            promised on some machines.
    """
    if own is not None:
        return model.unit if names is None or model.unit in names else None
    column = model.unit if asked is None else asked
    if calibration.units is None:
        if column:
            raise ValueError(
                f"expected a bundle with units, for the unit column {column!r} (--unit-column). "
                "Received: one without. `vae-runtime calibrate BUNDLE ROWS --unit-column COLUMN "
                "-o NEW` makes one."
            )
        return None
    if column is None:
        raise ValueError(
            f"expected to be told whose rows these are, as the bundle has units. {UNIT_ADVICE}."
        )
    return column or None


def check_own(units: NDArray[np.str_], own: str, column: str | None, where: str = "") -> None:
    """Raises ValueError where rows that are said to be of one unit name another.

    Args:
        units: (rows,), as their column says.
        own: the one unit.
        column: which says so, by name.
        where: begins the error.
    """
    others = np.unique(units[units != own])
    if len(others):
        raise ValueError(
            f"{where}expected rows of {own} alone, as --unit says. Received: rows of "
            f"{', '.join(others[:SHOWN])}, as their {column!r} says. Leave --unit out, to judge "
            "each by its own, or leave out the rows of others."
        )
